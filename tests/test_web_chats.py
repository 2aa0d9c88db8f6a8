"""Past chats in their file: who finds them, how long they last, what is left of deleted ones."""

from __future__ import annotations

import sqlite3
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.web import chats
from rag.web.chats import Chats, open_or_forget
from rag.web.exchange import Exchange
from rag.web.visitors import new_id
from tests.stub_assistant import answered, refused

ANN, BOB = "ann", "bob"


def exchange(question: str, feedback: str = "") -> Exchange:
    answer = answered(question)
    return Exchange(
        question,
        "",
        answer.sources,
        answer.sentences,
        answer,
        feedback=feedback,  # type: ignore[arg-type]
    )


@pytest.fixture
def kept(tmp_path: Path) -> Chats:
    return Chats(tmp_path / "data" / "chats.sqlite3")


def test_what_is_kept_comes_back_as_it_was(kept: Chats) -> None:
    no = refused("What is not here?")
    turns = (exchange("How quiet?", "up"), Exchange("What is not here?", "", no.sources, (), no))
    kept.save(ANN, "Tides", "c1", turns)
    assert kept.load(ANN, "Tides", "c1") == turns
    (listed,) = kept.list(ANN, "Tides")
    assert (listed.id, listed.title, listed.questions) == ("c1", "How quiet?", 2)


def test_a_chat_grows_and_the_last_changed_is_listed_first(kept: Chats) -> None:
    kept.save(ANN, "Tides", "c1", (exchange("First?"),))
    kept.save(ANN, "Tides", "c2", (exchange("Second?"),))
    kept.save(ANN, "Tides", "c1", (exchange("First?"), exchange("And then?", "down")))
    assert [(c.id, c.questions) for c in kept.list(ANN, "Tides")] == [("c1", 2), ("c2", 1)]
    assert kept.load(ANN, "Tides", "c1")[1].feedback == "down"


def test_nobody_finds_changes_or_deletes_what_is_anothers(kept: Chats) -> None:
    kept.save(ANN, "Tides", "c1", (exchange("Mine?"),))
    for who, where in ((BOB, "Tides"), (ANN, "Reefs"), ("", "Tides")):
        assert kept.list(who, where) == kept.load(who, where, "c1") == ()
        kept.rename(who, where, "c1", "Taken")
        kept.delete(who, where, "c1")
        kept.delete(who, where)
        with pytest.raises(StoreError, match="somebody else"):
            kept.save(who, where, "c1", (exchange("Overwritten?"),))
    assert [chat.title for chat in kept.list(ANN, "Tides")] == ["Mine?"]
    assert kept.load(ANN, "Tides", "c1")[0].question == "Mine?"


def test_a_name_of_ones_own_stays_until_it_is_taken_back(kept: Chats) -> None:
    kept.save(ANN, "Tides", "c1", (exchange("First?"),))
    kept.rename(ANN, "Tides", "c1", " Kelp\n and \ud800 tides ")
    kept.save(ANN, "Tides", "c1", (exchange("First?"), exchange("And then?")))
    (listed,) = kept.list(ANN, "Tides")
    assert listed.title.startswith("Kelp and") and listed.title.endswith("tides")
    kept.rename(ANN, "Tides", "c1", "n" * 1000)
    assert len(kept.list(ANN, "Tides")[0].title) == chats.LONGEST_NAME
    kept.rename(ANN, "Tides", "c1", "  ")
    assert kept.list(ANN, "Tides")[0].title == "First?"


def test_what_is_deleted_is_in_none_of_the_files_any_more(kept: Chats, tmp_path: Path) -> None:
    secret = "a question that nobody else may read"
    kept.save(ANN, "Tides", "c1", (exchange(secret),))
    kept.save(ANN, "Tides", "c2", (exchange("Another?"),))
    assert secret.encode() in content(tmp_path)
    kept.delete(ANN, "Tides", "c1")
    assert secret.encode() not in content(tmp_path)
    assert [chat.id for chat in kept.list(ANN, "Tides")] == ["c2"]
    kept.delete(ANN, "Tides")
    assert kept.list(ANN, "Tides") == ()


def content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("chats*"))


