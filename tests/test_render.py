from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import RenderableType

from rag.documents import search_rows
from rag.render import (
    checked_to_markdown,
    checked_to_terminal,
    found_to_terminal,
    outbound,
    printable,
    to_json,
    to_markdown,
    to_terminal,
)
from rag.session import console
from rag.settings import Settings
from rag.types import (
    Answer,
    CheckedDraft,
    CheckedSentence,
    Evidence,
    Hit,
    Note,
    Paper,
    Passage,
    Refusal,
    Removed,
    Retrieved,
    Sentence,
    Source,
    Usage,
)

ABSTRACT = "The scanner found 12 of 15 lesions. Readers agreed."
EVIDENCE = Evidence(1, "abstract", 0, 35, ABSTRACT[:35])
ANSWER = Answer(
    id="a1",
    question="How many lesions?",
    query="How many lesions?",
    refused=False,
    text="The scanner found 12 lesions [1].",
    sentences=(
        Sentence("The scanner found 12 lesions [1].", (1,), "supported", 0.987654, (EVIDENCE,)),
    ),
    notes=(Note("scope", "One small study."),),
    refusal=None,
    removed=(Removed("It is safe [1].", (1,), "unsupported", "safety is not in source 1"),),
    sources=(
        Source(1, "p1", "A scanner", "https://example.org/1", 2024, ABSTRACT),
        Source(2, "p2", "Never cited", "", None, "Something else."),
    ),
    retrieved=(Retrieved("p1", "A scanner", 0.91), Retrieved("p2", "Never cited", 0.2)),
    model="extractive",
    timings={"total": 0.123456},
)
REFUSED = replace(
    ANSWER,
    refused=True,
    text="",
    sentences=(),
    refusal=Refusal("not_in_collection", "The collection holds no answer.", ("p2", "gone")),
)


def shown(value: RenderableType) -> str:
    stream = io.StringIO()
    console(stream).print(value)
    return stream.getvalue()


def local(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def test_json_rounds_numbers_and_keeps_every_field() -> None:
    document = json.loads(to_json(ANSWER))
    assert document["sentences"][0]["support"] == 0.9877
    assert document["timings"] == {"total": 0.1235}
    assert document["refusal"] is None
    assert document["usage"] == {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0}
    assert document["sources"][0]["text"][:35] == document["sentences"][0]["evidence"][0]["quote"]


def test_json_is_valid_utf_8_whatever_the_text() -> None:
    for text in ("naïve 𝛼", "half \ud800 of a pair, naïve"):
        assert json.loads(to_json({"text": text}).encode()) == {"text": text}


def test_search_rows_hold_what_the_contract_names() -> None:
    paper = Paper("p1", "A scanner", ABSTRACT)
    hit = Hit(paper, Passage("p1#0", "p1", ABSTRACT[:35], 0, 35), 0.83, 0.7, 4.1)
    [row] = json.loads(to_json(search_rows([hit])))
    assert list(row) == ["rank", "score", "paper", "passage"]
    assert row["passage"] == {"id": "p1#0", "text": ABSTRACT[:35], "start": 0, "end": 35}


def test_markdown_lists_cited_sources_and_what_was_removed() -> None:
    text = to_markdown(ANSWER)
    assert text.startswith("The scanner found 12 lesions [1].")
    assert "1. A scanner (2024) <https://example.org/1>" in text
    assert "- It is safe [1]. (unsupported: safety is not in source 1)" in text
    assert "> One small study." in text
    assert "Never cited" not in text


def test_a_refusal_names_the_nearest_papers() -> None:
    for text in (to_markdown(REFUSED), shown(to_terminal(REFUSED, local()))):
        assert text.startswith("The collection holds no answer.")
        assert "Never cited" in text
        assert "gone" in text


def test_the_terminal_shows_evidence_removals_and_the_writer() -> None:
    text = shown(to_terminal(ANSWER, local()))
    assert "[1] A scanner (2024)" in text
    assert f"“{ABSTRACT[:35]}”" in text
    assert "unsupported: safety is not in source 1" in text
    assert "Answered by the extractive writer. Nothing left this machine." in text


def test_text_is_never_markup_nor_an_escape_sequence() -> None:
    hostile = "\x1b[31m[bold]x[/bold] :smile: [link=http://evil]y[/link]\x07\u202e [1]."
    answer = replace(ANSWER, text=hostile, sources=(replace(ANSWER.sources[0], title=hostile),))
    text = shown(to_terminal(answer, local()))
    assert text.count("[bold]x[/bold] :smile: [link=http://evil]y[/link] [1].") == 2
    assert not set("\x1b\x07\u202e") & set(text)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("a\x1b[2Jb", "ab"),
        ("a\x1b]8;;http://evil\x1b\\b\x1b]8;;\x07c", "abc"),
        ("a\x9b31mb", "a31mb"),
        ("a\x1b", "a"),
        ("line\r\nline\ttab", "line\nline\ttab"),
    ],
)
def test_printable(raw: str, kept: str) -> None:
    assert printable(raw) == kept


