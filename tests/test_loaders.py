from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import loaders, sample
from rag.errors import InputError
from rag.loaders import load_papers, read
from rag.loaders.formats import find_format
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

TIDES = (
    "Tide gauges at nine harbours were read every hour for a year. The highest water came 40 "
    "minutes later than the tables foretold whenever the wind blew from the north-east, and the "
    "delay grew with the fetch. A correction by wind alone removed most of the error, at all "
    "harbours but one, whose mole had been rebuilt."
)
OWLS = (
    "Barn owls were followed by radio for two winters, 48 birds in all, in farmland with and "
    "without rough grass margins; birds beside margins hunted closer to the nest, brought more "
    "voles, and raised 1.4 more young (95% interval 0.9 to 1.9). “Mown” margins did not help, "
    "however wide they were, and neither did perches."
)
PAGE = f"""new

Read all about it in our letter!

Join
byXY and friends

Jan 3

Wind and the Lateness of Tides

{TIDES}

Rough Margins Feed Barn Owls: A Two-Winter Study

{OWLS}
"""


def load(*paths: Path) -> tuple[list[Paper], list[Failure]]:
    failures: list[Failure] = []
    return list(load_papers(paths, failures.append)), failures


def write(path: Path, *records: object) -> Path:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def record(title: str = "T", abstract: str = "A.", **fields: object) -> dict[str, object]:
    return {"title": title, "abstract": abstract, **fields}


# --- pages --------------------------------------------------------------------------------


def test_page_skips_the_site_and_keeps_papers_exactly(tmp_path):
    papers, failures = load(write(tmp_path / "page.txt", PAGE))
    assert [(p.title, p.abstract) for p in papers] == [
        ("Wind and the Lateness of Tides", TIDES),
        ("Rough Margins Feed Barn Owls: A Two-Winter Study", OWLS),
    ]
    assert failures == []


def test_page_reports_a_title_and_an_abstract_that_stand_alone(tmp_path):
    lone = "A Title Whose Abstract Was Not Copied"
    page = write(tmp_path / "page.txt", PAGE, OWLS.upper(), "", lone, "", "A Third", "", TIDES[5:])
    papers, failures = load(page)
    lines = page.read_text().split("\n")
    assert [p.title for p in papers][2:] == ["A Third"]
    assert [f.where for f in failures] == [
        f"{page}:{lines.index(OWLS.upper()) + 1}",
        f"{page}:{lines.index(lone) + 1}",
    ]
    assert lone in failures[1].reason


def test_page_with_windows_line_ends_and_byte_order_mark(tmp_path):
    page = tmp_path / "page.txt"
    page.write_bytes(b"\xef\xbb\xbf" + PAGE.replace("\n", "\r\n").encode())
    papers, _ = load(page)
    assert [p.abstract for p in papers] == [TIDES, OWLS]


def test_a_page_of_95_papers_is_taken_as_it_is(tmp_path):
    """The sample's titles and digests, laid out as a papers page is when it is copied."""
    lines = sample.path().read_text(encoding="utf-8").splitlines()
    pairs = [(record["title"], record["abstract"]) for record in map(json.loads, lines)]
    page = tmp_path / "page.txt"
    header = "new\n\nGet papers by mail!\n\nSubscribe\n\nby someone and others\n\nMay 3\n\n"
    page.write_text(header + "\n\n".join(map("\n\n".join, pairs)), encoding="utf-8")
    papers, failures = load(page)
    assert [(p.title, p.abstract) for p in papers] == pairs
    assert len({p.id for p in papers}) == 95
    assert failures == []


# --- JSON Lines ---------------------------------------------------------------------------


def test_all_fields_are_kept(tmp_path):
    fields = {
        "authors": ["A. Author", "B. Author"],
        "year": 2020,
        "venue": "V",
        "url": "https://example.org/x",
        "doi": "10.1/x",
        "arxiv_id": "2001.1",
        "keywords": ["k"],
        "note": "n",
    }
    [paper], _ = load(write(tmp_path / "a.jsonl", record(id="x", **fields)))
    fields.update(authors=("A. Author", "B. Author"), keywords=("k",))
    assert paper == Paper("x", "T", "A.", **fields)


def test_forms_that_exports_use(tmp_path):
    source = write(
        tmp_path / "a.jsonl",
        record(_id="s2", authors="A. One; B. Two", year="1999", venue=None, other=[1]),
        "",
        record(id=31415, url="javascript:alert(1)"),
    )
    papers, failures = load(source)
    assert papers == [
        Paper("s2", "T", "A.", authors=("A. One", "B. Two"), year=1999),
        Paper("31415", "T", "A."),
    ]
    assert failures == []


