from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from eval import drafts as module
from eval import evaluate_drafts, load_drafts
from rag.cli import app
from rag.errors import InputError
from rag.types import CheckedSentence

TINY = Path(__file__).parent / "data" / "tiny_set"
SENTENCES = [
    ("## Short answer", "chatter"),
    ("Behind the kelp forest wave height fell by 18% over two winters [1].", "supported"),
    ("- Behind the forest wave height fell by 81% on average [1].", "number"),
    ("- Wave height behind the forest fell by 18% [2].", "misattributed"),
    ("Sea otters eat sea urchins [3].", "phantom"),
    ("Sea otters eat sea urchins.", "uncited"),
    ("Urchin density dropped to 90 per plot where otters returned [2].", "supported"),
]  # fmt: skip


def line(sentences=SENTENCES, **fields):
    rows = [{"text": text, "label": label, "hard": False, "note": ""} for text, label in sentences]
    base = {"id": "d1", "split": "dev", "question": "?", "sources": ["kelp", "otter"]}
    return base | {"sentences": rows} | fields


@pytest.fixture
def folder(tmp_path):
    def made(*lines):
        for name in ("set.json", "papers.jsonl"):
            shutil.copy(TINY / name, tmp_path)
        text = "".join(json.dumps(row) + "\n" for row in lines)
        (tmp_path / "drafts.jsonl").write_text(text, encoding="utf-8")
        return tmp_path

    return made


def checked(text, verdict="supported"):
    kept = verdict in {"supported", "not_a_claim"}
    return CheckedSentence(text, (1,), kept, verdict, "", 1.0, 0.0, ())


def scored(sentences, *verdicts):
    draft = module.Draft.model_validate_json(json.dumps(line(sentences)))
    return module.score_draft(draft, [checked(*verdict) for verdict in verdicts])


def test_the_shipped_drafts_are_well_formed_and_their_sentences_stand_in_order():
    found = load_drafts()
    assert len(found.drafts) >= 100
    assert len(found.part("dev")) == len(found.part("test")) == len(found.drafts) / 2
    for draft in found.drafts:
        done = 0
        for sentence in draft.sentences:
            done = draft.text.index(sentence.text, done) + len(sentence.text)
    questions = [draft.question for draft in found.drafts]
    assert len(set(questions)) == len(questions)


def test_bullets_and_headings_stand_on_lines_of_their_own():
    draft = module.Draft.model_validate_json(json.dumps(line()))
    lines = draft.text.split("\n")
    assert lines[0] == "## Short answer"
    assert lines[2].startswith("- Behind") and lines[3].startswith("- Wave")
    assert lines[4].startswith("Sea otters eat sea urchins [3]. Sea otters eat sea urchins. Urchin")


def test_a_run_over_a_set_tells_the_sentences_apart(folder):
    seen = []
    report = evaluate_drafts(folder(line()), on_progress=lambda *done: seen.append(done))
    assert report.lapses() == {
        "false_supports": [], "false_drops": [], "chatter_flagged": [], "unaligned": [],
        "injections": [],
    }  # fmt: skip
    figures = report.figures()
    assert {kind: f.n for kind, f in figures["false_support"].items() if f.n} == {
        "number": 1, "misattributed": 1, "phantom": 1, "uncited": 1, "all": 4
    }  # fmt: skip
    assert figures["false_support"]["all"].value == 0 < figures["false_support"]["all"].high
    assert figures["false_drop"]["hard"].value is None
    assert seen == [(1, 1)]


def test_a_split_leaves_the_other_half_out(folder):
    path = folder(line(), line(id="d2", split="test"))
    assert {item.id[:2] for item in evaluate_drafts(path, split="test").items} == {"d2"}
    assert {item.id[:2] for item in evaluate_drafts(path).items} == {"d1", "d2"}


GOOD = "The waves were lower [1]."
BAD = "The waves were higher [1]."


