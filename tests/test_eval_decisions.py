from __future__ import annotations

from dataclasses import replace

from eval.decisions import Judge
from rag.citations import parse_claims
from rag.types import Evidence, Source, Verdict

KELP = Source(1, "kelp", "Kelp", "", None, "Kelp forests damp coastal waves.")
(CLAIM,) = parse_claims("Kelp forests damp coastal waves [1].")
SPAN = Evidence(1, "abstract", 0, 32, KELP.text)


class Counting:
    def __init__(self, verdict="supported"):
        self.calls = 0
        self.verdict = Verdict(verdict, "", 0.9, 0.05, (SPAN,), (1,))

    def __call__(self, claim, sources):
        self.calls += 1
        return self.verdict


def test_a_decision_is_made_once_and_kept_whole(tmp_path):
    verify = Counting()
    for _ in range(2):
        judge = Judge(tmp_path / "d.sqlite", verify)
        assert judge.supports(CLAIM, [KELP], (1,))
        (taken,) = judge.taken()
        assert taken.verdict == verify.verdict
        assert judge.taken() == ()
        judge.close()
    assert verify.calls == 1
    told = taken.to_dict()
    assert (told["verdict"], told["support"], told["contradiction"]) == ("supported", 0.9, 0.05)
    assert told["evidence"][0]["quote"] == KELP.text and told["citations"] == [1]


def test_another_text_claim_or_checker_is_another_decision(tmp_path):
    verify = Counting("unsupported")
    judge = Judge(tmp_path / "d.sqlite", verify)
    assert not judge.supports(CLAIM, [KELP], (1,))
    judge.supports(CLAIM, [replace(KELP, text=KELP.text + " Not always.")], (1,))
    judge.supports(replace(CLAIM, bare="Kelp damps nothing."), [KELP], (1,))
    judge.supports(replace(CLAIM, context="Of the otters:"), [KELP], (1,))
    judge.supports(CLAIM, [KELP], (1, 2))
    assert verify.calls == 5
    judge.close()
    other = Judge(tmp_path / "d.sqlite", verify, fingerprint="another")
    other.supports(CLAIM, [KELP], (1,))
    other.close()
    assert verify.calls == 6
