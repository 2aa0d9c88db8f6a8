from __future__ import annotations

import pytest

from rag.citations import parse_claims
from rag.grounding import verify
from rag.types import Source, Verdict

SOURCES = (
    Source(1, "dds", "Decomposed Diffusion Sampler", "", None,
           "Krylov subspace methods are joined with diffusion sampling. The sampler reconstructs "
           "multi-coil MRI and 3D CT. Inference is more than 80 times faster than the previous "
           "state of the art."),
    Source(2, "skm", "SKM-TEA", "", None,
           "The knee MRI dataset holds 1.6TB of raw data from 155 patients scanned at Stanford."),
)  # fmt: skip


def check(sentence: str) -> Verdict:
    (claim,) = parse_claims(sentence)
    return verify(claim, SOURCES)


@pytest.mark.parametrize(
    "sentence",
    [
        "Inference of the sampler is over 80x faster than the previous state of the art [1].",
        "The knee dataset has 1.6 terabytes of raw MRI data from 155 patients [2].",
        "The Decomposed Diffusion Sampler joins Krylov subspace methods and diffusion [1].",
    ],
)
def test_a_true_paraphrase_is_supported(sentence: str) -> None:
    assert check(sentence).verdict == "supported"


@pytest.mark.parametrize(
    ("sentence", "verdict", "reason"),
    [
        ("The sampler is 81 times faster [1].", "unsupported", "81 times is not in source 1"),
        ("The sampler is 80% faster [1].", "unsupported", "80% is not in source 1"),
        ("The knee data are from 155 patients [1].", "unsupported", "155 is not in source 1"),
        ("The BraTS MRI dataset holds raw data [2].", "unsupported", "BraTS is not in source 2"),
        ("Aspirin lowers the risk of heart attacks in adults [2].", "unsupported",
         "too little of it is in source 2 (nothing on adults, aspirin, attacks)"),
        ("The sampler is more than 80 times faster.", "uncited",
         "a factual sentence without a citation"),
        ("The sampler is more than 80 times faster [3].", "phantom", "source 3 does not exist"),
        ("The sampler is more than 80 times faster [1][9].", "phantom", "source 9 does not exist"),
        ("The sampler cures cancer [1].", "unsupported",
         "too little of it is in source 1 (nothing on cures, cancer)"),
        ("The sampler runs [1].", "unsupported",
         "too little of it is in source 1 (nothing on runs)"),
        ("The data come from 155 patients [2] and were later withdrawn because of fraud.",
         "unsupported", "too little of it is in source 2 (nothing on later, fraud, withdrawn)"),
        ("The knee data fill 155TB [2].", "unsupported", "155TB is not in source 2"),
        ("It halves the time of the previous state of the art [1].", "unsupported",
         "halves is not in source 1"),
        ("# Results", "not_a_claim", "states nothing to check"),
    ],
)  # fmt: skip
def test_faults_are_named(sentence: str, verdict: str, reason: str) -> None:
    result = check(sentence)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_evidence_is_cut_from_the_source() -> None:
    result = check("The knee dataset holds 1.6TB; inference is more than 80 times faster [1, 2].")
    assert result.verdict == "supported"
    assert {item.source for item in result.evidence} == {1, 2}
    for item in result.evidence:
        text = SOURCES[item.source - 1].text
        assert item.field == "abstract"
        assert item.quote == text[item.start : item.end]
    assert any("80 times" in item.quote for item in result.evidence)


def test_a_citation_that_carries_nothing_is_not_credited() -> None:
    assert check("Raw knee MRI data came from 155 patients at Stanford [2][1].").citations == (2,)
