from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import parse_claims, strip_markers
from rag.enforcement import Reviewed, assemble, check_draft, follow, merge_repairs, review
from rag.types import Note, Removed, Sentence, Source
from rag.words import content_words

TEXT = (
    "Krylov subspace methods are joined with diffusion sampling. Inference on multi-coil MRI is "
    "more than 80 times faster. The knee data fill 1.6TB."
)
SOURCES = (
    Source(1, "a", "Decomposed Diffusion Sampler", "", None, TEXT),
    Source(2, "b", "Other", "", None, "Retinal vessels were segmented in 40 fundus images."),
)
PIECES = st.sampled_from(
    [
        "Inference on multi-coil MRI is more than 80 times faster", "Inference is 90 times faster",
        "Retinal vessels were segmented", "Aspirin cures cancer", "The moon is cheese", " [1]",
        " [2]", " [1, 2]", " [7]", "[1-9]", "【1】", ".", ". ", "? ", "\n", "\n\n", "- ", "# ",
        "**", "Note: ", "Sure! ", " [0, 1]", " 80", " 1.6TB", "| ", " NO_ANSWER ", ":", "  ",
    ]
)  # fmt: skip
DRAFTS = st.lists(PIECES, max_size=25).map("".join)


def reviewed(draft: str) -> list:
    return [review(claim, SOURCES) for claim in parse_claims(draft)]


@given(DRAFTS | st.text(max_size=150))
def test_no_draft_makes_an_unsupported_sentence_appear_as_supported(draft: str) -> None:
    items = reviewed(draft)
    for item in items:
        if not isinstance(item.outcome, Sentence):
            continue
        cited = [source for source in SOURCES if source.n in item.outcome.citations]
        assert cited, "a sentence of the answer has a citation that exists"
        assert len(cited) == len(item.outcome.citations)
        said = strip_markers(item.outcome.text)
        held = " ".join(f"{source.title} {source.text}" for source in cited)
        # An oracle of its own: plain strings, none of the code under test but the words.
        for figure in re.findall(r"(?<![\w.,])\d[\d.]*(?=[\s.%x]|$)", said):
            assert figure.rstrip(".") in held
        words = content_words(said)
        assert 2 * len(words & content_words(held)) >= len(words)
    shown = assemble(items)
    for item in items:
        if isinstance(item.outcome, Removed) and item.outcome.text.strip("#-*| ."):
            kept = "".join(i.outcome.text for i in items if isinstance(i.outcome, Sentence))
            assert item.outcome.text not in shown or item.outcome.text in kept


@given(DRAFTS)
def test_the_answer_is_its_sentences_and_nothing_else(draft: str) -> None:
    items = reviewed(draft)
    rest = assemble(items)
    for item in items:
        if isinstance(item.outcome, Sentence):
            assert item.outcome.text in rest
            rest = rest.replace(item.outcome.text, "", 1)
    assert rest.strip("-\n ") == ""


def test_a_sentence_that_leans_on_a_removed_one_goes_with_it() -> None:
    draft = "The moon is cheese [1]. It fills 1.6TB, as the knee data fill 1.6TB [1]. Really."
    first, second, *_ = reviewed(draft)
    stays = Reviewed(second.claim, Sentence(second.claim.text, (1,), "supported", 1.0, ()))
    assert isinstance(first.outcome, Removed) and second.claim.context
    gone = follow([first], stays)
    assert isinstance(gone.outcome, Removed)
    assert gone.outcome.reason == "it refers to a sentence that was removed"
    kept = Reviewed(first.claim, stays.outcome)
    assert follow([kept], stays) == stays
    assert follow([], stays) == stays


@given(DRAFTS)
def test_a_checked_draft_quotes_itself_in_order(draft: str) -> None:
    at = 0
    for sentence in check_draft(draft, SOURCES):
        at = draft.index(sentence.text, at) + len(sentence.text)
        assert sentence.kept == (sentence.verdict in {"supported", "not_a_claim"})


def test_paragraphs_and_bullets_survive_and_markers_are_plain() -> None:
    draft = (
        "Here is a summary:\n\nInference on multi-coil MRI is more than 80 times faster 【1】. It "
        "cures cancer [1].\n\n- Krylov methods are joined with diffusion sampling [1][1].\n"
        "- The knee data fill 1.6 terabytes [1].\n"
    )
    assert assemble(reviewed(draft)) == (
        "Inference on multi-coil MRI is more than 80 times faster [1].\n\n- Krylov methods are "
        "joined with diffusion sampling [1].\n- The knee data fill 1.6 terabytes [1]."
    )


def test_a_repair_takes_the_place_of_the_sentence_that_failed() -> None:
    right = "Inference on multi-coil MRI is more than 80 times faster [1]."
    other = "The knee data fill 1.6TB [1]."
    draft = reviewed(f"The moon is bread [1]. Inference is 90 times faster [1]. {other}")
    merged = merge_repairs(draft, [reviewed("The moon is cheese [1]."), reviewed(right)])
    assert assemble(merged) == f"{right} {other}"
    assert [i.outcome.text for i in merged if isinstance(i.outcome, Removed)] == [
        "The moon is bread [1].",
        "Inference is 90 times faster [1].",
    ]


QUESTION = "How fast is the diffusion sampler on ultrasound?"


def test_a_remark_is_a_note_and_says_what_it_is() -> None:
    draft = "Note: the sources report multi-coil MRI inference, not ultrasound.\n"
    (note,) = (review(claim, SOURCES, QUESTION).outcome for claim in parse_claims(draft))
    assert isinstance(note, Note)
    assert note.text.endswith("(the writer's remark, not a checked statement)")


@pytest.mark.parametrize(
    "remark",
    [
        "Note: take 500 mg of aspirin daily, not less.",
        "Note: diffusion sampling on ultrasound is fast.",
        "**Note:** inference on MRI is not 90 times faster.",
        "NOTE: aspirin does not cure stroke in children.",
    ],
)
def test_a_remark_brings_in_no_finding_and_no_new_matter(remark: str) -> None:
    (claim,) = parse_claims(remark)
    assert isinstance(review(claim, SOURCES, QUESTION).outcome, Removed)
