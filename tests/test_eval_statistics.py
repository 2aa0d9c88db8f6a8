from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval import statistics as s
from eval.metrics import Figure

values = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30)


def test_an_interval_of_one_case_for_each_paper_is_the_usual_one():
    flags = [1.0] * 60 + [0.0] * 40
    found = s.clustered_mean(flags, range(100))
    # ± 1.96 · sqrt(0.6 · 0.4 / 100)
    assert (found.low, found.high) == pytest.approx((0.504, 0.696), abs=0.015)


def test_cases_of_one_paper_count_as_one():
    flags = [float(n % 2) for n in range(20) for _ in range(10)]
    papers = [n for n in range(20) for _ in range(10)]
    alone = s.clustered_mean(flags, range(200))
    together = s.clustered_mean(flags, papers)
    assert together.value == alone.value == 0.5 and together.n == 200
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_a_perfect_run_is_not_certain():
    found = s.clustered_mean([1.0] * 40, [n // 2 for n in range(40)])
    assert found.value == found.high == 1
    assert found.low == pytest.approx(0.8389, abs=1e-4)  # Wilson's, of 20 papers


def test_the_undefined_leaves_the_mean_and_nothing_is_undefined():
    assert s.clustered_mean([1.0, None, 0.0], "abc").value == 0.5
    assert s.clustered_mean([None, None], "ab") == Figure(None, None, None, 0)


@given(values)
def test_a_value_lies_within_its_interval(found):
    figure = s.clustered_mean(found, [n % 5 for n in range(len(found))])
    assert figure.n == sum(value is not None for value in found)
    if figure.n:
        assert figure.low <= figure.value <= figure.high


def test_mcnemar_of_a_known_case():
    # 2 lost, 10 won: 2 · (1 + 12 + 66) / 2^12.
    first = [True] * 2 + [False] * 10 + [True] * 50
    second = [False] * 2 + [True] * 10 + [True] * 50
    assert s.mcnemar(first, second) == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert s.mcnemar([True, False], [True, False]) == 1


def test_the_sign_flip_test_agrees_with_the_exact_one():
    differences = [0.5, 0.25, 1.0, 0.1, 0.3, -0.05, 0.2]
    exact = [
        abs(sum(d * sign for d, sign in zip(differences, signs, strict=True)))
        for signs in np.array(np.meshgrid(*[[-1, 1]] * 7)).T.reshape(-1, 7)
    ]
    expected = np.mean([each >= sum(differences) - 1e-9 for each in exact])
    assert s.sign_flip(differences, range(7)) == pytest.approx(expected)


def test_a_paper_changes_sides_as_a_whole():
    differences = [0.2] * 12
    assert s.sign_flip(differences, range(12)) < 0.01
    assert s.sign_flip(differences, [n // 6 for n in range(12)]) == 1 / 2
    assert s.sign_flip(differences, ["one"] * 12) == s.sign_flip([0.0, 0.0], "ab") == 1


def test_holm_by_hand():
    assert s.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert s.holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert s.holm([]) == []


def test_rogan_gladen_by_hand():
    # 40% positive, sensitivity 0.9, specificity 0.8: (0.4 - 0.2) / 0.7.
    assert s.rogan_gladen(0.4, 0.9, 0.8) == pytest.approx(0.2 / 0.7)
    assert s.rogan_gladen(0.1, 0.9, 0.8) == 0
    assert s.rogan_gladen(0.95, 0.9, 0.8) == 1
    assert s.rogan_gladen(0.5, 0.5, 0.5) is None


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0.6, 1))
def test_the_true_rate_is_found_again(true, sensitivity, specificity):
    seen = sensitivity * true + (1 - specificity) * (1 - true)
    assert s.rogan_gladen(seen, sensitivity, specificity) == pytest.approx(true, abs=1e-9)


def test_wilson_agrees_with_scipy():
    for right, n in [(8, 10), (0, 7), (50, 50)]:
        theirs = stats.binomtest(right, n).proportion_ci(method="wilson")
        ours = s.proportion(right, n)
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-6)
