from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.preference import BONUS, preferences
from rag.topics import Topic

CT, MRI = Topic("modality", "CT"), Topic("modality", "MRI")
LIVER = Topic("organ", "liver")
PAPERS = {"a": {CT, LIVER}, "b": {MRI}, "c": {CT, MRI}, "d": {LIVER}}


def gains(question: str, papers: dict[str, Any] = PAPERS) -> dict[str, float]:
    return preferences(question, list(papers), lambda ids: {i: papers[i] for i in ids})


def test_papers_gain_by_their_share_of_what_is_named() -> None:
    gained = gains("Are computed tomography and MR imaging of the liver combined?")
    assert gained.keys() == {"a", "b", "c"}
    assert gained["c"] == pytest.approx(BONUS)
    assert gained["a"] == pytest.approx(gained["b"]) == pytest.approx(BONUS / 2)


def test_what_fewer_papers_have_counts_more() -> None:
    gained = gains("CT or MRI?", {**PAPERS, "e": {CT}})
    assert gained["b"] > gained["e"]


def test_a_question_that_names_nothing_or_what_no_paper_has_changes_nothing() -> None:
    assert gains("Why do urchins graze?") == {}
    assert gains("Is ultrasound used?") == {}
    assert gains("Is CT used?", {}) == {}


@settings(deadline=None)
@given(st.text(max_size=80), st.dictionaries(st.text(max_size=3), st.frozensets(
    st.sampled_from([CT, MRI, LIVER])), max_size=5))  # fmt: skip
def test_no_gain_is_above_the_bonus(question: str, papers: dict[str, frozenset[Topic]]) -> None:
    gained = gains(f"{question} CT, MRI", papers)
    assert all(0 < gain <= BONUS + 1e-9 for gain in gained.values())
    assert gained.keys() <= papers.keys()
