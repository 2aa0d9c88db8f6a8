from __future__ import annotations

from dataclasses import replace

import pytest

from eval.verifier_error import load_error

ERROR = replace(load_error(), supported=100, kept=90, faulty=100, caught=80)


def test_without_removal_it_is_rogan_and_gladens_share():
    assert ERROR.corrected(100, 60, 0).value == pytest.approx((0.6 - 0.2) / 0.7)


def test_of_what_passed_the_share_is_that_of_bayes():
    true = (0.6 - 0.2) / 0.7
    found = ERROR.corrected(60, 60, 40)
    assert found.value == pytest.approx(0.9 * true / (0.9 * true + 0.2 * (1 - true)))
    assert found.low < found.value < found.high and found.n == 60


def test_a_small_sample_of_labels_is_less_sure():
    small = replace(ERROR, supported=10, kept=9, faulty=10, caught=8)
    wide, narrow = small.corrected(60, 60, 40), ERROR.corrected(60, 60, 40)
    assert wide.value == narrow.value
    assert wide.high - wide.low > narrow.high - narrow.low


def test_no_sentence_and_no_better_than_a_coin_are_undefined():
    assert ERROR.corrected(0, 0, 3).value is None
    assert replace(ERROR, kept=20).corrected(10, 5, 0).value is None


def test_the_shipped_figures_are_of_the_shipped_verifier_on_the_test_half():
    shipped = load_error()
    assert shipped.current and shipped.split == "test"
    assert shipped.kept <= shipped.supported and shipped.caught <= shipped.faulty
