from __future__ import annotations

import pytest

from rag.terms import absent_terms, named


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("Abdominal scans were read.", "CT of the liver"),
        ("It works on MR images.", "T1-weighted magnetic resonance imaging"),
        ("Sonography was used.", "transthoracic echocardiography"),
        ("Brain tumours were outlined.", "segmentation of gliomas"),
        ("Radiographs of the chest were used.", "a chest X-ray set"),
        ("The kidneys recovered.", "acute renal failure"),
        ("Haemorrhage was rarer.", "fewer hemorrhages"),
        ("Children did better.", "paediatric patients"),
        ("A heart attack was likelier.", "myocardial infarction"),
        ("Liver removal (hepatectomy) helped.", "hepatic resection"),
        ("On the other hand, it has a task head.", "a network"),
        ("It beat the Swin network.", "The swin transformer"),
        ("A Norwegian cohort was studied in May.", "patients in Oslo"),
        ("The unusual result is certain to remain.", "A finding."),
        ("", ""),
    ],
)
def test_a_synonym_or_a_kind_of_it_is_enough(claim: str, source: str) -> None:
    assert absent_terms(claim, source) == []


@pytest.mark.parametrize(
    ("claim", "source", "missing"),
    [
        ("It segments the spleen on ultrasound.", "liver segmentation on CT",
         ["spleen", "ultrasound"]),
        ("The hip was scanned.", "knee MRI", ["hip"]),
        ("Meningiomas were found.", "brain tumors such as gliomas", ["Meningiomas"]),
        ("It rose in rats.", "mice on a diet", ["rats"]),
        ("Cerebellar lesions were missed.", "cerebral microbleeds of the brainstem",
         ["Cerebellar"]),
        ("A British and an African cohort.", "patients from Japan", ["British", "African"]),
        ("A diffusion model did it.", "a convolutional network", ["diffusion model"]),
        ("Half of them took osimertinib.", "half of them took gefitinib", ["osimertinib"]),
        ("The lesions held calcitonin.", "the lesions held leptin", ["calcitonin"]),
        ("It was tested on Cityscapes, twice.", "tested on a street dataset", ["Cityscapes"]),
        ("Anti-Smith and non-Hodgkin cases.", "cases", ["Smith", "Hodgkin"]),
    ],
)  # fmt: skip
def test_what_the_source_lacks_is_named_as_the_claim_writes_it(
    claim: str, source: str, missing: list[str]
) -> None:
    assert absent_terms(claim, source) == missing


def test_a_broader_word_serves_unless_the_source_names_another_kind() -> None:
    assert absent_terms("Gliomas shrank.", "The brain cancer shrank.") == []
    assert absent_terms("Gliomas shrank.", "The cancer, a melanoma, shrank.") == ["Gliomas"]


def test_subjects_are_missed_only_beside_others_of_their_class() -> None:
    assert absent_terms("It helped rats.", "It helped.") == []
    assert absent_terms("It helped rats.", "It helped rabbits.") == ["rats"]


def test_phrases_that_name_a_term_of_a_class_are_found_as_they_are_spelled() -> None:
    text = "Dehazing Ultrasound of the liver, seen with diffusion MRI"
    assert named(text, "imaging") == ["Ultrasound", "diffusion MRI"]
    assert named(text, "organ") == ["liver"]
