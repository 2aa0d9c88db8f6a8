from __future__ import annotations

from eval import bench_serve as bench


def test_an_answer_with_the_figure_of_another_is_mixed_up() -> None:
    assert bench.is_own(f"It was {bench.figure(3)} grams [1].", 3)
    assert not bench.is_own(f"It was {bench.figure(4)} grams [1].", 3)
    assert not bench.is_own(f"{bench.figure(3)}, {bench.figure(4)}", 3)
    assert not bench.is_own("Nobody knows.", 3)


def test_every_reader_has_a_figure_and_a_substance_of_its_own() -> None:
    assert len(bench.NAMES) == bench.READERS == len(set(bench.NAMES))
    figures = [str(bench.figure(reader)) for reader in range(bench.READERS)]
    assert not any(a in b for a in figures for b in figures if a != b)


def test_a_row_counts_what_readers_met() -> None:
    outcome = bench.Outcome([1.0, 2.0, 3.0], ["x"], 1, [10, 50, 60, 60, 70, 71, 72, 73])
    assert bench.row("w", outcome, 4.0) == "| w | 4.0 | 3 | 1 | 1 | 2.00 | 2.90 | 60 | 73 |"
    assert bench.row("w", bench.Outcome(), 4.0).startswith("| w | 4.0 | 0 | 0 |")
