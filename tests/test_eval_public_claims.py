from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eval import evaluate_claims
from eval import public_claims as module
from eval.training.examples import CLAIMS, SUPPORTED, Document, Example, held_out, lines
from rag.cli import app
from rag.errors import InputError, ModelError
from rag.verifier import Judgement

TRAINED, KEPT = "4", "1"
"""Ids of abstracts that training sees, and holds out."""
CORPUS = [
    {"_id": TRAINED, "title": "Kelp", "sentences": ["Kelp damps waves.", "It does so for years."]},
    {"_id": KEPT, "title": "Otters", "sentences": ["Otters eat urchins."], "doi": "further"},
]
CLAIMS_TRAIN = [
    {"id": "1", "claim": "Waves are lower behind kelp.", "cited": [TRAINED, KEPT],
     "evidence": {TRAINED: {"label": "SUPPORT", "sentences": [[0]]}}},
    {"id": "2", "claim": "Otters avoid urchins.", "cited": [KEPT],
     "evidence": {KEPT: {"label": "CONTRADICT", "sentences": [[0]]}}},
]  # fmt: skip


def pair(id, label, claim="Kelp grows fast.", evidence="Kelp grows half a metre a day."):
    return {"id": id, "claim": claim, "evidence": evidence, "label": label}


HEALTHVER = [
    pair("1", "SUPPORT"),
    pair("2", "CONTRADICT", "Kelp hardly grows."),
    pair("3", "NEI", "Otters sleep in kelp."),
    pair("4", "NEI", "Kelp is eaten.", "Urchins live long."),
]
CITATIONS = {"train": [pair("1", "SUPPORT")], "dev": [pair("1", "NEI", "Kelp is red.")]}


def write(path: Path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "scifact" / "corpus.jsonl", CORPUS)
    write(tmp_path / "scifact" / "claims_train.jsonl", CLAIMS_TRAIN)
    write(tmp_path / "healthver" / "dev.jsonl", HEALTHVER)
    for part, rows in CITATIONS.items():
        write(tmp_path / "citation-integrity" / f"{part}.jsonl", rows)
    return tmp_path


@pytest.fixture
def verifier(monkeypatch):
    """A verifier that goes by the claim's words, and the evidence that it was given."""
    asked = []

    def judge(pairs):
        asked.append(pairs)
        if any("Urchins live long" in source.text for _, (source,) in pairs):
            raise ZeroDivisionError("broken\nhere")
        return [
            Judgement(0.1, 0.8, ()) if re.search("avoid|hardly", text)
            else Judgement(0.4, 0.15, ()) if re.search("Otters|red", text)
            else Judgement(0.7, 0.1, ())
            for text, _ in pairs
        ]  # fmt: skip

    monkeypatch.setattr(module, "judge", judge)
    return asked


def test_the_sets_become_cases_with_labels_and_evidence(folder, verifier):
    items = {item.id: item for item in evaluate_claims(folder).items}
    assert {id: item.label for id, item in items.items()} == {
        "scifact/claims_train:1:4": "supported",
        "scifact/claims_train:1:1": "not_enough",
        "scifact/claims_train:2:1": "contradicted",
        "healthver/dev:1": "supported",
        "healthver/dev:2": "contradicted",
        "healthver/dev:3": "not_enough",
        "healthver/dev:4": "not_enough",
        "citation-integrity/train:1": "supported",
        "citation-integrity/dev:1": "not_enough",
    }
    by_evidence = {group[0][1][0].paper_id: [text for text, _ in group] for group in verifier}
    assert by_evidence["scifact:1"] == ["Waves are lower behind kelp.", "Otters avoid urchins."]
    assert sorted(len(group) for group in verifier) == [1, 1, 2, 2, 3]
    kelp = next(source for ((_, (source,)), *_) in verifier if source.paper_id == "scifact:4")
    assert (kelp.title, kelp.text) == ("Kelp", "Kelp damps waves. It does so for years.")


def test_the_most_probable_class_is_the_guess(folder, verifier):
    items = {item.id: item for item in evaluate_claims(folder).items}
    assert items["healthver/dev:1"].guess == "supported"
    assert items["healthver/dev:2"].guess == "contradicted"
    assert items["healthver/dev:3"].guess == "not_enough"  # 0.4, 0.45, 0.15
    assert items["healthver/dev:3"].shares == (0.4, 0.45, 0.15)


def test_the_figures_of_each_line(folder, verifier):
    figures = evaluate_claims(folder).figures()
    assert list(figures) == ["scifact_held_out", "scifact", "healthver", "citation_integrity"]
    healthver = figures["healthver"]
    assert healthver["accuracy"].value == 3 / 4
    assert healthver["macro_f1"].value == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert healthver["majority_macro_f1"].value == pytest.approx(4 / 6 / 3)
    assert healthver["not_enough_recall"].value == 1 / 2
    assert healthver["not_enough_recall"].n == 2
    assert healthver["not_enough_precision"].value == 1 and healthver["not_enough_precision"].n == 1
    assert 0 == healthver["accuracy"].low < healthver["accuracy"].high == 1
    citations = figures["citation_integrity"]
    assert citations["accuracy"].n == 2  # both files
    assert citations["contradicted_recall"].value is None


def test_scifact_is_reported_with_and_without_the_abstracts_that_were_trained_on(folder, verifier):
    report = evaluate_claims(folder)
    assert {item.id for item in report.lines["scifact_held_out"]} == {
        "scifact/claims_train:1:1", "scifact/claims_train:2:1"
    }  # fmt: skip
    assert len(report.lines["scifact"]) == 3


