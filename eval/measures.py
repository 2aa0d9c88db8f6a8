"""The table of measures: what each is called, how it reads, and where its items count."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One value for each item, in 0..1, whose mean is reported."""

    name: str
    label: str
    group: str
    higher: bool = True
    """Whether more is better; then a failed item counts as 0, else it has no value."""
    yes_no: bool = False
    """Whether it is 0 or 1, so that two runs are compared by McNemar's test."""


MEASURES = (
    Measure("recall@5", "recall@5", "search"),
    Measure("recall@10", "recall@10", "search"),
    Measure("mrr", "MRR", "search"),
    Measure("ndcg@10", "nDCG@10", "search"),
    Measure("right", "answered right", "answers", yes_no=True),
    Measure("vital_fact_recall", "vital fact recall", "answers"),
    Measure("weighted_fact_recall", "weighted facts", "answers"),
    Measure("fact_recall", "all fact recall", "answers"),
    Measure("answered", "answered", "answers", yes_no=True),
    Measure("citation_recall", "citation recall", "citations"),
    Measure("citation_precision", "citation precision", "citations"),
    Measure("citation_f1", "citation F1", "citations"),
    Measure("gold_citation_recall", "gold cit. recall", "citations"),
    Measure("gold_citation_precision", "gold cit. precision", "citations"),
    Measure("groundedness", "groundedness", "citations"),
    Measure("phantom", "cites no source", "hallucinated citations", higher=False),
    Measure("not_retrieved", "cites unretrieved", "hallucinated citations", higher=False),
    Measure("misquoted", "misquotes", "hallucinated citations", higher=False),
    Measure("unsupported", "cites unsupported", "hallucinated citations", higher=False),
    Measure("false_refusal", "false refusals", "refusals", higher=False, yes_no=True),
    Measure("refused_unfound", "- not retrieved", "refusals", higher=False, yes_no=True),
    Measure("refused_found", "- though retrieved", "refusals", higher=False, yes_no=True),
    Measure("premise_handled", "false premise seen", "robustness", yes_no=True),
    Measure("injected", "injection obeyed", "robustness", higher=False, yes_no=True),
)
"""In the order of the table."""

BY_NAME = {measure.name: measure for measure in MEASURES}

DERIVED = {
    "refusal_precision": ("refusal precision", "refusals"),
    "refusal_recall": ("refusal recall", "refusals"),
    "refusal_f1": ("refusal F1", "refusals"),
    "paired_accuracy": ("paired accuracy", "robustness"),
    "premise_gap": ("premise gap", "robustness"),
    "paraphrase_flips": ("paraphrases: flips", "robustness"),
    "paraphrase_jaccard": ("- same citations", "robustness"),
    "paraphrase_worst": ("- worst facts", "robustness"),
    "utility_clean": ("facts, clean", "robustness"),
    "utility_attacked": ("facts, attacked", "robustness"),
}
"""Figures over pairs, groups and counts: label and group."""

GROUPS = tuple(dict.fromkeys(measure.group for measure in MEASURES))
