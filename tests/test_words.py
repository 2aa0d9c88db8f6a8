from __future__ import annotations

from rag.words import missing_words


def test_words_that_no_text_has_in_any_form_are_told_as_they_are_spelled() -> None:
    texts = ["Segmentation of lesions.", "A scanner's noise."]
    question = "Which scanners segmented lesions in Peru, and in Peru's hospitals?"
    assert missing_words(question, texts) == ["Peru", "hospitals"]
    assert missing_words("Which of them?", texts) == []
