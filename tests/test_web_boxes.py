from __future__ import annotations

import pytest

from rag.errors import InputError
from rag.filters import Filter
from rag.web.boxes import filter_of


def test_empty_boxes_limit_nothing() -> None:
    assert filter_of("", " ", " ; ", "*") is None
    assert filter_of(None, None, None, None) is None


def test_a_name_is_any_part_of_one_and_a_semicolon_parts_several() -> None:
    assert filter_of("2018", "", "nature; cell", " ct ") == Filter(
        since=2018, venues=("*nature*", "*cell*"), keywords=("*ct*",)
    )


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("next year", "", "not a year"),
        ("", "20", "not a year"),
        ("²⁰²⁰", "", "not a year"),
        ("2020", "2018", "swap the years"),
    ],
)
def test_years_that_are_none_are_told(since: str, until: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        filter_of(since, until, "", "")


def test_ticked_topics_limit_and_what_is_no_list_of_them_does_not() -> None:
    assert filter_of(topics='["modality:CT", " ", "organ:liver"]') == Filter(
        topics=("modality:CT", "organ:liver")
    )
    for text in ("", "[]", "{}", "[1, null]", "no JSON", "[" * 10_000, '"modality:CT"'):
        assert filter_of(topics=text) is None
