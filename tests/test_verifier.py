from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.verifier import MAX_CLAIM, MAX_EVIDENCE, WEIGHTS, Judgement, Verifier, pack

EVIDENCE = (
    "A network for knee scans\nThe network was trained on 80 knee MRI scans from two hospitals. "
    "It found torn ligaments more often than two residents did, but missed small cartilage "
    "lesions. Ultrasound was not studied."
)
CLAIMS = (
    "The network learned from 80 knee scans of two hospitals.",
    "Small lesions of the cartilage escaped the network.",
    "Vaccination of poultry farms was costly.",
)


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    return Verifier()


@pytest.fixture(scope="module")
def judged(verifier: Verifier) -> list[Judgement]:
    return verifier.judge(EVIDENCE, CLAIMS)


def test_what_is_stated_has_more_support_than_what_is_not(judged: list[Judgement]) -> None:
    assert min(judged[0].support, judged[1].support) > 0.5 > judged[2].support


def test_shares_are_probabilities(judged: list[Judgement]) -> None:
    for one in judged:
        assert 0 <= one.support <= 1 and 0 <= one.contradiction <= 1
        assert one.support + one.contradiction <= 1 + 1e-6


def test_tokens_are_the_claims_own_characters(judged: list[Judgement]) -> None:
    for claim, one in zip(CLAIMS, judged, strict=True):
        spelled = "".join(claim[start:end] for start, end, _ in one.tokens)
        assert spelled == claim.replace(" ", "")
        assert all(0 <= share <= 1 for *_, share in one.tokens)


def test_a_claim_is_judged_alike_alone_and_among_others(
    verifier: Verifier, judged: list[Judgement]
) -> None:
    for claim, one in zip(CLAIMS, judged, strict=True):
        (alone,) = verifier.judge(EVIDENCE, [claim])
        # Sums of another order round otherwise, and 8 bits make a step of it here and there.
        assert alone.support == pytest.approx(one.support, abs=0.02)


def test_several_tasks_are_judged_as_each_is_alone(
    verifier: Verifier, judged: list[Judgement]
) -> None:
    elsewhere = "Poultry\nVaccination of hens was cheap and safe."
    tasks = [(EVIDENCE, CLAIMS), (elsewhere, CLAIMS[2:]), (EVIDENCE, ())]
    verifier.forget()
    assert verifier.judge_all(tasks) == [judged, verifier.judge(elsewhere, CLAIMS[2:]), []]
    assert verifier.judge_all([]) == []


def test_what_was_read_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier = Verifier()
    texts: list[str] = []
    read = verifier._read
    monkeypatch.setattr(verifier, "_read", lambda text: [texts.append(text), read(text)][1])
    verifier.forget()
    verifier.read(EVIDENCE)
    for claim in CLAIMS:
        verifier.judge(EVIDENCE, [claim])
    assert texts == [EVIDENCE]
    verifier.forget()
    verifier.judge(EVIDENCE, CLAIMS)
    assert texts == [EVIDENCE] * 2


def test_the_evidence_decides_and_not_the_claim_alone(verifier: Verifier) -> None:
    (elsewhere,) = verifier.judge("Poultry\nVaccination of hens was cheap and safe.", CLAIMS[:1])
    (at_home,) = verifier.judge(EVIDENCE, CLAIMS[:1])
    assert at_home.support > elsewhere.support


def test_any_text_is_taken(verifier: Verifier) -> None:
    odd = ["", " ", "\ud800", "[PAD] [SEP]", "x" * 5000, "word " * 2000, "日本語"]
    for evidence in odd:
        for one in verifier.judge(evidence, odd):
            assert np.isfinite([one.support, one.contradiction]).all()
    assert verifier.judge("Some evidence.", []) == []


def test_long_texts_are_cut_to_what_the_model_has_places_for(verifier: Verifier) -> None:
    packed = pack(verifier._model[0], "word " * 900, ["claim " * 300, "short"])
    assert packed.parts.count(0) == MAX_EVIDENCE
    assert packed.parts.count(1) == MAX_CLAIM
    assert max(packed.places) < MAX_EVIDENCE
    assert [packed.parts[start] for start in packed.starts] == [1, 2]


@pytest.mark.parametrize("content", [None, b"", b"no weights", WEIGHTS.read_bytes()[:1000]])
def test_missing_or_damaged_weights_are_a_clear_error(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "some.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"some\.safetensors cannot be read: .*install"):
        Verifier(path).judge("Evidence.", ["A claim."])
