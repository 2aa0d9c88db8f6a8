from __future__ import annotations

import pytest

from rag.names import absent_names, names, unknown_names


@pytest.mark.parametrize(
    ("claim", "source"),
    [
        ("PAR2 and NK1", "the PAR(2) and NK(1) receptors"),
        ("CD4+8+ cells", "CD4(+)8(+) cells"),
        ("IL-1beta", "driven by IL-1β"),
        ("IL-6 and interleukin-2", "interleukin-6 and IL-2"),
        ("PGE2", "prostaglandin E2"),
        ("gp37", "the protein gp 37"),
        ("NMDA channels", "N-methyl-D-aspartate receptors"),
        ("siRNA", "small interfering RNA"),
        ("NYHA class", "New York Heart Association class"),
        ("SF-36", "the Short Form 36"),
        ("ASA grade", "the American Society of Anesthesiologists"),
        ("p53-linked", "a p53-dependent pathway"),
        ("LLMs and microRNAs", "an LLM and a miRNA"),
        ("type II", "type 2"),
        ("major vault protein (MVP) and MVP again", "a vault protein"),
        ("people over-65s in sub-6-mm", "old people"),
    ],
)
def test_a_name_may_be_written_otherwise(claim: str, source: str) -> None:
    assert absent_names(claim, source) == []


@pytest.mark.parametrize(
    ("claim", "source", "missing"),
    [
        ("IL-6", "interleukin-8 (IL-8)", ["IL-6"]),
        ("PAR2", "the PAR(1) receptor", ["PAR2"]),
        ("GPT-4o-mini", "GPT-4o was used", ["GPT-4o-mini"]),
        ("cagA encodes it", "the gene vacA", ["cagA"]),
        ("type II", "type 1", ["II"]),
        ("p53-linked and DINOv2-based", "p63 and DINOv3", ["p53-linked", "DINOv2-based"]),
        ("MVP (MRI)", "major vault proteins", ["MRI"]),
    ],
)
def test_another_name_is_missed(claim: str, source: str, missing: list[str]) -> None:
    assert sorted(absent_names(claim, source)) == sorted(missing)


def test_names_are_acronyms_codes_and_genes_but_no_amounts() -> None:
    assert names("Of over-65s, plcA and BraTS on GPT-4V") == ("GPT-4V", "plcA", "BraTS")


def test_a_name_that_no_text_has_is_unknown_and_a_slip_is_not() -> None:
    texts = ["Merlin reads CT.", "MedTrinity-25M has images in 10 modalities; GPT-4 wrote them."]
    asked = "How do Merlin, SA-Med2D-20M, MedTrinitty-25M and DenseNet differ? I am an MD and PhD."
    assert unknown_names(asked, texts) == ["SA-Med2D-20M", "DenseNet"]
    assert unknown_names("What is GPT-5 said to do, and GPT-4?", texts) == ["GPT-5"]
    assert unknown_names("Which CT models are there, and what is MRI for?", texts) == []
