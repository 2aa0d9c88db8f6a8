from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from rag.errors import InputError
from rag.loaders import load_papers, sources
from rag.types import Failure

LINE = json.dumps({"id": "1", "title": "Tides", "abstract": "They came late."}) + "\n"
TABLE = "title,abstract\nOwls,They ate voles.\n"


def load(*paths: Path | str) -> tuple[list[str], list[Failure]]:
    failures: list[Failure] = []
    return [paper.title for paper in load_papers(paths, failures.append)], failures


def packed(path: Path, **entries: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def reason(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: ")
    return str(raised.value).removeprefix(f"{path}: ")


def test_gzip_is_unpacked_whatever_its_name(tmp_path):
    path = tmp_path / "papers.jsonl"
    path.write_bytes(gzip.compress(LINE.encode()) + gzip.compress(LINE.replace("1", "2").encode()))
    assert load(path) == (["Tides", "Tides"], [])


def test_each_file_of_a_zip_is_read_by_its_own_content(tmp_path):
    path = packed(
        tmp_path / "a.zip",
        **{"b.txt": TABLE, "a/papers.dat": LINE, ".hidden": LINE, "__MACOSX/x": LINE},
    )
    assert load(path) == (["Tides", "Owls"], [])


def test_a_bad_file_in_a_zip_is_reported_by_its_place(tmp_path):
    path = packed(tmp_path / "a.zip", **{"a.pdf": b"%PDF-1.7", "b.jsonl": LINE + "{\n", "c": "no"})
    titles, failures = load(path)
    assert titles == ["Tides"]
    places = [failure.where.removeprefix(f"{path}/") for failure in failures]
    assert places == ["a.pdf", "b.jsonl:2", "c"]
    assert "export its title and abstract" in failures[0].reason


@pytest.mark.parametrize("name", ["../out.jsonl", "/etc/x.jsonl", "a/../../x", "C:\\x", "..\\x"])
def test_entries_that_point_outside_are_refused(tmp_path, name):
    titles, [failure] = load(packed(tmp_path / "a.zip", **{name: LINE, "good": LINE}))
    assert titles == ["Tides"]
    assert "outside the archive" in failure.reason


def test_links_and_locked_entries_of_a_zip_are_refused(tmp_path):
    path = packed(tmp_path / "a.zip", good=LINE, locked=LINE)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"locked"))
    content[at + 8] |= 1  # the flag of encryption
    path.write_bytes(content)
    titles, failures = load(path)
    assert titles == ["Tides"]
    assert [f.reason.split(";")[0] for f in failures] == ["is a link", "is encrypted"]


def test_archives_in_archives_are_refused(tmp_path):
    inner = packed(tmp_path / "inner.zip", x=LINE).read_bytes()
    path = packed(tmp_path / "a.zip", a=inner, b=gzip.compress(LINE.encode()), c=LINE)
    titles, failures = load(path)
    assert titles == ["Tides"]
    assert ["archive in an archive" in failure.reason for failure in failures] == [True, True]
    twice = tmp_path / "twice.gz"
    twice.write_bytes(gzip.compress(gzip.compress(LINE.encode())))
    assert "archive in an archive" in reason(twice)


@pytest.mark.parametrize("pack", ["gzip", "zip"])
def test_a_bomb_is_refused_long_before_it_is_unpacked(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(sources, "_GRACE", 10**6)
    path = tmp_path / "bomb"
    content = (b" " * 100_000 + b"\n") * 200
    if pack == "gzip":
        path.write_bytes(gzip.compress(LINE.encode() + content))
    else:
        packed(path, a=LINE.encode() + content, b=LINE)
    titles, failures = load(path)
    assert titles == ["Tides"]
    assert "like a bomb" in failures[0].reason


def test_many_small_bombs_spend_one_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_GRACE", 10**6)
    bombs = {f"f{n:03}": " " * 100_000 for n in range(200)}
    titles, failures = load(packed(tmp_path / "a.zip", **{"a": LINE, **bombs}))
    assert titles == ["Tides"]
    assert len(failures) < 100
    assert "not read any further" in failures[-1].reason


def test_abstracts_that_repeat_are_no_bomb(tmp_path):
    lines = [LINE.replace('"1"', f'"{n}"') for n in range(2000)]
    path = packed(tmp_path / "a.zip", a="".join(lines))
    assert len(load(path)[0]) == 2000


def test_a_broken_zip_says_so(tmp_path):
    whole = packed(tmp_path / "a.zip", a=LINE * 50).read_bytes()
    broken = tmp_path / "b.zip"
    broken.write_bytes(whole[:-30])
    assert "damaged zip archive" in reason(broken)
    flipped = bytearray(whole)
    flipped[45] ^= 0xFF
    broken.write_bytes(flipped)
    titles, [failure] = load(broken)
    assert titles == []
    assert failure.where == f"{broken}/a"


def test_office_documents_and_other_archives_say_what_to_do(tmp_path):
    sheet = packed(tmp_path / "a.xlsx", **{"[Content_Types].xml": "<x/>", "xl/sheet.xml": "<x/>"})
    assert "save its table as CSV" in reason(sheet)
    other = tmp_path / "a.bz2"
    other.write_bytes(bz2.compress(LINE.encode()))
    assert "unpack it first" in reason(other)


def test_standard_input_is_read_as_a_file(monkeypatch):
    for content in (LINE.encode(), gzip.compress(TABLE.encode())):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        titles, failures = load("-")
        assert len(titles) == 1
        assert failures == []
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b'{"title": "T"}\n')))
    _, [failure] = load("-")
    assert failure.where == "standard input:1"
