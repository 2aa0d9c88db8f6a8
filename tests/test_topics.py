from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.bench_topics import Score, judge, labelled, score, texts_of
from rag.topic_terms import things
from rag.topics import KINDS, Topic, asked, canonical, key_of, topics


def named(title: str, abstract: str = "") -> set[str]:
    return {f"{topic.kind}:{topic.value}" for topic in topics(title, abstract)}


@pytest.mark.parametrize(
    ("title", "abstract", "found"),
    [
        ("Sonography of the kidneys", "", {"modality:ultrasound", "organ:kidney"}),
        ("Renal computed tomography", "", {"modality:CT", "organ:kidney"}),
        ("Resting-state fMRI in mice", "", {"modality:functional MRI", "modality:MRI"}),
        ("Lung nodule detection", "", {"task:detection", "task:nodule detection", "organ:lung"}),
        ("Small cell lung cancer", "", {"disease:lung cancer", "disease:cancer", "organ:lung"}),
        ("Effect of nivolumab on uveitis", "", {"treatment:nivolumab", "disease:uveitis"}),
        ("Lyme disease and aromatase inhibitors", "",
         {"disease:Lyme disease", "treatment:aromatase inhibitor"}),
        ("On Dent syndrome", "", {"disease:Dent syndrome"}),
        ("Outcomes after nephrectomy", "", {"treatment:nephrectomy", "treatment:surgery"}),
        ("Sleep", "It was a randomised trial.", {"method:randomized trial"}),
        ("Reading", "We propose SkimNet. It reads fast.", {"method:SkimNet"}),
        ("SkimNet: reading fast", "SkimNet reads fast.", {"method:SkimNet"}),
        ("Reading", "We test it on the BookCorp dataset.", {"dataset:BookCorp"}),
        ("Reading", "We test it on BookCorp and PageQA, two benchmarks.",
         {"dataset:BookCorp", "dataset:PageQA"}),
        ("PageQA: A Benchmark for Reading", "PageQA holds pages.", {"dataset:PageQA"}),
        ("Income", "It used the Dutch Household Survey 2011.",
         {"dataset:Dutch Household Survey 2011"}),
    ],
)  # fmt: skip
def test_what_a_paper_is_about(title: str, abstract: str, found: set[str]) -> None:
    assert found <= named(title, abstract)


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        ("Our pet in October", "They sat at the heart of the matter, on the other hand."),
        ("Walks", "Of the MRI scans it is often said. Liver is named in passing."),
        ("Walks", "RESULTS Many walked. METHODS AND MATERIALS Shoes. MAIN OUTCOME MEASURES Steps."),
        ("Walks", "We describe a B16F10 model. The effect of training on TP53X is small."),
        ("Walks", "Chronic disease and a similar syndrome were seen. Studies on mTORC1 differ."),
        ("Walks", "We used random forests (RF) on the RF dataset."),
        ("Kelp Forests Recover After Sea Urchin Removal", "Divers removed urchins."),
        ("", ""),
    ],
)
def test_what_it_is_not_about(title: str, abstract: str) -> None:
    assert {kind for kind, _, _ in (t.partition(":") for t in named(title, abstract))} <= {"method"}
    assert not any("RF" in topic or "pet" in topic.lower() for topic in named(title, abstract))


def test_a_list_of_things_is_no_topic_but_what_recurs_is() -> None:
    listed = "We counted ills of skin, liver, kidney, spleen and lung. Asthma was common. "
    assert not {"organ:liver", "organ:skin"} & named("Ills", listed)
    assert "organ:liver" in named("Ills", f"{listed} Most were of the liver.")


def test_words_of_a_question_and_of_a_filter_have_the_same_values() -> None:
    assert Topic("modality", "ultrasound") in asked("What do sonograms of the kidney show?")
    assert Topic("dataset", "BookCorp-2") in asked("How good is it on BookCorp-2?")
    assert canonical("renal cell carcinoma") == {Topic("disease", "kidney cancer")}
    assert canonical("lesion segmentation") == {Topic("task", "lesion segmentation")}
    assert canonical("kelp") == frozenset()
    assert key_of("MIMIC-CXR") == key_of("Mimic CXR")


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=600))
def test_it_never_raises_and_every_value_is_of_the_text_or_the_lists(title: str, text: str) -> None:
    shown = {term.value for term in things()}
    for topic in topics(title, text):
        assert topic.kind in KINDS
        assert topic.value in shown or topic.kind in ("task", "treatment", "disease") or (
            topic.value in f"{title} {text}"
        )  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(
    "the Lung-CT dataset of ( ) , . : propose SkimNet2 A for MRIs segmentation, Study".split()
)).map(" ".join))  # fmt: skip
def test_scraps_of_what_it_looks_for_do_not_harm_it(text: str) -> None:
    assert topics(text, text) == topics(text, text)


def test_the_labelled_sample_is_met() -> None:
    found = sum(score(labelled(), texts_of(None)).values(), Score())
    assert found.right > 100
    assert found.precision >= 0.9
    assert found.recall >= 0.75


def test_the_score_counts_what_is_right_wrong_and_missed() -> None:
    row = {"topics": {"modality": ["sonography", "MRI"]}, "also": {"modality": ["PET"]}}
    found = [Topic("modality", value) for value in ("ultrasound", "PET", "CT")]
    assert judge("modality", row, found) == Score(right=1, wrong=1, missed=1)
    assert (Score().precision, Score().recall) == (1.0, 1.0)
