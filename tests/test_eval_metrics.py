from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import metrics as m

papers = st.lists(st.sampled_from("abcdefgh"), unique=True)
flags = st.lists(st.booleans())
shares = st.lists(st.one_of(st.none(), st.floats(0, 1)))


def test_recall_counts_gold_within_the_first_k():
    assert m.recall_at_k(["a", "z"], ["b", "a", "c", "z"], 3) == 0.5
    assert m.recall_at_k(["a", "z"], ["b", "a", "c", "z"], 4) == 1
    assert m.recall_at_k([], ["b"], 3) is None


def test_reciprocal_rank_takes_the_first_gold_paper():
    assert m.reciprocal_rank(["z", "c"], ["b", "a", "c", "z"]) == pytest.approx(1 / 3)
    assert m.reciprocal_rank(["z"], ["b"]) == 0
    assert m.reciprocal_rank([], ["b"]) is None


def supported_by(*enough: int):
    """A sentence that any one of ``enough`` supports."""
    return lambda cited: bool(set(cited) & set(enough))


def test_a_citation_beside_a_sufficient_one_is_wrong():
    assert m.right_citations([1, 2], {1, 2}, supported_by(1)) == [True, False]
    assert m.right_citations([1, 2], {1, 2}, supported_by(1, 2)) == [True, True]


def test_citations_that_support_only_together_are_both_right():
    both = lambda cited: {1, 2} <= set(cited)  # noqa: E731
    assert m.right_citations([1, 2, 3], {1, 2, 3}, both) == [True, True, False]


def test_a_phantom_citation_is_wrong_and_stays_in_the_denominator():
    right = m.right_citations([1, 9], {1, 2}, supported_by(1))
    assert right == [True, False]
    assert m.citation_precision(right) == 0.5


def test_no_citation_of_an_unsupported_sentence_is_right():
    assert m.right_citations([1, 2], {1, 2}, supported_by()) == [False, False]
    assert m.right_citations([7], {1}, supported_by(7)) == [False]


def test_gold_citations():
    assert m.gold_citation_precision(["a", "b"], ["a"]) == 0.5
    assert m.gold_citation_precision([], ["a"]) == 0
    assert m.gold_citation_precision(["a"], []) is None
    assert m.gold_citation_recall(["a", "b"], ["a", "c"]) == 0.5
    assert m.gold_citation_recall(["a"], []) is None


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("It was 80 times faster.", "80 times"),
        ("It was **80–fold** faster", "80-fold"),
        ("trained on 120,000 images", "120000"),
        ("trained on 120000 images", "120,000"),
        ("a Dice of 43.8 percent", "43.8%"),
        ("features that are better\ncorrelated", "better correlat"),
        ("two CTs of the chest", "CT"),
        ("a self‑supervised encoder", "Self supervised"),
        ("a fall of -5 points", "-5"),
        ("the range 3–5", "3-5"),
        ("accuracy of 0.932.", "0.932"),
    ],
)
def test_wordings_that_state_the_fact(text: str, wording: str):
    assert m.states(text, ["something else", wording])


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("It was 80.5 times faster.", "80"),
        ("an SSIM of 0.95", "95"),
        ("1180 scans", "180"),
        ("180 scans", "18"),
        ("a fall of -5 points", "5"),
        ("a vital sign", "ViT"),
        ("an fMRI study", "MRI"),
        ("2,000,000 images", "2000"),
        ("", "anything"),
    ],
)
def test_wordings_that_do_not(text: str, wording: str):
    assert not m.states(text, [wording])


def test_refusals_by_hand():
    counts = m.Refusals(right=6, false=2, missed=4)
    assert counts.precision.value == 0.75
    assert counts.precision.n == 8
    assert counts.recall.value == 0.6
    assert counts.f1.value == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert m.Refusals(0, 0, 0).f1.value is None


def test_wilson_interval_of_a_known_case():
    # 8 of 10: Wilson's interval as given in textbooks.
    figure = m.proportion(8, 10)
    assert (figure.low, figure.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_a_perfect_run_is_not_certain():
    figure = m.mean([1.0] * 20)
    assert figure.value == figure.high == 1
    assert figure.low == pytest.approx(0.8389, abs=1e-4)


def test_mean_leaves_out_the_undefined():
    assert m.mean([1.0, None, 0.0]).value == 0.5
    assert m.mean([1.0, None, 0.0]).n == 2
    assert m.mean([None]) == m.Figure(None, None, None, 0)


def test_quantiles_between_order_statistics():
    assert m.quantile([4, 1, 3, 2], 0.5) == 2.5
    assert m.quantile([10, 20], 0.9) == pytest.approx(19)
    assert m.quantile([], 0.5) is None


@given(papers.filter(bool), papers)
def test_retrieval_metrics_are_shares(gold: list[str], ranked: list[str]):
    values = [m.recall_at_k(gold, ranked, 5), m.reciprocal_rank(gold, ranked)]
    values += [m.gold_citation_precision(ranked, gold), m.gold_citation_recall(ranked, gold)]
    assert all(value is not None and 0 <= value <= 1 for value in values)


@given(papers.filter(bool))
def test_a_perfect_ranking_scores_one(gold: list[str]):
    assert m.recall_at_k(gold, gold, len(gold)) == 1
    assert m.reciprocal_rank(gold, gold) == 1
    assert m.gold_citation_precision(gold, gold) == m.gold_citation_recall(gold, gold) == 1


@given(papers.filter(bool), papers, st.integers(1, 8))
def test_recall_grows_with_k(gold: list[str], ranked: list[str], k: int):
    assert m.recall_at_k(gold, ranked, k) <= m.recall_at_k(gold, ranked, k + 1)


@given(st.lists(st.integers(1, 6), unique=True), st.sets(st.integers(1, 4)), st.data())
def test_one_judgement_for_each_citation_and_phantoms_are_wrong(cited, existing, data):
    enough = data.draw(st.sets(st.integers(1, 6)))
    right = m.right_citations(cited, existing, supported_by(*enough))
    assert len(right) == len(cited)
    assert not any(flag for n, flag in zip(cited, right, strict=True) if n not in existing)


@given(shares)
def test_a_mean_lies_within_its_interval(values: list[float | None]):
    figure = m.mean(values)
    assert figure.n == sum(value is not None for value in values)
    if figure.n:
        assert 0 <= figure.low <= figure.value <= figure.high <= 1


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_f1_lies_between_precision_and_recall(right: int, false: int, missed: int):
    counts = m.Refusals(right, false, missed)
    p, r, f1 = counts.precision, counts.recall, counts.f1
    if p.value is not None and r.value is not None:
        assert min(p.value, r.value) - 1e-9 <= f1.value <= max(p.value, r.value) + 1e-9
        assert 0 <= f1.low <= f1.value <= f1.high <= 1


@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_matching_survives_any_text(text: str, wording: str):
    assert m.states(text, [wording]) in (True, False)
    assert m.normalise(m.normalise(text)) == m.normalise(text)
