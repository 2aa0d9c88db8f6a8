from __future__ import annotations

import json

import pytest

from rag.loaders import load_papers
from rag.render import to_dict
from rag.types import Note, Removed
from rag.web import exports
from rag.web.exchange import Exchange, end
from tests.harmless import HOSTILE
from tests.stub_assistant import PAPERS, answered, refused

DONE = Exchange("How quiet?", "", answer=answered("How quiet?"), papers=PAPERS, feedback="up")
REFUSED = Exchange("And Peru?", "", answer=refused("And Peru?"), papers=PAPERS)
ALL = (DONE, REFUSED, end(Exchange("Lost?"), "No model answers."))


def test_plain_text_has_the_answer_and_a_reference_for_each_number() -> None:
    text = exports.plain_text(answered("q"), PAPERS)
    assert text.startswith("HELIOS cuts the noise by 40% in 1,204 patients [1]. SELENE")
    assert "[1] Ada Lumen, Bo Umbra, Cy Penumbra, Di Corona (2024). HELIOS: a scanner" in text
    assert "[2] Eve Crater. SELENE: low-dose imaging of the knee. https://doi.org/10.1000" in text
    assert "AURORA" not in text


def test_markdown_lists_the_sources_under_their_numbers() -> None:
    text = exports.markdown(answered("q"), PAPERS)
    assert "> Only two of the papers report figures." in text
    assert "**Sources**\n\n1. Ada Lumen" in text


def test_a_refusal_is_its_text_alone() -> None:
    assert exports.markdown(refused("q"), PAPERS) == f"{refused('q').text}\n"


def test_a_conversation_as_markdown_has_every_question_and_what_was_removed() -> None:
    text = exports.conversation_markdown(ALL)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## How quiet?", "## And Peru?", "## Lost?",
    ]  # fmt: skip
    assert "- HELIOS is approved in Peru [1]. (not in source 1)" in text
    assert "*No model answers.*" in text


def test_a_conversation_as_json_holds_the_documents_of_rag_ask() -> None:
    rows = json.loads(exports.conversation_json(ALL))["exchanges"]
    assert [row["question"] for row in rows] == ["How quiet?", "And Peru?", "Lost?"]
    assert rows[0]["answer"] == to_dict(answered("How quiet?"))
    assert (rows[0]["feedback"], rows[2]["answer"], rows[2]["problem"]) == (
        "up", None, "No model answers.",
    )  # fmt: skip


def test_bibtex_has_each_cited_paper_once_and_is_read_again(tmp_path) -> None:
    file = tmp_path / "cited.bib"
    file.write_text(exports.bibtex((DONE, DONE, REFUSED)), encoding="utf-8")
    failed = []
    papers = list(load_papers(file, failed.append))
    assert [paper.id for paper in papers] == ["helios", "selene"]
    assert papers[0].authors == PAPERS["helios"].authors
    assert failed == []


def test_a_paper_that_is_no_longer_held_is_told_by_its_source() -> None:
    assert "[1] (2024). HELIOS: a scanner" in exports.plain_text(answered("q"), {})


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_markdown_is_fetched_when_it_is_shown(text: str) -> None:
    answer = answered(
        text, text=text, notes=(Note("scope", text),), removed=(Removed(text, (), "uncited", text),)
    )
    page = exports.conversation_markdown(
        [Exchange(text, "", answer=answer), end(Exchange(text), text)]
    )
    bare = page.replace("\\<", "").replace("\\!", "")
    assert "![" not in bare
    assert not any(f"<{ch}" in bare for ch in "abcdefghijklmnopqrstuvwxyz/!?")