@pytest.mark.parametrize(
    ("label", "verdict", "right"),
    [
        ("supported", "supported", True),
        ("supported", "unsupported", False),
        ("supported", "not_a_claim", False),
        ("negation", "supported", False),
        ("negation", "not_a_claim", False),
        ("negation", "contradicted", True),
    ],
)
def test_each_label_asks_for_its_verdict(label, verdict, right):
    (item,) = scored([(GOOD, label)], (GOOD, verdict))
    assert item.right is right


def test_of_a_sentence_that_is_cut_no_fault_may_be_kept_and_no_truth_dropped():
    cut = [("The waves", "supported"), ("were lower [1].", "unsupported")]
    assert [scored([(GOOD, label)], *cut)[0].right for label in ("supported", "negation")] == [
        False, False
    ]  # fmt: skip
    heading = [("The waves", "not_a_claim"), ("were lower [1].", "supported")]
    assert scored([(GOOD, "supported")], *heading)[0].right


def test_two_sentences_checked_as_one_share_its_verdict():
    both = scored([(GOOD, "supported"), (BAD, "negation")], (f"{GOOD} {BAD}", "unsupported"))
    assert [item.right for item in both] == [False, True]


def test_a_boundary_set_a_little_late_does_not_mix_the_verdicts():
    first, second = scored(
        [(GOOD, "supported"), (BAD, "negation")],
        (GOOD + " The", "supported"),
        (BAD.removeprefix("The "), "contradicted"),
    )
    assert first.right and second.right
    assert len(second.parts) == 1


def test_a_sentence_that_is_not_found_is_wrong_whatever_its_label(folder, monkeypatch):
    found = scored([(GOOD, "supported"), (BAD, "negation")], (GOOD, "supported"))
    assert [item.right for item in found] == [True, False]

    def broken(*_):
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "check", broken)
    report = evaluate_drafts(folder(line()))
    assert len(report.lapses()["unaligned"]) == len(SENTENCES)
    assert not any(item.right for item in report.items)
    assert report.figures()["chatter_handled"]["all"].value == 0
    console = Console(width=80, record=True)
    console.print(report.table())
    shown = console.export_text()
    assert "failed: RuntimeError: boom" in shown and "d1.7" in shown


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([line(), line()], "drafts.jsonl:2: id: expected each id once, found 'd1' again"),
        ([line(sources=["kelp", "otter ", "whale"])], "sentence 5 (phantom): expected a missing"),
        ([line(sources=["kelp", "whale"])], "expected ids of papers in the set's collection"),
        ([line(sources=["kelp", "kelp"])], "expected each source once"),
        ([line([("Waves fell.", "supported")])], "expected citations in all but uncited"),
        ([line([("Waves fell [1].", "uncited")])], "expected citations in all but uncited"),
        ([line([("Waves fell [7].", "number")])], "expected a missing source cited by phantom"),
        ([line([("Waves\nfell [1].", "number")])], "expected one line"),
        ([line([("Waves fell [1].", "wrong")])], "sentences.0.label"),
        ([], "expected at least one record"),
    ],
)
def test_a_wrong_line_says_where_and_what(folder, rows, message):
    with pytest.raises(InputError) as caught:
        load_drafts(folder(*rows))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_prints_a_table_or_the_report(tmp_path):
    out = tmp_path / "drafts.json"
    shown = CliRunner().invoke(app, ["eval", "drafts", "--split", "dev", "--out", str(out)])
    assert shown.exit_code == 0 and "false support" in shown.stdout
    printed = CliRunner().invoke(app, ["eval", "drafts", "--split", "dev", "--json"])
    report, same = json.loads(out.read_text(encoding="utf-8")), json.loads(printed.stdout)
    assert report.pop("timings") and same.pop("timings")
    assert report == same
    assert report["split"] == "dev" and report["unaligned"] == []
    wrong = {item["id"] for item in report["items"] if not item["right"]}
    listed = ("false_supports", "false_drops", "chatter_flagged")
    assert wrong == {id for name in listed for id in report[name]}


def test_a_model_has_no_part_in_checking_drafts():
    assert CliRunner().invoke(app, ["eval", "drafts", "--model", "m"]).exit_code == 2
