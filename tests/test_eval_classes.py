from __future__ import annotations

import numpy as np
import pytest

from eval import classes, statistics

# Rows: true classes. Columns: guessed ones, then "no guess".
COUNTS = np.array([[3, 1, 0, 0], [1, 1, 0, 2], [0, 1, 1, 0]], dtype=float)


def test_each_figure_is_its_formula():
    assert classes.precision(COUNTS) == pytest.approx([3 / 4, 1 / 3, 1])
    assert classes.recall(COUNTS) == pytest.approx([3 / 4, 1 / 4, 1 / 2])
    assert classes.f1(COUNTS) == pytest.approx([3 / 4, 2 / 7, 2 / 3])
    assert classes.macro_f1(COUNTS) == pytest.approx((3 / 4 + 2 / 7 + 2 / 3) / 3)
    assert classes.accuracy(COUNTS) == pytest.approx(5 / 10)


def test_the_majority_baseline_is_the_macro_f1_of_one_guess_for_all():
    one_guess = np.zeros_like(COUNTS)
    one_guess[:, 0] = COUNTS.sum(axis=1)
    assert classes.majority_macro_f1(COUNTS) == pytest.approx(classes.macro_f1(one_guess))


def test_a_class_without_cases_has_no_part_in_the_mean():
    two = np.array([[2, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=float)
    assert np.isnan(classes.recall(two)[2]) and np.isnan(classes.precision(two)[2])
    assert classes.macro_f1(two) == pytest.approx((4 / 5 + 2 / 3) / 2)


def test_counts_are_kept_by_cluster_and_a_missing_guess_apart():
    found = classes.count([0, 1, 2, 0], [0, None, 1, 0], ["a", "b", "b", "a"], 3)
    assert found.shape == (2, 3, 4)
    assert found[0, 0, 0] == 2 and found[0].sum() == 2
    assert found[1, 1, 3] == found[1, 2, 1] == 1 and found[1].sum() == 2


def test_the_bootstrap_draws_whole_clusters():
    right = np.diag([1.0, 1, 1]) @ np.eye(3, 4)
    clusters = np.stack([9 * right, right * 0 + np.eye(3, 4, 1)])
    samples = statistics.resample(clusters)
    assert samples.shape == (statistics.RESAMPLES, 3, 4)
    # Two clusters: both of one kind, one of each, or both of the other.
    assert {round(float(share), 3) for share in classes.accuracy(samples)} == {0, 0.9, 1}
    assert np.array_equal(samples, statistics.resample(clusters))


def test_claims_on_one_evidence_widen_the_interval():
    chance = np.random.default_rng(1)
    outcomes = chance.integers(0, 2, size=40)  # one for each piece of evidence
    truth, guess = [0] * 400, [int(o) for o in outcomes for _ in range(10)]

    def width(clusters):
        counts = classes.count(truth, guess, clusters, 3)
        samples = classes.accuracy(statistics.resample(counts))
        found = statistics.figure(classes.accuracy(counts.sum(axis=0)), samples, 400)
        assert found.low < found.value < found.high
        return found.high - found.low

    assert width([n // 10 for n in range(400)]) > 2 * width(range(400))


def test_an_undefined_figure_has_no_value_and_no_interval():
    found = statistics.figure(float("nan"), np.array([0.5, np.nan]), 0)
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 0)
