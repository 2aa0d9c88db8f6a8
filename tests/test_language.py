from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import resources
from rag.language import foreign


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Wie viele Patienten wurden mit dem Modell untersucht?", "German"),
        ("Welche Datensätze gibt es für Schlaganfall?", "German"),
        ("Quels jeux de données sont utilisés pour la segmentation du foie ?", "French"),
        ("¿Cuántos pacientes fueron incluidos en el estudio?", "Spanish"),
        ("Quali modelli sono stati addestrati con le immagini della mammella?", "Italian"),
        ("Quantos exames foram usados para treinar o modelo?", "Portuguese"),
        ("Welke methoden worden voor segmentatie van het hart gebruikt?", "Dutch"),
        ("Ile pacjentów zostało zbadanych przez lekarzy i jaki był wynik?", "Polish"),
        ("Vilka metoder finns för segmentering och hur många patienter?", "Swedish"),
        ("Hangi yöntem karaciğer için kullanıldı ve kaç hasta var?", "Turkish"),
        ("Сколько пациентов было в исследовании MedTrinity-25M?", "Russian or another language in "
         "Cyrillic letters"),
        ("这篇论文使用了哪些数据集？", "Chinese"),
        ("このモデルはどのデータで訓練されましたか", "Japanese"),
        ("كم عدد المرضى في الدراسة؟", "Arabic"),
    ],
)  # fmt: skip
def test_a_question_in_another_language_is_told(question: str, language: str) -> None:
    assert foreign(question) == language


@pytest.mark.parametrize(
    "question",
    [
        "",
        "MedTrinity-25M size?",
        "Does DAS improve on SAM in de novo lesions?",
        "What is the role of TNF-α and β-catenin in vivo?",
        "los angeles cohort, en face OCT, de Quervain",
        "Who compared das, con, per and por, and what did they find?",
        "α β γ δ rhythms in EEG",
        "What does Müller et al. say about Schlaganfall?",
    ],
)
def test_english_with_names_and_loan_words_is_english(question: str) -> None:
    assert foreign(question) == ""


def test_no_question_of_the_shipped_set_is_taken_for_another_language() -> None:
    path = resources.path("eval/sets/medical_imaging/questions.jsonl")
    questions = [json.loads(line)["question"] for line in path.read_text("utf-8").splitlines()]
    assert [question for question in questions if foreign(question)] == []


@given(st.text())
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert isinstance(foreign(text), str)
