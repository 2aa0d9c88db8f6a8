from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
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
        "Dr. Who", "Note: ", "x", "It ", "The model ", "`a. B`", "`", "¹", "(Source 1)", "**[1]**",
        "([2])", "---\n", "|---|\n", "a | b\n", "Sources:\n", "[1]-[3]", "<sup>1</sup>", "U.S.",
    ]
)  # fmt: skip
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
        ("a [1–3], b [1] – [3]", (1, 2, 3)),
        ("a [1; 2], [3]", (1, 2, 3)),
        ("a [Sources 1 and 2]", (1, 2)),
        ("a [source 1, 2]", (1, 2)),
        ("a [Abstract 2]", (2,)),
        ("a \\[1\\]", (1,)),
        ("a (Source 1; Source 2)", (1, 2)),
        ("a (see Source 2)", (2,)),
        ("a 【4:0†source】", (4,)),
        ("a ［3］", (3,)),
        ("a [1，2]", (1, 2)),
        ("a [[2]](#ref-2)", (2,)),
        ("a [1](https://a.b/2)", (1,)),
        ("fast¹,³ and small.²", (1, 3, 2)),
        ("more³⁻⁵", (3, 4, 5)),
        ("fast<sup>[2]</sup>", (2,)),
        ("a (1), b (1, 2)", ()),
        ("5 cm², R² and 10⁶ cells of ¹⁸F-FDG", ()),
        ("[0,1] and [95% CI 1-3]", ()),
        ("[18F]FDG, [18]F-FDG, [11C]PiB", ()),
        ("in [2023] and [2019-2021]", ()),
        ("95% CI: [1, 3]; range [1-5]; of shape [3, 224]; [3, 3] kernels", ()),
        ("Median age 65 [58-72] years", ()),
        ("The median Dice was 0.91 [1, 2]", (1, 2)),
        ("`arr[1]` and `x = y[2]`", ()),
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


@pytest.mark.parametrize(
    "draft",
    [
        "It holds 5 cases.|See Eq. (3) and No. 5 of it [1].|The answer is no.|It ends.",
        "Dr. J. K. Lee wrote it.|U.S. hospitals used it.|It came from the U.S.|The rest did not.",
        "It held (p < .05) at 3.5 T.|With v2.0.1 it failed.|At 10 a.m. it ran.|Then it ended.",
        "It infects with hepatitis B.|Patients recover.|E. coli was found by J. Smith.",
        "It was proposed by Lee et al.|The model is fast.|It is from Jan. 2020 (Sect. 3.2) [1].",
        'She said "it works."|It was... odd.|Wait...|The rest (it fails.)|Done.',
        "**Accuracy.** |The model reached 0.91 [1].|**Speed:** It runs in 3 s [2].",
        "### 1. Datasets\n|- **Size**: 3 [1]\n|2) Two\n   and three [4]\n|The end",
        "The model was trained\non 400 cases [1].\n|It uses `a.b. C` and\nmore.",
        "Line one [1]\n|Line two [2]\n|Sources:\n|[1] A title\n|[2] Another",
        "Model | Dice\n|--- | ---\n|A | 0.91 [1]\n|B | 0.89 [2]\n",
        "Key results\n|-----------\n|It is small.\n|```text\n|It is fast [1].",
        "It is fast.**[1]** |It is small. ([2], [3]) |It is good.\n[4]\n|It is bad.\n[5] |So.",
        "It is fast. [1]\n\n|[2] It is slow.|[3] shows more.",
        "速度快[1]。|它很小。",
    ],
)
def test_where_sentences_end(draft: str) -> None:
    pieces = [piece.strip() for piece in _pieces(draft)]
    text = draft.replace(" | ", "\0").replace("|", " ").replace("\0", " | ")
    assert [claim.text for claim in parse_claims(text)] == pieces


def _pieces(draft: str) -> list[str]:
    return [p.replace("\0", " | ") for p in draft.replace(" | ", "\0").split("|")]


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


def test_of_a_table_the_rows_are_claims_and_the_head_is_not() -> None:
    table = (
        "| Set | Organ |\n|---|---|\n| SKM-TEA | knee [1] |\n| ISLES | brain |\n\nUNETR is worse."
    )
    claims = [(c.bare, c.citations, c.checkable) for c in parse_claims(table)]
    assert claims == [
        ("Set | Organ", (), False),
        ("---|---", (), False),
        ("SKM-TEA | knee", (1,), True),
        ("ISLES | brain", (), True),
        ("UNETR is worse.", (), True),
    ]


def test_a_sentence_that_leans_on_the_one_before_has_it_as_context_and_not_its_citation() -> None:
    draft = (
        "**ISLES 2022.** It has 400 cases [1]. These are stroke patients. nnU-Net wins [2]. "
        "Speed: it is fast. Compared with UNETR, the model is small [2].\n\nIt is new."
    )
    claims = [(c.context, c.citations) for c in parse_claims(draft)]
    assert claims == [
        ("", ()),
        ("ISLES 2022.", (1,)),
        ("ISLES 2022. It has 400 cases.", ()),
        ("", (2,)),
        ("nnU-Net wins.", ()),
        ("nnU-Net wins. Speed: it is fast.", (2,)),
        ("", ()),
    ]


@PATIENT
@given(DRAFTS)
def test_claims_joined_give_the_draft_back(draft: str) -> None:
    claims = parse_claims(draft)
    assert "".join(claim.raw for claim in claims) == draft
    assert all(draft[c.start :].startswith(c.raw) for c in claims)


@PATIENT
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
    assert strip_markers("Fast ([1], [2]) and small **[3]**.") == "Fast and small."
    assert rewrite_markers("Fast ([1], [2](http://x.y)).", (1, 2)) == "Fast [1][2]."


MARKERS = st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True).flatmap(
    lambda ns: st.sampled_from(
        [
            "".join(f" [{n}]" for n in ns),
            f" [{', '.join(map(str, ns))}]",
            f" [Sources {' and '.join(map(str, ns))}]",
            "".join(f"【{n}†source】" for n in ns),
            f" ({', '.join(f'[^{n}]' for n in ns)})",
        ]
    ).map(lambda marker: (tuple(ns), marker))
)
FACTS = st.sampled_from(
    ["The CT scan was 80x faster", "Smith et al. used [CLS] in [0, 1]", "It failed (p < .05)",
     "Version 2.1 of nnU-Net won"]
)  # fmt: skip


@PATIENT
@given(st.lists(st.tuples(FACTS, MARKERS, st.booleans()), min_size=1, max_size=6), st.booleans())
def test_no_citation_is_lost_or_invented(
    parts: list[tuple[str, tuple[tuple[int, ...], str], bool]], listed: bool
) -> None:
    lines = [f"{fact}.{mark}" if after else f"{fact}{mark}." for fact, (_, mark), after in parts]
    draft = "\n".join(f"- {line}" for line in lines) if listed else " ".join(lines)
    assert [c.citations for c in parse_claims(draft)] == [cited for _, (cited, _), _ in parts]


@pytest.mark.parametrize("unit", ["[", "[1", "[1]", ". [1] ", "`", ".", "\n "])
def test_hostile_text_takes_time_in_proportion(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        started = time.process_time()
        parse_claims(text)
        return time.process_time() - started

    small = max(min(seconds(4_000) for _ in range(3)), 1e-3)
    assert seconds(100_000) < 25 * 8 * small  # squared, it would be 625 times
