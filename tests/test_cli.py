from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag import cli, cli_eval
from rag.errors import InputError, ModelError
from rag.settings import Settings
from rag.types import Answer, CheckedDraft, Event, Filter, Status, Turn
from tests.conftest import Rag
from tests.test_render import ANSWER, REFUSED


class Scripted:
    """An assistant that answers with ``ANSWER``, except to a few questions."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.histories: list[Sequence[Turn]] = []
        self.filters: list[Filter | None] = []

    def ask(
        self, question: str, history: Sequence[Turn] = (), where: Filter | None = None
    ) -> Answer:
        self.histories.append(history)
        self.filters.append(where)
        if question == "empty":
            raise InputError("the question is empty;\nask something")
        if question == "defect":
            raise KeyError("where")
        if question == "interrupt":
            raise KeyboardInterrupt
        return REFUSED if question == "unknown" else ANSWER

    def stream(
        self, question: str, history: Sequence[Turn] = (), where: Filter | None = None
    ) -> Iterator[Event]:
        print("a library that prints")
        warnings.warn("RAG_MODLE is unknown", stacklevel=1)
        yield Status("searching")
        yield self.ask(question, history, where)

    def check(self, text: str) -> CheckedDraft:
        return CheckedDraft("text", (), ())


@pytest.fixture
def assistant(monkeypatch: pytest.MonkeyPatch) -> list[Scripted]:
    """The assistants that were opened."""
    opened: list[Scripted] = []

    @contextmanager
    def open_assistant(settings: Settings) -> Iterator[Scripted]:
        opened.append(Scripted(settings))
        yield opened[-1]

    monkeypatch.setattr(cli, "open_assistant", open_assistant)
    return opened


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, rag, rag.cli\n"
        "try: rag.cli.app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'chromadb', 'llama_index', 'gradio', 'onnxruntime', 'openai', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("ingest", "search", "ask", "run", "check", "eval", "chat", "status"):
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["ask"],
        ["search", "q", "-k", "0"],
        ["chat", "--port", "70000"],
        ["check"],
        ["check", "a.txt", "--batch", "b.jsonl", "--out", "c.jsonl"],
        ["check", "--batch", "b.jsonl"],
        ["check", "a.txt", "--out", "c.jsonl"],
        ["check", "a.txt", "--markdown", "--json"],
        ["check", "--batch", "b.jsonl", "--out", "c.jsonl", "--markdown"],
        ["run", "q.jsonl"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_status_2(rag: Rag, args: list[str]) -> None:
    status, out, err = rag(*args)
    assert status == 2
    assert out == ""
    assert "Error: " in err


@pytest.mark.parametrize(
    "args",
    [
        ["ingest", "FILE"],
        ["run", "FILE", "--out", "FILE"],
        ["check", "FILE"],
        ["check", "--batch", "FILE", "--out", "FILE"],
        ["eval", "FILE"],
        ["eval", "--out", "FILE"],
        ["eval", "score", "FILE"],
        ["eval", "compare", "FILE", "FILE"],
        ["status", "--store", "FILE"],
    ],
)
def test_a_file_without_permission_is_no_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, args: list[str]
) -> None:
    def refuse(*_args: object, **_named: object) -> None:
        raise InputError("opened")  # whoever opens the file will say what is wrong

    file = tmp_path / "file"
    file.touch()
    # Not chmod: root may read whatever the permissions say.
    monkeypatch.setattr("os.access", lambda *_: False)
    for module in (cli, cli_eval):
        monkeypatch.setattr(module, "session", refuse)
    with pytest.raises(InputError, match="opened"):
        cli.app([str(file) if arg == "FILE" else arg for arg in args])


def test_json_is_the_only_thing_on_standard_output(rag: Rag, assistant: list[Scripted]) -> None:
    status, out, err = rag("ask", "How many?", "--json", "--model", "m", "--store", "/s")
    assert status == 0
    assert json.loads(out)["sentences"][0]["citations"] == [1]
    assert "a library that prints" in err
    assert "rag: warning: RAG_MODLE is unknown\n" in err
    assert assistant[0].settings.model == "m"
    assert assistant[0].settings.store == Path("/s")


def test_a_refusal_is_an_answer(rag: Rag, assistant: list[Scripted]) -> None:
    status, out, _ = rag("ask", "unknown")
    assert status == 0
    assert out.startswith("The collection holds no answer.")


def test_an_error_is_one_line(rag: Rag, assistant: list[Scripted]) -> None:
    status, out, err = rag("ask", "empty")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == "rag: error: the question is empty; ask something"
    assert "Traceback" not in err


def test_a_defect_names_its_type_and_debug_shows_it(rag: Rag, assistant: list[Scripted]) -> None:
    status, _, err = rag("ask", "defect")
    assert status == 1
    assert err.splitlines()[-1].startswith("rag: error: KeyError: 'where' (unexpected; --debug")
    with pytest.raises(KeyError):
        cli.app(["ask", "defect", "--debug"])


def test_an_interrupt_is_status_130(rag: Rag, assistant: list[Scripted]) -> None:
    status, _, err = rag("ask", "interrupt")
    assert status == 130
    assert err.splitlines()[-1].startswith("rag: interrupted")


def test_a_wrong_setting_is_an_error(rag: Rag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_TIMEOUT", "soon")
    status, _, err = rag("ask", "q")
    assert status == 1
    assert "RAG_TIMEOUT='soon'" in err


def test_run_answers_each_line_and_goes_on_after_a_bad_one(
    rag: Rag, assistant: list[Scripted], tmp_path: Path
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    questions.write_bytes(
        b'\xef\xbb\xbf{"id": "a", "question": "one"}\n'
        b'{"id": 7, "question": "two", "history": [{"role": "user", "content": "h"}]}\n'
        b"\n"
        b'{"question": "three"}\n'
        b'{"id": "half", \n'
        b'{"id": "no question"}\n'
        b'{"id": "e", "question": "empty"}\n'
        b'{"id": "d", "question": "defect"}\n'
        b'{"id": "x", "question": "\xff"}\n'
        b'{"id": "h", "question": "q", "history": [{"role": "system", "content": ""}]}\n'
        b"[1]\n"
        b'{"id": "last", "question": "unknown"}'
    )
    status, stdout, _ = rag("run", questions, "--out", out, "--json")
    assert status == 0
    assert json.loads(stdout) | {"seconds": 0} == {"done": 4, "failed": 7, "seconds": 0}
    rows = lines(out)
    assert [row["id"] for row in rows] == (
        ["a", 7, "line-4", "line-5", "no question", "e", "d", "line-9", "h", "line-11", "last"]
    )
    assert [row["id"] for row in rows if "error" not in row] == ["a", 7, "line-4", "last"]
    assert all(set(row) == {"id", "error"} for row in rows if "error" in row)
    assert "question: Field required" in rows[4]["error"]
    assert rows[5]["error"] == "the question is empty; ask something"
    assert assistant[0].histories[1] == (Turn("user", "h"),)
    assert len(assistant) == 1


def test_run_takes_a_broken_escape_and_an_absent_history(
    rag: Rag, assistant: list[Scripted], tmp_path: Path
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    questions.write_text(
        r'{"id": "\ud800", "question": "q", "history": [{"role": "user", "content": "a\ud800"}]}'
        '\n{"id": "n", "question": "q", "history": null}\n'
    )
    assert rag("run", questions, "--out", out)[0] == 0
    assert [row["id"] for row in lines(out)] == ["\ud800", "n"]
    assert assistant[0].histories == [(Turn("user", "a"),), ()]


def test_check_gives_a_draft_with_a_broken_escape_back_as_it_came(rag: Rag, tmp_path: Path) -> None:
    cases, out = tmp_path / "cases.jsonl", tmp_path / "out.jsonl"
    cases.write_text(
        r'{"id": "\ud83d", "draft": "Foxes \ud800 swim [1]. Foxes\udc00 cross roads [1].", '
        r'"sources": [{"title": "On \ud800 foxes", "text": "Foxes cross \udfff roads."}]}'
    )
    status, _, err = rag("check", "--batch", cases, "--out", out)
    assert status == 0, err
    [row] = lines(out)
    assert row["id"] == "\ud83d"
    assert [sentence["text"] for sentence in row["sentences"]] == (
        ["Foxes \ud800 swim [1].", "Foxes\udc00 cross roads [1]."]
    )


def test_run_resumes_where_it_was_interrupted(
    rag: Rag, assistant: list[Scripted], tmp_path: Path
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    rows = [{"id": 0, "question": "empty"}, {"id": "b", "question": "one"}]
    later = [{"id": "c", "question": "interrupt"}, {"question": "two"}]
    questions.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *later]))
    status, _, err = rag("run", questions, "--out", out)
    assert status == 130
    assert f"the lines in {out} are kept; the same command with --resume does the rest" in err
    before = out.read_text("utf-8")
    out.write_text(before + '{"id": "c", "te', "utf-8")  # as a pulled plug leaves it
    later[0]["question"] = "three"
    questions.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *later]))
    status, told, err = rag("run", questions, "--out", out, "--resume", "--json")
    assert status == 0, err
    assert (json.loads(told)["done"], json.loads(told)["failed"]) == (3, 1)
    assert out.read_text("utf-8").startswith(before)
    assert [row["id"] for row in lines(out)] == [0, "b", "c", "line-4"]
    assert len(assistant[1].histories) == 2


@pytest.mark.parametrize("content", ['{"id": "x"}\n', "no JSON\n", "[]\n", '{"id": "a"}\n' * 2])
def test_run_resumes_nothing_else(
    rag: Rag, assistant: list[Scripted], tmp_path: Path, content: str
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    questions.write_text('{"id": "a", "question": "one"}\n')
    out.write_text(content)
    status, _, err = rag("run", questions, "--out", out, "--resume")
    assert status == 1
    assert "does not begin with the answers to these lines" in err
    assert out.read_text() == content


def test_run_takes_a_filter_with_each_question(
    rag: Rag, assistant: list[Scripted], tmp_path: Path
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    wheres = [
        {"since": 2018, "venues": ["Nature"]}, None, {"since": 2020, "until": 2019},
        {"yeer": 2018}, {"venues": "Nature"}, {"ids": []}, {},
    ]  # fmt: skip
    rows = [{"question": "one", "where": where} for where in wheres]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert rag("run", questions, "--out", out)[0] == 0
    assert assistant[0].filters == [Filter(since=2018, venues=("Nature",)), None, Filter()]
    faults = [row["error"] for row in lines(out) if "error" in row]
    assert faults[0] == "line-3: filter: since 2020 is after until 2019; swap the years"
    assert faults[1] == (
        "line-4: where.yeer: Unexpected keyword argument; "
        "known: since, until, venues, keywords, ids, topics"
    )
    assert faults[2].startswith("line-5: where.venues: ")
    assert "ids is an empty list" in faults[3]
    assert len(faults) == 4


def test_run_with_nothing_done_is_an_error(
    rag: Rag, assistant: list[Scripted], tmp_path: Path
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    questions.write_text('{"id": "e", "question": "empty"}\n')
    status, _, err = rag("run", questions, "--out", out)
    assert status == 1
    assert "not one of 1 lines succeeded; first: the question is empty" in err
    assert lines(out)[0]["id"] == "e"


def test_run_keeps_what_was_done_before_an_interrupt(
    rag: Rag, assistant: list[Scripted], tmp_path: Path
) -> None:
    questions, out = tmp_path / "q.jsonl", tmp_path / "run.jsonl"
    questions.write_text('{"question": "one"}\n{"question": "interrupt"}\n')
    assert rag("run", questions, "--out", out)[0] == 130
    assert [row["id"] for row in lines(out)] == ["line-1"]


@pytest.mark.parametrize(
    ("content", "out", "told"),
    [
        (None, "run.jsonl", "cannot be read: No such file"),
        (" \n", "run.jsonl", "holds no line"),
        ("{}", "q.jsonl", "is the file that is read"),
        ("{}", "missing/run.jsonl", "cannot be written: No such file"),
    ],
)
def test_run_names_the_file_that_it_cannot_use(
    rag: Rag, assistant: list[Scripted], tmp_path: Path, content: str | None, out: str, told: str
) -> None:
    questions = tmp_path / "q.jsonl"
    if content is not None:
        questions.write_text(content)
    status, _, err = rag("run", questions, "--out", tmp_path / out)
    assert status == 1
    assert told in err
    assert content is None or questions.read_text() == content


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), (b" \n", "holds no text"), (b"a\xff", "is not UTF-8 text (byte 1)")],
)
def test_check_names_the_file_that_it_cannot_use(
    rag: Rag, assistant: list[Scripted], tmp_path: Path, content: bytes | None, told: str
) -> None:
    draft = tmp_path / "draft.md"
    if content is not None:
        draft.write_bytes(content)
    status, _, err = rag("check", draft)
    assert status == 1
    assert told in err


def test_a_model_that_fails_is_an_error(
    rag: Rag, assistant: list[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Scripted, *_args: object) -> Answer:
        raise ModelError("no model at \x1b[31mhttp://x\x1b[0m")

    monkeypatch.setattr(Scripted, "ask", fail)
    status, _, err = rag("ask", "q")
    assert status == 1
    assert err.splitlines()[-1] == "rag: error: no model at http://x"


def test_status_asks_no_model_and_loads_no_sample(
    rag: Rag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAG_STORE", raising=False)
    monkeypatch.setenv("RAG_EMBEDDING", "openai:unheard-of")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # nobody listens there
    monkeypatch.setattr("rag.settings.user_data_path", lambda name: tmp_path / name)
    status, out, err = rag("status", "--json")
    assert status == 0
    assert json.loads(out)["papers"] == 0
    assert json.loads(out)["store"] == str(tmp_path / "footnote" / "library")
    assert "No library of your own yet" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("display", "options", "opened"),
    [(":0", [], True), (":0", ["--no-browser"], False), ("", [], False)],
)
def test_chat_opens_a_browser_where_there_is_a_display(
    rag: Rag, monkeypatch: pytest.MonkeyPatch, display: str, options: list[str], opened: bool
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr(
        "app.launch", lambda _settings, open_browser, **_named: asked.append(open_browser)
    )
    assert rag("chat", *options) == (0, "", "")
    assert asked == [opened]
