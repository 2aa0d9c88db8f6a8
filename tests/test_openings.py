from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evidence import is_quoted, read
from rag.openings import leans, without_opening
from rag.types import Source


@pytest.mark.parametrize(
    ("sentence", "mended"),
    [
        ("Moreover, otters sleep.", "Otters sleep."),
        ("In addition, 12 otters slept.", "12 otters slept."),
        ("First, otters slept; then they ate.", "Otters slept; then they ate."),
        ("However otters sleep, they eat.", "However otters sleep, they eat."),
        ("Finally tired, otters sleep.", "Finally tired, otters sleep."),
        ("Otters sleep.", "Otters sleep."),
    ],
)
def test_what_joins_a_sentence_to_the_one_before_goes(sentence: str, mended: str) -> None:
    assert without_opening(sentence) == mended


@given(st.text(max_size=60))
def test_only_the_opening_changes(text: str) -> None:
    rest = without_opening(text)
    assert text.endswith(rest[1:])
    assert rest == text or text[len(text) - len(rest) - 1].isspace()


def test_a_mended_sentence_is_still_a_quotation() -> None:
    text = "Otters eat. Moreover, otters sleep on their backs."
    view = read(Source(1, "a", "Otters", "", None, text))
    assert is_quoted("Otters sleep on their backs.", [view])
    assert not is_quoted("Otters sleep on their fronts.", [view])


def test_a_sentence_that_refers_back_leans() -> None:
    assert leans("It also saves memory.") and leans("These results hold.")
    assert not leans("Italy has otters.") and not leans("The otters sleep.")