def test_an_abstract_with_training_claims_of_ours_is_not_held_out(folder, verifier):
    sources = sorted({row["source"] for row in lines(CLAIMS / "training.jsonl")})
    ours = Example("a claim", SUPPORTED, "paraphrase", "")
    source = next(
        s for s in sources
        if s.startswith("scifact:")
        and held_out(Document(s, "", "", ())) and not held_out(Document(s, "", "", (ours,)))
    )  # fmt: skip
    id = source.removeprefix("scifact:")
    claim = {"id": "1", "claim": "Otters avoid urchins.", "cited": [id], "evidence": {}}
    write(folder / "scifact" / "corpus.jsonl", [CORPUS[1] | {"_id": id}])
    write(folder / "scifact" / "claims_train.jsonl", [claim])
    found = evaluate_claims(folder).lines
    assert len(found["scifact"]) == 1 and "scifact_held_out" not in found


def test_an_item_that_fails_counts_as_wrong_and_is_listed(folder, verifier):
    report = evaluate_claims(folder)
    document = report.to_dict()
    assert document["failed"] == ["healthver/dev:4"]
    assert document["confusion"]["healthver"]["not_enough"] == {
        "supported": 0, "not_enough": 1, "contradicted": 0, "failed": 1
    }  # fmt: skip
    console = Console(width=90, record=True)
    console.print(report.table())
    shown = console.export_text()
    assert "healthver/dev:4: ZeroDivisionError: broken here" in shown
    assert "macro-F1 of the majority class" in shown and "not enough: recall" in shown


def test_without_a_model_the_run_stops(folder, monkeypatch):
    def judge(pairs):
        raise ModelError("no weights; install them")

    monkeypatch.setattr(module, "judge", judge)
    with pytest.raises(ModelError, match="no weights"):
        evaluate_claims(folder)


def test_a_set_that_is_not_there_is_left_out(tmp_path, verifier):
    write(tmp_path / "healthver" / "dev.jsonl", HEALTHVER)
    seen = []
    report = evaluate_claims(tmp_path, on_progress=lambda *done: seen.append(done))
    assert list(report.figures()) == ["healthver"]
    assert list(report.files) == ["healthver/dev.jsonl"]
    assert seen == [(3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("file", "rows", "message"),
    [
        ("healthver/dev.jsonl", [*HEALTHVER, "{"], "dev.jsonl:5: "),
        ("healthver/dev.jsonl", [pair("1", "MAYBE")], "dev.jsonl:1: label: Input should be 'SUPP"),
        ("healthver/dev.jsonl", [pair("1", "NEI")] * 2, "dev.jsonl:2: id: expected each id once"),
        ("healthver/dev.jsonl", [], "dev.jsonl:1: expected at least one record, found none"),
        ("healthver/dev.jsonl", None, "dev.jsonl: expected a file of healthver, found none"),
        ("scifact/corpus.jsonl", None, "corpus.jsonl: expected a file of scifact, found none"),
        ("scifact/corpus.jsonl", CORPUS[:1], "claims_train.jsonl:1: cited: expected ids of corpus"),
        ("scifact/corpus.jsonl", [CORPUS[0] | {"sentences": []}], "corpus.jsonl:1: sentences: "),
        ("scifact/claims_train.jsonl", [CLAIMS_TRAIN[0] | {"cited": [KEPT]}],
         "claims_train.jsonl:1: expected evidence of cited abstracts only"),
        ("citation-integrity/train.jsonl", None, "expected a file of citation-integrity"),
    ],
)  # fmt: skip
def test_a_wrong_file_says_where_and_what(folder, verifier, file, rows, message):
    if rows is None:
        (folder / file).unlink()
    else:
        write(folder / file, rows)
    with pytest.raises(InputError) as caught:
        evaluate_claims(folder)
    assert message in str(caught.value)
    assert re.search("; (correct|add)", str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [".", "nowhere"])
def test_a_folder_without_sets_says_what_was_expected(tmp_path, name):
    with pytest.raises(InputError, match="expected a folder that holds scifact, healthver or"):
        evaluate_claims(tmp_path / name)


def test_the_command_asks_the_real_verifier(tmp_path):
    folder, out = tmp_path / "public", tmp_path / "claims.json"
    write(folder / "healthver" / "dev.jsonl", HEALTHVER)
    shown = CliRunner().invoke(app, ["eval", "claims", str(folder), "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "HealthVer" in shown.stdout and "SciFact" not in shown.stdout
    printed = CliRunner().invoke(app, ["eval", "claims", str(folder), "--json"])
    report, same = json.loads(out.read_text(encoding="utf-8")), json.loads(printed.stdout)
    assert report.pop("timings") and same.pop("timings")
    assert report == same
    assert report["failed"] == [] and len(report["items"]) == len(HEALTHVER)
    for item in report["items"]:
        assert sum(item["shares"]) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "args",
    [
        ["claims"],
        ["claims", "DIR", "--split", "dev"],
        ["claims", "DIR", "--model", "m"],
        ["drafts", "DIR"],
        ["a_set", "DIR"],
    ],
)
def test_wrong_usage_is_status_2(args):
    assert CliRunner().invoke(app, ["eval", *args]).exit_code == 2


def test_a_wrong_folder_is_one_line_and_status_1(tmp_path):
    found = CliRunner().invoke(app, ["eval", "claims", str(tmp_path)])
    assert found.exit_code == 1 and found.stdout == ""
    assert found.stderr.startswith("rag: error: ") and found.stderr.count("\n") == 1
