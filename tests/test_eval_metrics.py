from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import metrics as m
from rag.citations import parse_claims

papers = st.lists(st.sampled_from("abcdefgh"), unique=True)


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


def test_wilson_interval_of_a_known_case():
    # 8 of 10: Wilson's interval as given in textbooks.
    figure = m.proportion(8, 10)
    assert (figure.low, figure.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)


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


@given(st.text(), st.text(min_size=1).filter(str.strip))
def test_matching_survives_any_text(text: str, wording: str):
    assert m.states(text, [wording]) in (True, False)
    assert m.normalise(m.normalise(text)) == m.normalise(text)


GOLDS = {"q1": ["a", "z"], "q2": ["b"], "q3": ["c", "d", "e"]}
RANKED = {"q1": ["b", "a", "c", "z"], "q2": ["x", "y"], "q3": ["e", "c", "y", "d", "w", "v"]}


@pytest.mark.parametrize("k", [1, 3, 5, 10])
def test_search_measures_agree_with_ir_measures(k: int):
    qrels = [ir_measures.Qrel(q, p, 1) for q, gold in GOLDS.items() for p in gold]
    run = [
        ir_measures.ScoredDoc(q, p, -place)
        for q, ranked in RANKED.items()
        for place, p in enumerate(ranked)
    ]
    theirs = ir_measures.parse_measure
    ours = {
        theirs(f"R@{k}"): lambda g, r: m.recall_at_k(g, r, k),
        theirs(f"nDCG@{k}"): lambda g, r: m.ndcg_at_k(g, r, k),
        theirs("RR"): m.reciprocal_rank,
    }
    for row in ir_measures.iter_calc(list(ours), qrels, run):
        mine = ours[row.measure](GOLDS[row.query_id], RANKED[row.query_id])
        assert mine == pytest.approx(row.value), row


def test_the_ideal_order_holds_papers_that_were_not_found():
    assert m.ndcg_at_k(["a", "b"], ["a"], 10) == pytest.approx(1 / (1 + 1 / np.log2(3)))
    assert m.ndcg_at_k([], ["a"], 10) is None


def test_citation_f1():
    assert m.citation_f1(1.0, 0.5) == pytest.approx(2 / 3)
    assert m.citation_f1(0.0, 0.0) == 0
    assert m.citation_f1(None, 0.5) is None


def test_markers_are_read_without_the_faults_of_alce():
    def cited(text):
        return [claim.citations for claim in parse_claims(text) if claim.checkable]

    assert cited("Waves fell by 18% [1, 2].") == [(1, 2)]
    assert cited("A [2D] scan was made in the clinic.") == [()]
    assert cited("Waves fell by 18%. [1] Otters returned to the bay [2].") == [(1,), (2,)]
    assert m.phantoms((1, 7), {1}) == [False, True]


def test_what_is_quoted_or_counted_stands_in_a_cited_source():
    source = "Over two winters, wave height fell by 18% on average."
    assert not m.misquotes("Wave height fell by 18%.", [source])
    assert m.misquotes("Wave height fell by 28%.", [source])
    assert not m.misquotes("It says that “wave height fell” there.", [source])
    assert m.misquotes("It says that “wave height rose” there.", [source])
    assert not m.misquotes("The so-called “green wall” helped.", [source])
    assert m.misquotes("Wave height fell by 18%.", [])


def test_unsupported_and_unretrieved_citations_are_counted_apart_from_phantoms():
    assert m.unsupported((1, 9), {1, 2}, supported_by(2)) == [True]
    assert m.unsupported((1, 2), {1, 2}, supported_by(2)) == [False, False]
    assert m.unsupported((9,), {1}, supported_by()) == []
    assert m.not_retrieved(["a", "b"], {"a"}) == [False, True]


def test_weighted_facts_by_hand():
    # One of two vital and one of one okay: (1 + 0.5) / (2 + 0.5).
    assert m.weighted_recall([True, False], [True]) == pytest.approx(0.6)
    assert m.weighted_recall([], []) is None


def test_refusals_by_hand():
    sums = np.array([6.0, 2.0, 4.0])
    assert m.refusal_precision(sums) == 0.75
    assert m.refusal_recall(sums) == 0.6
    assert m.refusal_f1(sums) == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert np.isnan(m.refusal_f1(np.zeros(3)))


def test_pairs_and_paraphrases_by_hand():
    assert m.paired(True, True) and not m.paired(True, False)
    assert m.decision_flip([True, False, False]) and not m.decision_flip([True, True])
    assert m.decision_flip([True]) is None
    assert m.jaccard({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)
    assert m.mean_jaccard([{"a"}, {"a"}, {"b"}]) == pytest.approx(1 / 3)
    assert m.mean_jaccard([set(), set()]) == 1 and m.mean_jaccard([{"a"}]) is None
    assert m.worst([0.5, None, 1.0]) == 0.5 and m.worst([1.0]) is None
