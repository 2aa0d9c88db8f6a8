from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval import indexed, load_set
from rag.cli import app

TINY = Path(__file__).parent / "data" / "tiny_set"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(indexed, "user_cache_path", lambda name: tmp_path / "cache" / name)


def rag(*args):
    return CliRunner().invoke(app, ["eval", *map(str, args)])


def write_run(path: Path, waves: str = "18% [1]", **extra) -> Path:
    """A run of another system, whose answer on waves cites what ``waves`` says."""
    kelp, otter, _ = load_set(TINY).papers
    sources = [{"paper_id": p.id, "title": p.title, "text": p.abstract} for p in (kelp, otter)]
    text = f"Over two winters, wave height behind the forest fell by {waves}."
    lines = [
        {"id": "f1", "text": text, "sources": sources} | extra,
        {"id": "c1", "text": text, "sources": sources},
        {"id": "w1", "text": "It dropped to 90 per plot [2].", "sources": sources},
        {"id": "u1", "refused": True, "text": ""},
        {"id": "u2", "refused": True, "text": ""},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def gate_of(folder: Path) -> Path:
    path = folder / "gate.toml"
    path.write_text('baseline = "base.json"\nmeasures = ["right", "recall@5"]\n')
    return path


def test_without_a_command_the_set_is_asked_and_scored(tmp_path):
    out = tmp_path / "run.jsonl"
    found = rag(TINY, "--split", "dev", "--out", out, "--store", tmp_path / "store", "--json")
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout) == json.loads(out.with_suffix(".report.json").read_text())
    again = rag("score", out, "--set", TINY)
    assert again.exit_code == 0 and "tiny v3, dev" in again.stdout
    asked = tmp_path / "asked.jsonl"
    assert rag("run", TINY, "--split", "dev", "--out", asked).exit_code == 0
    assert asked.exists() and not asked.with_suffix(".scores.jsonl").exists()
    named = rag("all", TINY, "--split", "dev", "--out", tmp_path / "report.json")
    assert named.exit_code == 1 and "expected a name that ends in .jsonl" in named.stderr


def test_two_runs_are_compared_flips_first(tmp_path):
    good, bad = write_run(tmp_path / "a.jsonl"), write_run(tmp_path / "b.jsonl", "81% [1]")
    for path in (good, bad):
        assert rag("score", path, "--set", TINY).exit_code == 0
    found = rag("compare", good, bad)
    assert found.exit_code == 0
    lost = found.stdout.index("lost f1: How much lower")
    assert lost < found.stdout.index("misquotes")
    document = json.loads(rag("compare", good, bad, "--json").stdout)
    assert document["flips"] == [
        {"id": "f1", "question": "How much lower were the waves behind kelp?", "won": False}
    ]


def test_the_gate_accepts_passes_and_fails_with_a_status_of_its_own(tmp_path):
    gate = gate_of(tmp_path)
    run = write_run(tmp_path / "run.jsonl")
    missing = rag("score", run, "--set", TINY, "--gate", gate)
    assert missing.exit_code == 1 and "base.json cannot be read" in missing.stderr
    assert rag("score", run, "--set", TINY, "--gate", gate, "--accept").exit_code == 0
    passed = rag("score", run, "--set", TINY, "--gate", gate, "--json")
    assert passed.exit_code == 0 and json.loads(passed.stdout)["gate"]["passed"] is True
    write_run(run, "18% [1][9]")
    failed = rag("score", run, "--set", TINY, "--gate", gate, "--json")
    assert failed.exit_code == 4
    assert failed.stderr.endswith("rag: gate: a citation of no source: f1, c1\n")
    document = json.loads(failed.stdout)
    assert document["gate"]["status"] == 4 and document["phantom_citations"] == ["f1", "c1"]


def test_wrong_usage_is_status_2(tmp_path):
    run = write_run(tmp_path / "run.jsonl")
    assert rag("score", run, "--accept").exit_code == 2
    assert rag("score").exit_code == 2
    assert rag("compare", run).exit_code == 2
    assert rag(TINY, "extra").exit_code == 2


def test_the_help_names_the_commands():
    shown = rag("--help")
    assert shown.exit_code == 0
    for name in ("all", "run", "score", "compare", "drafts", "claims"):
        assert f"  {name} " in shown.stdout
    assert "--gate" in rag("all", "--help").stdout
