from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import InputError
from rag.text import MAX_QUESTION, brief, clean, clean_question, whole


@given(st.text())
def test_cleaned_text_shows_all_that_it_holds(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    hidden = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs"}}
    assert not hidden & set(cleaned) - {"\n", "\t"}
    kept = "".join(c for c in text if c not in hidden)
    assert "".join(cleaned.split()) == "".join(kept.split())


def test_what_separates_words_still_does() -> None:
    assert clean("a\r\nb\tc\rd\x0be\x1ff") == "a\nb\tc d e f"


def test_a_question_comes_out_on_one_line_without_marks() -> None:
    assert clean_question(" \u200fHow\x00 fast\r\nis\u202e it?\u200b ") == "How fast is it?"
    assert clean_question("x" * MAX_QUESTION) == "x" * MAX_QUESTION


@pytest.mark.parametrize(
    "question", ["", " \t\n", "\x00\x07\x1b", "\u200f\u202e", "?! …", "\ud800"]
)
def test_a_question_without_a_word_is_refused(question: str) -> None:
    with pytest.raises(InputError, match=r"question is empty; write"):
        clean_question(question)


def test_a_pasted_document_is_refused() -> None:
    with pytest.raises(InputError, match="has 100,000 characters, at most 2,000") as caught:
        clean_question("word " * 19_999 + "words")
    assert len(str(caught.value)) < 200


def test_a_key_is_never_cut_in_two() -> None:
    for length in range(150, 230):
        said = brief("\n".join([*["a"] * (length // 2), "sk-4711-secret", "is bad"]))
        assert len(said) <= 200 and "\n" not in said
        assert "sk-4711-secret" in said or "sk" not in said


def test_halves_of_pairs_are_replaced_in_place() -> None:
    assert whole("a\ud800b\udfff 𝛼") == "a\ufffdb\ufffd 𝛼"
