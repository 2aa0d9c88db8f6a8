from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import (
    ClaimStream,
    cited_numbers,
    parse_claims,
    rewrite_markers,
    strip_markers,
)

PIECES = st.sampled_from(
    [
        "The CT scan", "was 80x faster", "nnU-Net", "e.g.", "et al.", " ", "  ", ". ", ".", "! ",
        "? ", "\n", "\n\n", "- ", "1. ", "# ", "[1]", "[1, 2]", "[3-5]", "【2】", "[^1]", "[CLS]",
        "[0, 1]", "**Bold** ", "**", "| a | b |\n", "|", "(Fig. 2)", "。", "…", "[", "]", "0.05",
        "Dr. Who", "Note: ", "x",
    ]
)  # fmt: skip
DRAFTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a [1]", (1,)),
        ("a [1][2]", (1, 2)),
        ("a [1, 3]", (1, 3)),
        ("a [1-3]", (1, 2, 3)),
        ("a [2; 1] b [2]", (2, 1)),
        ("a 【1】", (1,)),
        ("a 【4†source】", (4,)),
        ("a [^1]", (1,)),
        ("a [Source 1]", (1,)),
        ("a [Source 1, Source 2]", (1, 2)),
        ("a [1 and 2]", (1, 2)),
        ("the [CLS] token", ()),
        ("values in [0, 1]", ()),
        ("[2D] slices", ()),
        ("(n = 1204)", ()),
        ("95% CI [72, 81]", ()),
        ("a [10-8]", (10, 8)),
        ("a [1000]", (1000,)),
    ],
)
def test_reads_markers_and_only_markers(text: str, numbers: tuple[int, ...]) -> None:
    assert cited_numbers(text) == numbers


def test_a_citation_after_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    claims = parse_claims("It is fast. [1] It is small.[2] [3] reports more.")
    assert [claim.citations for claim in claims] == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Some models, e.g. nnU-Net, were tested by Smith et al. in 2020 [1].",
        "See Fig. 2 for p = 0.05 vs. 0.5 [1].",
        "Code is at https://github.com/a/b.git and works [2].",
        "J. Smith wrote it [1].",
    ],
)
def test_full_stops_that_end_no_sentence(sentence: str) -> None:
    assert [c.text for c in parse_claims(sentence)] == [sentence]


def test_a_missing_space_hides_no_sentence() -> None:
    assert [c.text for c in parse_claims("It has 400 cases [2].MRI kills patients.")] == [
        "It has 400 cases [2].",
        "MRI kills patients.",
    ]


def test_sentences_that_open_with_a_small_letter_or_a_figure() -> None:
    text = "It works [1]. nnU-Net works too [2]. 95 papers agree [3]."
    assert [c.citations for c in parse_claims(text)] == [(1,), (2,), (3,)]


def test_headings_greetings_and_rules_state_nothing() -> None:
    draft = "# Results\n\nSure! Here is a summary:\n\n**Speed**\n\n---\nIs that all?"
    assert not any(claim.checkable for claim in parse_claims(draft))


@pytest.mark.parametrize(
    "fact", ["# The drug cures cancer in 80 days", "**It cuts deaths by 40%**", "Dice: 0.91",
             "- Smaller than all others"]
)  # fmt: skip
def test_a_fact_in_the_shape_of_a_heading_is_still_a_claim(fact: str) -> None:
    assert [claim.checkable for claim in parse_claims(fact)] == [True]


@given(DRAFTS)
def test_claims_joined_give_the_draft_back(draft: str) -> None:
    claims = parse_claims(draft)
    assert "".join(claim.raw for claim in claims) == draft
    assert all(draft[c.start :].startswith(c.raw) for c in claims)


@given(DRAFTS, st.integers(1, 9))
def test_a_streamed_draft_gives_the_same_claims_however_it_is_cut(draft: str, size: int) -> None:
    stream = ClaimStream()
    claims = [c for at in range(0, len(draft), size) for c in stream.feed(draft[at : at + size])]
    assert claims + stream.close() == parse_claims(draft)


def test_a_sentence_streams_out_before_the_draft_ends() -> None:
    assert [c.text for c in ClaimStream().feed("One is done [1]. The second one is")] == [
        "One is done [1]."
    ]


def test_markers_are_stripped_and_rewritten() -> None:
    assert strip_markers("It is so [1, 2]. And [CLS].") == "It is so. And [CLS]."
    assert rewrite_markers("It is so 【1】 and [2-4].", (1, 3)) == "It is so [1] and [3]."
    assert rewrite_markers("It is so [2].", ()) == "It is so."