@pytest.mark.parametrize(
    ("line", "expected", "found"),
    [
        ({"abstract": "A."}, "title: expected text", "nothing"),
        (record(abstract="  "), "abstract: expected text", "empty"),
        (record(abstract=None), "abstract: expected text", "null"),
        (record(title=7), "title: expected text", "7"),
        (record(year="soon"), "year: expected a whole number", "soon"),
        (record(year=True), "year: expected a whole number", "true"),
        (record(authors=["A", 3]), "authors: expected a list of texts", "3"),
        (record(keywords={"a": 1}), "keywords: expected", "an object"),
        (record(id=[]), "id: expected text", "a list"),
        (record(url=5), "url: expected text", "5"),
        ("[1, 2]", "expected a JSON object", "a list"),
        ('{"title": "T", "abs', "expected a JSON object", "Unterminated"),
        ("[" * 100_000, "expected a JSON object", "too large"),
        ('{"year": ' + "9" * 5000 + "}", "expected a JSON object", "too large"),
    ],
)
def test_a_bad_record_is_reported_and_stops_nothing(tmp_path, line, expected, found):
    source = write(tmp_path / "a.jsonl", record(id="1"), line, record(id="3"))
    papers, [failure] = load(source)
    assert [p.id for p in papers] == ["1", "3"]
    assert failure.where == f"{source}:2"
    assert expected in failure.reason
    assert found in failure.reason.split("found", 1)[1]
    assert "\n" not in failure.reason


def test_control_characters_go_and_everything_else_stays(tmp_path):
    text = "a\x00b\x1b[31mc\td\ne \u200f ﬁ 𝛼 \ud800."
    [paper], _ = load(write(tmp_path / "a.jsonl", record(abstract=text)))
    assert paper.abstract == "ab[31mc\td\ne \u200f ﬁ 𝛼 ."


# --- identity -----------------------------------------------------------------------------


def test_ids_without_one_come_from_the_title_and_are_stable(tmp_path):
    source = tmp_path / "a.jsonl"
    [first], _ = load(write(source, record("Fast MRI", "Old.")))
    [changed], _ = load(write(source, record("Fast  mri", "New.")))
    assert first.id == changed.id
    assert first.id.startswith("fast-mri-")


def test_same_title_and_other_abstract_are_two_papers(tmp_path):
    source = write(tmp_path / "a.jsonl", record("T", "One."), record("T", "Two."))
    papers, failures = load(source)
    assert len({p.id for p in papers}) == 2
    assert load(source)[0] == papers
    assert failures == []


def test_repetitions_are_left_out_and_clashes_reported(tmp_path):
    one = write(tmp_path / "a.jsonl", record(id="x"), record(id="x"), record("U"), record("U"))
    two = write(tmp_path / "b.jsonl", record(id="x", abstract="Other."))
    papers, [failure] = load(one, two)
    assert [p.title for p in papers] == ["T", "U"]
    assert failure.where == f"{two}:1"
    assert "'x'" in failure.reason


# --- files --------------------------------------------------------------------------------

