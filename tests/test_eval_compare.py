from __future__ import annotations

import os

import pytest
from rich.console import Console

from eval.compare import Stored, compare, load_stored
from rag.errors import InputError


def stored(**columns: list[float | None]) -> Stored:
    n = len(next(iter(columns.values())))
    items = [
        {
            "id": f"q{k}", "hash": f"h{k}", "cluster": f"p{k}", "question": f"Question {k}?",
            "scores": {name: values[k] for name, values in columns.items()},
        }
        for k in range(n)
    ]  # fmt: skip
    return Stored.model_validate(
        {"set": {"name": "s", "version": "1", "hash": "x"}, "split": "all", "items": items}
    )


def test_flips_come_first_lost_ones_before_won_ones():
    found = compare(stored(right=[1.0, 0.0, 1.0, 0.0]), stored(right=[0.0, 1.0, 1.0, 0.0]))
    assert [(flip.id, flip.won) for flip in found.flips] == [("q0", False), ("q1", True)]
    (row,) = found.rows
    assert (row.test, row.p, row.difference.value, row.better) == ("mcnemar", 1, 0, None)
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(found.table())
    lines = [line.strip() for line in console.export_text().splitlines()]
    assert lines[0] == "s: 4 shared items, 1 won by B, 1 lost"
    assert lines.index("lost q0: Question 0?") < lines.index("won  q1: Question 1?")
    assert any(line.startswith("answered right") for line in lines)


def test_a_clear_gain_and_a_clear_loss_are_told_apart():
    good, bad = [1.0] * 30, [0.0] * 30
    found = compare(
        stored(right=bad, mrr=good, phantom=bad), stored(right=good, mrr=bad, phantom=good)
    )
    assert {row.name: row.better for row in found.rows} == {
        "right": True, "mrr": False, "phantom": False,
    }  # fmt: skip
    assert {row.test for row in found.rows} == {"mcnemar", "sign-flip"}
    assert all(row.p < row.p_holm < 0.01 for row in found.rows)


def test_many_measures_make_one_small_difference_unsure():
    alone = compare(stored(right=[0.0] * 7 + [1.0] * 9), stored(right=[1.0] * 16))
    assert alone.rows[0].p == alone.rows[0].p_holm == pytest.approx(2 / 2**7)
    same = [0.5, 1.0] * 8
    many = dict.fromkeys(("mrr", "recall@5", "ndcg@10", "fact_recall"), same)
    among = compare(stored(right=[0.0] * 7 + [1.0] * 9, **many), stored(right=[1.0] * 16, **many))
    row = next(row for row in among.rows if row.name == "right")
    assert row.p_holm == pytest.approx(5 * 2 / 2**7) and row.better is None


def test_changed_items_and_undefined_values_are_left_out():
    a, b = stored(right=[1.0, 1.0, 1.0], mrr=[1.0, None, 1.0]), stored(right=[1.0, 1.0])
    found = compare(a, b)
    assert (found.shared, found.left_out) == (2, 1)
    assert [row.name for row in found.rows] == ["right"]
    changed = b.model_copy(
        update={"items": tuple(i.model_copy(update={"hash": "new"}) for i in b.items)}
    )
    with pytest.raises(InputError, match="share no item"):
        compare(a, changed)


def test_a_file_that_is_no_report_is_named(tmp_path):
    with pytest.raises(InputError, match=r"run\.report\.json cannot be read.*rag eval score RUN"):
        load_stored(tmp_path / "run.jsonl")
    (tmp_path / "x.json").write_text('{"set": 1}')
    with pytest.raises(InputError, match=r"x\.json: expected a report of rag eval, found set"):
        load_stored(tmp_path / "x.json")
