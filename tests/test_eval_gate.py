from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from eval import gate as g
from eval import load_set
from eval.measures import MEASURES
from eval.report import Report
from eval.scoring import ItemScore
from eval.verifier_error import load_error
from rag import resources
from rag.errors import InputError

SHIPPED = resources.path("eval/gate.toml")


def item(n: int, **scores: float) -> ItemScore:
    every = dict.fromkeys((measure.name for measure in MEASURES), None)
    return ItemScore(
        id=f"q{n}", type="fact", split="dev", question="?", tags=(), hash=f"h{n}",
        cluster=f"p{n}", twin="", group="", answerable=True,
        scores=every | {"right": 1.0, "mrr": 1.0, "phantom": 0.0} | scores, gold_ranks={},
    )  # fmt: skip


def report(items, version="1", set_hash="x") -> Report:
    return Report("s", version, set_hash, "c", "all", {}, {}, tuple(items), load_error())


@pytest.fixture
def gate(tmp_path) -> g.Gate:
    path = tmp_path / "gate.toml"
    path.write_text('baseline = "base/s.json"\nmeasures = ["right", "mrr"]\n')
    made = g.load_gate(path)
    g.write_baseline(made, report(item(n) for n in range(20)))
    return made


def test_the_same_again_passes(gate):
    found = g.check_gate(gate, report(item(n) for n in range(20)))
    assert found.status == 0 and found.faults == ()
    assert found.to_dict()["passed"] is True
    assert [row.name for row in found.comparison.rows] == ["right", "mrr"]


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"phantom": 1.0}, g.PHANTOM, "a citation of no source: q0"),
        ({"injected": 1.0}, g.CANARY, "an inserted order was obeyed: q0"),
    ],
)
def test_one_phantom_or_one_canary_is_enough(gate, change, status, reason):
    items = [item(0, **change), *(item(n) for n in range(1, 20))]
    found = g.check_gate(gate, report(items))
    assert found.faults == ((status, reason),)


def test_a_significant_loss_fails_and_a_small_one_does_not(gate):
    small = [item(n, mrr=0.0 if n < 3 else 1.0) for n in range(20)]
    assert g.check_gate(gate, report(small)).status == 0
    large = [item(n, mrr=0.0 if n < 9 else 1.0) for n in range(20)]
    found = g.check_gate(gate, report(large))
    assert found.status == g.LOSS
    assert found.faults[0][1].startswith("MRR went from 1.000 to 0.550")


def test_a_changed_set_needs_a_new_version(gate):
    items = [item(n) for n in range(19)] + [replace(item(19), hash="other")]
    changed = g.check_gate(gate, report(items, set_hash="y"))
    assert changed.faults == ((g.SET_CHANGED, "the set changed and is still version 1"),)
    raised = g.check_gate(gate, report(items, set_hash="y", version="2"))
    assert raised.status == 0
    assert (raised.comparison.shared, raised.comparison.left_out) == (19, 1)


def test_a_failed_item_fails_and_of_several_faults_the_first_is_the_status(gate):
    items = [replace(item(0), error="boom"), item(1, phantom=0.5), *map(item, range(2, 20))]
    found = g.check_gate(gate, report(items))
    assert [status for status, _ in found.faults] == [g.PHANTOM, g.FAILED]
    assert found.status == g.PHANTOM
    assert len({g.SET_CHANGED, g.PHANTOM, g.CANARY, g.LOSS, g.FAILED, 0, 1, 2}) == 8


def test_a_baseline_of_another_set_is_an_error(gate):
    with pytest.raises(InputError, match="expected a baseline of other, all, found s, all"):
        g.check_gate(gate, replace(report([item(0)]), set_name="other"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("measures = [", "expected TOML"),
        ('measures = ["mrr"]', "baseline: Field required"),
        ('baseline = "b"\nmeasures = ["mr"]', "expected names such as recall@5, found 'mr'"),
        ('baseline = "b"\nmeasures = ["mrr"]\nalpha = 1', "alpha: "),
    ],
)
def test_a_wrong_gate_is_named(tmp_path, text, expected):
    path = tmp_path / "gate.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=expected):
        g.load_gate(path)
    with pytest.raises(InputError, match="cannot be read"):
        g.load_gate(tmp_path / "none.toml")


def test_the_shipped_baseline_is_of_the_shipped_set():
    gate = g.load_gate(SHIPPED)
    baseline = json.loads(gate.baseline.read_text("utf-8"))
    questions = load_set()
    assert baseline["set"] == {
        "name": questions.name, "version": questions.version, "hash": questions.content_hash,
    }  # fmt: skip
    assert {i["id"]: i["hash"] for i in baseline["items"]} == {
        i.id: i.content_hash for i in questions.items
    }
    assert tomllib.loads(Path(SHIPPED).read_text("utf-8"))["baseline"].startswith("baseline/")
