"""Sets looked through, taken in from ragas, BEIR and tables, and given to them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.own import export_set, import_set, lint_set
from eval.own.lint import Lint
from eval.runs import RunLine
from eval.sets import QuestionSet, load_set
from rag.errors import InputError
from rag.types import Paper
from tests.conftest import RECORDS, Rag
from tests.eval_run import ANSWERS, QUESTIONS, question, write

PAPERS = [Paper(id=str(r["id"]), title=str(r["title"]), abstract=str(r["abstract"]))
          for r in RECORDS]  # fmt: skip
NONE = question("none", "unanswerable", "What did the lamps cost?", [])


def make_set(folder: Path, questions: Sequence[Mapping[str, Any]]) -> Path:
    write(folder / "set.json", [{"name": "s", "version": "1", "collection": "papers.jsonl"}])
    write(folder / "questions.jsonl", questions)
    write(folder / "papers.jsonl", RECORDS)
    return folder


def no_papers() -> list[Paper]:
    raise AssertionError("the collection is not needed")


# --- lint -------------------------------------------------------------------------------


def linted(folder: Path, *questions: Mapping[str, Any]) -> Lint:
    return lint_set(make_set(folder, [*questions, NONE]))


def test_a_good_set_has_no_faults(tmp_path: Path) -> None:
    found = linted(tmp_path, *(q for q in QUESTIONS if q["id"] != "answered"))
    assert [(f.line, f.text) for f in found.faults] == [] and found.questions == 6


FACT = question("f", "fact", "How far did kelp come back?", ["kelp"], any=["61%"])


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ({**FACT, "gold": ["whale"]}, "error", "'whale' is no paper of the collection"),
        ({**FACT, "facts": []}, "error", "at least one vital fact"),
        ({**FACT, "typ": "fact"}, "error", "typ"),
        ({**FACT, "question": "Is it 61%?"}, "error", "'61%' stands in the question"),
        ({**FACT, "question": "Do kelp forests recover after sea urchin removal?"}, "error",
         "it gives away the title"),
        ({**FACT, "id": "good"}, "error", "'good' is taken by line 1"),
        ({**FACT, "question": "What made bees, at night, leave?"}, "error", "line 1 asks the same"),
        ({**FACT, "question": "What made the bees leave at night?"}, "warning", "nearly the same"),
        ({**FACT, "question": "Was it that divers removed sea urchins from 14 reefs over?"},
         "warning", "it copies"),
        ({**FACT, "facts": [{"text": "t", "any": ["threefold"]}]}, "warning", "no wording of 't'"),
        ({**FACT, "tags": ["review"]}, "warning", "nobody has read it"),
        ({**FACT, "twin": "good", "type": "false_premise", "split": "test"}, "error", "twin"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line(
    tmp_path: Path, line: dict[str, Any], level: str, text: str
) -> None:
    good = question("good", "fact", "What made bees at night leave?", ["bees"], any=["29%"])
    found = linted(tmp_path, good, line)
    assert [f.level for f in found.faults] == [level], found.faults
    assert text in found.faults[0].text
    assert found.faults[0].line in (1, 2)  # what only the whole set shows stands at its first line
    assert found.faults[0].line == 2 or "twin" in text


def test_paraphrases_and_twins_may_sound_alike(tmp_path: Path) -> None:
    one = {**FACT, "id": "a", "group": "g"}
    other = {**FACT, "id": "b", "group": "g", "question": "How far did the kelp come back?"}
    assert linted(tmp_path, one, other).faults == ()


def test_every_broken_line_is_told_not_only_the_first(tmp_path: Path) -> None:
    make_set(tmp_path, [NONE])
    with (tmp_path / "questions.jsonl").open("a") as file:
        file.write('{"id": 3}\n\nno json\n')
    found = lint_set(tmp_path)
    assert [(f.line, f.level) for f in found.faults] == [(2, "error"), (4, "error")]


def test_a_set_without_unanswerable_questions_is_told(tmp_path: Path) -> None:
    found = lint_set(make_set(tmp_path, [FACT]))
    assert "refusals cannot be measured" in found.faults[0].text and found.errors == 0


def test_the_shipped_set_has_no_errors() -> None:
    assert [fault for fault in lint_set().faults if fault.level == "error"] == []


def test_lint_leaves_with_one_for_an_error(rag: Rag, tmp_path: Path) -> None:
    make_set(tmp_path, [{**FACT, "gold": ["whale"]}, NONE])
    status, shown, _ = rag("eval", "lint", tmp_path)
    assert status == 1 and f"{tmp_path / 'questions.jsonl'}:1: error: gold: 'whale'" in shown
    status, shown, _ = rag("eval", "lint", make_set(tmp_path, [FACT, NONE]), "--json")
    assert status == 0 and json.loads(shown)["faults"] == []


# --- round trips ------------------------------------------------------------------------


@pytest.fixture
def whole(tmp_path: Path) -> QuestionSet:
    """A set with what is hard to carry over: histories, groups, okay facts, odd signs."""
    okay = {"text": "was = flat; elsewhere", "any": ["flat", "no change, or so"], "vital": False}
    facts = [{"text": "61%", "any": ["61%", "61 percent"]}, okay]
    history = [{"role": "user", "content": "Tell me of kelp, “please”."},
               {"role": "assistant", "content": "Kelp\ngrows."}]  # fmt: skip
    return load_set(
        make_set(
            tmp_path / "whole",
            [
                {**FACT, "id": "a", "facts": facts, "tags": ["number", "x"], "group": "g"},
                {**FACT, "id": "b", "group": "g", "question": "How much\tkelp came back?"},
                {**FACT, "id": "c", "type": "follow_up", "history": history, "split": "test"},
                {
                    **FACT,
                    "id": "d",
                    "type": "list",
                    "gold": ["kelp", "bees"],
                    "question": "What came back, and what fell?",
                },
                {**FACT, "id": "e", "type": "false_premise", "twin": "a", "question": "=1+1"},
                NONE,
            ],
        )
    )


def test_a_table_comes_back_as_it_was(whole: QuestionSet, tmp_path: Path) -> None:
    made = export_set(whole, "csv", tmp_path / "set.csv")
    assert made.questions == 6 and made.left_out == ()
    with (tmp_path / "set.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[4]["question"] == "'=1+1"  # a spreadsheet does not run it
    back = import_set(tmp_path / "set.csv", tmp_path / "back", lambda: whole.papers)
    assert back.form == "csv" and back.to_review == 0 and back.left_out == ()
    items = load_set(tmp_path / "back").items
    tab = whole.items[1].model_copy(update={"question": "How much\tkelp came back?"})
    assert items == (whole.items[0], tab, *whole.items[2:])


def test_beir_keeps_queries_papers_and_judgements(whole: QuestionSet, tmp_path: Path) -> None:
    made = export_set(whole, "beir", tmp_path / "beir")
    assert made.left_out == ("e", "none")  # nothing judges them there
    qrels = (tmp_path / "beir" / "qrels" / "dev.tsv").read_text().splitlines()
    assert qrels == ["query-id\tcorpus-id\tscore", "a\tkelp\t1", "b\tkelp\t1", "d\tkelp\t1",
                     "d\tbees\t1"]  # fmt: skip
    back = import_set(tmp_path / "beir", tmp_path / "back", no_papers)
    assert back.form == "beir" and back.papers == len(RECORDS) and back.to_review == 4
    found = load_set(tmp_path / "back")
    assert {item.id: (item.gold, item.split) for item in found.items} == {
        "a": (("kelp",), "dev"), "b": (("kelp",), "dev"), "c": (("kelp",), "test"),
        "d": (("kelp", "bees"), "dev"),
    }  # fmt: skip
    assert lint_set(tmp_path / "back").errors == 0


def test_ragas_gets_references_contexts_and_answers(whole: QuestionSet, tmp_path: Path) -> None:
    answers = {"a": RunLine.model_validate({**ANSWERS[0], "id": "a"})}
    export_set(whole, "ragas", tmp_path / "set.jsonl", answers)
    rows = [json.loads(line) for line in (tmp_path / "set.jsonl").read_text().splitlines()]
    assert rows[0]["user_input"] == "How far did kelp come back?"
    assert rows[0]["reference"] == "61%. was = flat; elsewhere."
    assert rows[0]["reference_contexts"] == [RECORDS[0]["abstract"]]
    assert rows[0]["response"].startswith("Kelp cover rose") and "response" not in rows[1]
    assert rows[0]["retrieved_context_ids"] == ["kelp", "bees"]
    assert rows[2]["user_input"].startswith("user: Tell me of kelp")
    back = import_set(tmp_path / "set.jsonl", tmp_path / "back", no_papers)
    assert back.form == "ragas" and back.questions == 5 and back.to_review == 4
    assert "twin" in back.left_out[0].reason
    items = load_set(tmp_path / "back").items
    assert items[0].facts[0].any == ("61%",)
    assert items[2].type == "fact" and items[2].question == rows[2]["user_input"]


# --- what others write ------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        {"user_input": "Q?", "reference": "Kelp rose to 61%.",
         "reference_contexts": [RECORDS[0]["abstract"]]},
        {"question": "Q?", "ground_truth": "Kelp rose to 61%.",
         "contexts": [RECORDS[0]["abstract"]]},
        {"question": "Q?", "ground_truths": ["Kelp rose to 61%."],
         "contexts": [RECORDS[0]["abstract"], ""], "answer": "no matter"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_the_columns_of_several_versions_of_ragas(
    tmp_path: Path, row: dict[str, Any], form: str
) -> None:
    path = tmp_path / f"ragas.{form}"
    if form == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, row.keys())
            writer.writeheader()
            writer.writerow(row)
    else:
        path.write_text(json.dumps([row] if form == "json" else row), encoding="utf-8")
    made = import_set(path, tmp_path / "set", no_papers)
    assert (made.form, made.questions, made.papers, made.to_review) == ("ragas", 1, 1, 1)
    (item,) = load_set(tmp_path / "set").items
    assert item.question == "Q?" and item.facts[0].any == ("61%",)


def test_a_plain_table_names_papers_by_id_or_title(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(
        "Question,Answer,Papers\n"
        "How far did kelp come back?,61%,kelp\n"
        f"Which loaf?,the 12-hour one | 12-hour,{RECORDS[3]['title'].upper()}\n"
        "What of the lamps?,,\n"
        "Who knows?,x,whale\n"
        "Why so many words?,The loaf that was fermented for 12 hours was liked best,bread\n"
    )
    made = import_set(table, tmp_path / "set", lambda: PAPERS)
    assert (made.questions, made.papers, made.to_review) == (4, 6, 1)
    assert made.left_out[0].where.endswith("mine.csv:5") and "whale" in made.left_out[0].reason
    items = load_set(tmp_path / "set").items
    assert [item.type for item in items] == ["fact", "fact", "unanswerable", "fact"]
    assert items[1].gold == ("bread",) and items[1].facts[0].any == ("the 12-hour one", "12-hour")
    assert items[3].facts[0].any == ("12 hours",)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "frage,antwort\nWas?,Das\n", "a column question"),
        ("a.jsonl", '{"user_input": "Q?"', "found neither"),
        ("a.csv", "question\n", "found none that can be used"),
        ("a.csv", "question,papers\nQ?,kelp\n", "at least one vital fact"),
        ("a.csv", "question,history\nQ?,nonsense\n", "history"),
    ],
)
def test_what_is_no_set_is_told_and_nothing_is_made(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=reason):
        import_set(tmp_path / name, tmp_path / "set", lambda: PAPERS)
    assert not (tmp_path / "set").exists()


def test_beir_without_its_queries_is_told(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", [{"_id": "1"}])
    with pytest.raises(InputError, match=r"corpus\.jsonl:1: expected .* with _id and text"):
        import_set(tmp_path, tmp_path / "set", no_papers)


def test_the_commands_make_and_take_a_table(rag: Rag, tmp_path: Path) -> None:
    folder = make_set(tmp_path / "set", [FACT, NONE])
    status, shown, _ = rag("eval", "export", folder, "--to", "csv", "--out", tmp_path / "t.csv")
    assert status == 0 and "2 questions" in shown
    status, shown, _ = rag(
        "eval", "import", tmp_path / "t.csv", "--out", tmp_path / "back",
        "--collection", folder / "papers.jsonl", "--json",
    )  # fmt: skip
    assert status == 0 and json.loads(shown)["questions"] == 2
    status, _, told = rag("eval", "export", folder, "--to", "csv", "--out", tmp_path)
    assert status == 1 and "found a folder" in told