def test_a_checked_text_shows_each_verdict_and_its_papers() -> None:
    good = CheckedSentence("Twelve were found.", (), True, "supported", "", 0.9, 0.0, (EVIDENCE,))
    bad = CheckedSentence("All were.", (), False, "unsupported", "15 is missing", 0.1, 0.2, ())
    text = shown(checked_to_terminal(CheckedDraft("d", (good, bad), ANSWER.sources)))
    assert "unsupported" in text
    assert "15 is missing" in text
    assert "[1] A scanner (2024)" in text
    assert "Never cited" not in text


def test_a_checked_text_as_markdown_quotes_what_supports_it() -> None:
    heading = CheckedSentence("# Results", (), True, "not_a_claim", "", 0.0, 0.0, ())
    good = CheckedSentence("Twelve\nwere found [9].", (1,), True, "supported", "", 0.9, 0.0,
                           (EVIDENCE,))  # fmt: skip
    bad = CheckedSentence("All were.", (), False, "unsupported", "15 is missing", 0.1, 0.2, ())
    text = checked_to_markdown(CheckedDraft("d", (heading, good, bad), ANSWER.sources))
    assert text.startswith("# 1 of 2 sentences are supported\n\n# Results\n")
    assert f"- ✓ Twelve were found. [1]\n\n    > {EVIDENCE.quote} [1]\n" in text
    assert "- ✗ **All were.** unsupported: 15 is missing\n" in text
    assert "1. A scanner (2024)" in text and "Never cited" not in text


def test_a_remark_of_the_collection_is_shown_once() -> None:
    papers = [Paper(f"p{i}", f"Title {i}", ABSTRACT, note="A digest.") for i in (1, 2)]
    hits = [Hit(p, Passage(f"{p.id}#0", p.id, ABSTRACT, 0, 51), 0.5, 0.5, 1.0) for p in papers]
    assert shown(found_to_terminal(search_rows(hits))).count("A digest.") == 1


def test_outbound_says_what_goes_to_whom() -> None:
    assert outbound(local()) == []
    assert outbound(local(openai_api_key="k")) == []
    assert outbound(local(model="m", openai_base_url="http://localhost:11434/v1")) == []
    [line] = outbound(local(model="m", openai_base_url="https://models.example/v1"))
    assert "https://models.example/v1" in line
    assert len(outbound(local(model="m", embedding="openai:e"))) == 2
    assert outbound(local(chroma_url="http://127.0.0.1:8000")) == []
    [line] = outbound(local(chroma_url="https://chroma.example"))
    assert "Papers taken in" in line and "question's vector go to https://chroma.example." in line


def test_the_footer_names_a_server_that_was_asked() -> None:
    text = " ".join(shown(to_terminal(ANSWER, local(chroma_url="https://c.example"))).split())
    assert "Sent to https://c.example: the question's vector." in text
    assert "Nothing left" not in text


def test_the_footer_says_what_was_sent() -> None:
    asked = replace(ANSWER, model="m", usage=Usage(calls=1))
    remote = local(model="m", openai_base_url="https://models.example/v1")
    text = " ".join(shown(to_terminal(asked, remote)).split())
    assert "Sent to https://models.example/v1: the question and the abstracts found" in text
    embedded = " ".join(shown(to_terminal(ANSWER, local(embedding="openai:e"))).split())
    assert "Sent to https://api.openai.com/v1: the question." in embedded