UNUSABLE = {
    "empty.jsonl": (b"", "is empty"),
    "blank.jsonl": (b"\n \n", "is empty"),
    "mark.txt": (b"\xef\xbb\xbf", "is empty"),
    "binary.txt": (bytes(range(256)), "binary"),
    "array.json": (b"[]", "holds no records"),
    "array": (b'[{"title": oops}]', "Expecting value"),
    "named.txt": (b"%PDF-1.7 ...", "export its title and abstract"),
    "paper.pdf": (b"\n%PDF-1.4\n", "BibTeX or RIS"),
    "table.xyz": (b"a,b", "holds no papers; expected PubMed XML"),
    "table.csv": (b"Name;Size\nA;1\nB;2\n", "--map title=NAME,abstract=NAME"),
    "head.csv": (b"title,abstract\n", "only the names of columns"),
    "prose.txt": (b"A line.\nAnother line.\n", "no papers"),
    "page.html": (b"<!DOCTYPE html>\n<html><body>" + OWLS.encode(), "a web page; copy its text"),
    "a.xml": (b"<?xml version='1.0'?><rss><x/></rss>", "XML of another kind"),
    "a.rtf": (b"{\\rtf1 text}", "save it as plain text"),
    "a.tex": (b"\\documentclass{article}", "LaTeX"),
    "missing.jsonl": (None, "does not exist"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_unusable_file_is_an_error_alone_and_a_failure_beside_others(tmp_path, name):
    content, reason = UNUSABLE[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        load(path)
    assert str(path) in str(raised.value)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
    good = write(tmp_path / "good.jsonl", record(id="1"))
    papers, [failure] = load(path, good)
    assert [p.id for p in papers] == ["1"]
    assert failure.where == str(path)
    assert reason in failure.reason


def test_a_folder_stands_for_all_files_in_it(tmp_path):
    write(tmp_path / "b.jsonl", record("From Lines", "A."))
    write(tmp_path / "a.txt", PAGE)
    write(tmp_path / "notes.md", "not for us")
    write(tmp_path / ".hidden.jsonl", record("Hidden"))
    (tmp_path / "c" / "d").mkdir(parents=True)
    write(tmp_path / "c" / "d" / "deep.data", record("Deep"))
    (tmp_path / ".git").mkdir()
    write(tmp_path / ".git" / "x.jsonl", record("Hidden, too"))
    papers, [failure] = load(tmp_path)
    titles = [p.title for p in papers]
    assert [titles[0], *titles[2:]] == ["Wind and the Lateness of Tides", "From Lines", "Deep"]
    assert failure.where == str(tmp_path / "notes.md")
    assert load(tmp_path)[0] == papers


def test_links_to_folders_and_pipes_in_a_folder_are_reported(tmp_path):
    folder = tmp_path / "f"
    folder.mkdir()
    write(folder / "a.jsonl", record())
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe")  # opening it would wait for ever
    papers, failures = load(folder)
    assert len(papers) == 1
    assert {Path(f.where).name: f.reason.split(";")[0] for f in failures} == {
        "loop": "is a link to a folder",
        "pipe": "is no file that can be read",
    }


def test_a_folder_without_permission_is_an_error_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()

    def refuse(folder):  # root may read whatever the permissions say
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"locked: cannot be read \(Permission denied\); check"):
        load(tmp_path / "locked")


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no files"):
        load(tmp_path)
    with pytest.raises(InputError, match="no files"):
        load()


def test_an_error_after_the_first_record_stops_nothing(tmp_path):
    packed = gzip.compress(b"\n".join(json.dumps(record(id=str(n))).encode() for n in range(9999)))
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    papers, [failure] = load(tmp_path / "cut.gz")
    assert 100 < len(papers) < 9999
    assert failure.where == str(tmp_path / "cut.gz")
    assert "cannot be read beyond byte" in failure.reason


def test_a_file_of_nothing_but_failures_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(loaders, "MAX_FAILURES", 10)
    bad = [record(abstract="")] * 11
    _, failures = load(
        write(tmp_path / "a.jsonl", record(), *bad[:10], record("U"), *bad, record("V"))
    )
    assert len(failures) == 21
    assert "is given up after 10 records" in failures[-1].reason


def test_where_a_record_comes_from_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(Path("a.jsonl"), record(), record("U"))
    found = [(source, where) for source, where, _ in read("a.jsonl", lambda failure: None)]
    assert found == [(str(tmp_path / "a.jsonl"), f"a.jsonl:{line}") for line in (1, 2)]


# --- sniffing -----------------------------------------------------------------------------

PIECES = st.sampled_from(
    ["{", "}", "[", "]", '"', ",", ";", "\t", "|", "\n", "\r", "title", "abstract", "# ", "---\n",
     ": ", "sep=", "<?xml", "<", ">", "word " * 40, "x" * 300, "Abstract", "1", "\\u12", "\ud800",
     "\u2028", "\x1c", "\0", "Results", "A. B, C. D", "{}", '{"title": "T", "abstract": "A."}']
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES | st.text(max_size=20), max_size=30).map("".join))
def test_any_text_is_loaded_or_refused_with_a_line(text):
    failures: list[Failure] = []
    try:
        file = TextFile.of("x", text)
        papers = [paper for _, paper in find_format(file).load(file, failures.append)]
    except InputError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert papers or failures
        assert all(paper.title.strip() and paper.abstract.strip() for paper in papers)
    assert not any("\n" in failure.reason for failure in failures)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"[", b"\x1f\x8b"]))
def test_any_bytes_are_loaded_or_refused_with_a_line(content, start):
    with TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(start + content)
        try:
            load(path)
        except InputError as error:
            assert "\n" not in str(error)
