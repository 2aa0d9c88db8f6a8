"""The tab that checks a text, without a browser."""

from __future__ import annotations

import pytest

from rag.assistant import Assistant
from rag.library import Library
from rag.render import checked_to_markdown
from rag.types import CheckedDraft, CheckedSentence, Evidence, Source
from rag.web.check_html import checked_html
from tests.stub_assistant import HELIOS, SELENE, quote
from tests.tab_reader import TabReader
from tests.test_web_html import HOSTILE


def sentence(text: str, verdict: str, *evidence: Evidence, reason: str = "") -> CheckedSentence:
    kept = verdict in ("supported", "not_a_claim")
    numbers = tuple(sorted({item.source for item in evidence}))
    return CheckedSentence(text, numbers, kept, verdict, reason, 0.9, 0.0, evidence)  # type: ignore[arg-type]


DRAFT = CheckedDraft(
    "d",
    (
        sentence(
            "HELIOS and SELENE are quick [7].",
            "supported",
            quote(HELIOS, "Reading time fell from 12 to 7 minutes."),
            quote(SELENE, "SELENE lowers the dose by half."),
        ),
        sentence("HELIOS is sold in Peru.", "unsupported", reason="no paper supports it"),
        sentence("Thank you.", "not_a_claim", reason="states nothing to check"),
    ),
    (HELIOS, SELENE),
)


def test_every_sentence_has_its_papers_or_its_reason() -> None:
    reader = TabReader(checked_html(DRAFT, "the Markdown"))
    assert "1 of 2 sentences supported" in reader.text
    assert [href for href in reader.of("href") if "-s" in href] == ["#check-s1", "#check-s2"]
    assert "no paper supports it" in reader.text
    assert "[7]" not in reader.text
    assert reader.tags.count("mark") == 2
    assert reader.tags.count("q") == 2
    assert "states nothing to check" not in reader.text
    assert "the Markdown" in reader.text


def test_a_text_without_a_claim_says_so() -> None:
    greeting = CheckedDraft("d", (sentence("Hello.", "not_a_claim"),))
    assert "Nothing in it states a fact" in checked_html(greeting, "")


def test_a_real_check_can_be_shown(library: Library) -> None:
    text = "Kelp cover rose from 8% to 61% on cleared reefs. Bees were paid 4 euros a day."
    draft = Assistant(library).check(text)
    reader = TabReader(checked_html(draft, checked_to_markdown(draft)))
    assert "1 of 2 sentences supported" in reader.text
    assert "Kelp Forests Recover" in reader.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    source = Source(1, text, text, text, None, text)
    kept = sentence(text, "supported", Evidence(1, "abstract", 2, 9, text))
    flagged = sentence(text, "unsupported", reason=text)
    reader = TabReader(checked_html(CheckedDraft("d", (kept, flagged), (source,)), text))
    assert reader.text.count(text) >= 5