def test_the_file_is_for_its_owner_alone(kept: Chats, tmp_path: Path) -> None:
    kept.save(ANN, "Tides", "c1", (exchange("First?"),))
    for path in (tmp_path / "data").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_the_oldest_make_way(kept: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chats, "MOST_CHATS", 2)
    kept.save(BOB, "Tides", "b1", (exchange("Bob's?"),))
    for n in range(3):
        kept.save(ANN, "Tides", f"a{n}", (exchange(f"{n}?"),))
    assert [chat.id for chat in kept.list(ANN, "Tides")] == ["a2", "a1"]
    assert [chat.id for chat in kept.list(BOB, "Tides")] == ["b1"]
    monkeypatch.setattr(chats, "MOST_BYTES", 1)
    kept.save(ANN, "Tides", "a3", (exchange("3?"),))
    assert kept.list(ANN, "Tides") == kept.list(BOB, "Tides") == ()


def test_a_long_chat_keeps_its_last_questions(kept: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chats, "LONGEST_CHAT", 2)
    kept.save(ANN, "Tides", "c1", tuple(exchange(f"{n}?") for n in range(4)))
    assert [turn.question for turn in kept.load(ANN, "Tides", "c1")] == ["2?", "3?"]


def test_what_has_no_answer_or_too_large_a_one_is_not_kept(
    kept: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.save(ANN, "Tides", "c1", (Exchange("Stopped?"),))
    assert kept.list(ANN, "Tides") == ()
    monkeypatch.setattr(chats, "LARGEST_ANSWER", 10)
    kept.save(ANN, "Tides", "c1", (exchange("Long?"),))
    assert kept.list(ANN, "Tides") == ()


def test_an_answer_that_cannot_be_read_is_left_out(kept: Chats, tmp_path: Path) -> None:
    kept.save(ANN, "Tides", "c1", (exchange("Good?"), exchange("Spoilt?"), exchange("Odd?")))
    with sqlite3.connect(tmp_path / "data" / "chats.sqlite3") as file:
        file.execute("UPDATE turns SET answer = '{\"text\":' WHERE question = 'Spoilt?'")
        file.execute("UPDATE turns SET answer = '[1]' WHERE question = 'Odd?'")
    file.close()
    assert [turn.question for turn in kept.load(ANN, "Tides", "c1")] == ["Good?"]


def test_a_file_that_cannot_be_used_is_named_and_chats_end_with_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chats.sqlite3"
    path.write_text("This is no database, but a letter of some length to a friend. " * 40)
    with pytest.raises(StoreError, match=r"chats\.sqlite3 cannot be used: .*; move the file"):
        Chats(path)
    forgetful = open_or_forget(path)
    assert "past chats are not kept" in caplog.text
    forgetful.save(ANN, "Tides", "c1", (exchange("First?"),))
    assert len(forgetful.list(ANN, "Tides")) == 1
    assert path.read_text().startswith("This is no database")


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 9")
    file.close()
    with pytest.raises(StoreError, match="expected schema 1, found 9, of a newer Footnote"):
        Chats(path)


def test_many_threads_and_two_processes_share_a_file(kept: Chats, tmp_path: Path) -> None:
    other = Chats(tmp_path / "data" / "chats.sqlite3")

    def write(store: Chats, who: str) -> None:
        for n in range(10):
            store.save(who, "Tides", f"{who}-{n}", (exchange(f"{who} {n}?"),))

    threads = [
        threading.Thread(target=write, args=(store, f"{who}{n}"))
        for n in range(3)
        for store, who in ((kept, "a"), (other, "b"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for who in ("a0", "a1", "a2", "b0", "b1", "b2"):
        assert {chat.title for chat in kept.list(who, "Tides")} == {
            f"{who} {n}?" for n in range(10)
        }


def test_ids_do_not_repeat() -> None:
    assert len({new_id() for _ in range(100)}) == 100


def test_papers_are_not_kept_with_a_chat(kept: Chats) -> None:
    turn = replace(exchange("First?"), papers={})
    kept.save(ANN, "Tides", "c1", (turn,))
    assert kept.load(ANN, "Tides", "c1")[0].papers == {}
