from __future__ import annotations

import os
from dataclasses import replace

import pytest
from rich.console import Console

from eval.measures import MEASURES
from eval.report import Report
from eval.verifier_error import load_error
from tests.test_eval_gate import item, report


def shown(made: Report) -> str:
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(made.table())
    return console.export_text()


ALL_TYPES = [
    replace(item(n), type=kind, answerable=kind not in ("unanswerable", "false_premise"))
    for n, kind in enumerate(
        ("fact", "comparison", "list", "follow_up", "unanswerable", "false_premise", "injection")
    )
]


def test_the_table_of_all_types_fits_a_terminal_and_names_every_figure():
    text = shown(report(ALL_TYPES))
    assert "…" not in text and max(map(len, text.splitlines())) <= 80
    assert all(measure.label in text for measure in MEASURES)
    assert "s v1, all" in text


@pytest.mark.parametrize("form", [shown, Report.to_markdown])
def test_a_figure_over_nothing_says_so(form):
    lines = form(report([item(0)])).splitlines()
    (line,) = [line for line in lines if "injection obeyed" in line]
    assert "n/a (n=0)" in line


@pytest.mark.parametrize("form", [shown, Report.to_markdown])
def test_the_verifiers_own_error_stands_in_every_report(form):
    error = load_error()
    text = " ".join(form(report([replace(item(0), sentences=4, supported=3)])).split())
    assert f"keeps {error.sensitivity.value:.3f} of {error.supported} supported" in text
    assert "of the 4 sentences shown" in text
    stale = replace(report([item(0)]), verifier=replace(error, verifier="older"))
    assert "measured with other weights" in " ".join(form(stale).split())


def test_lapses_are_listed_with_their_ids():
    made = report([item(0, phantom=1.0), replace(item(1), error="boom"), item(2)])
    told = list(made.remarks())
    assert "phantom citations: q0" in told and "failed: q1: boom" in told
    document = made.to_dict()
    assert document["phantom_citations"] == ["q0"] and document["failed"] == ["q1"]
    assert document["metrics"]["phantom"]["overall"]["value"] == pytest.approx(1 / 3)
    assert document["quantities"]["failed"] == 1
