from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from rag import sample
from rag.errors import InputError
from rag.loaders import load_papers
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


def test_a_line_in_another_encoding_is_reported_alone(tmp_path):
    source = tmp_path / "a.jsonl"
    good = json.dumps(record(id="1")).encode()
    bad = '{"title": "Über Öfen", "abstract": "Größe und Gewölbe."}'.encode("latin-1")
    source.write_bytes(good + b"\n" + bad + b"\n")
    papers, [failure] = load(source)
    assert [p.id for p in papers] == ["1"]
    assert failure.where == f"{source}:2"
    assert failure.reason == "not UTF-8 (byte 11 of the line); save the file as UTF-8 text"


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
    "empty.jsonl": (b"", "empty"),
    "blank.jsonl": (b"\n \n", "empty"),
    "empty.txt": (b"", "empty"),
    "binary.txt": (bytes(range(256)), "binary"),
    "wide.jsonl": ("{}".encode("utf-16"), "UTF-16"),
    "pretty.jsonl": (b'{\n "title": "T"\n}', "one JSON object per line"),
    "array.jsonl": (b'[{"title": "T"}]', "one JSON object per line"),
    "named.txt": (b"%PDF-1.7 ...", "export its text"),
    "paper.pdf": (b"%PDF-1.7 ...", "export the text"),
    "table.xyz": (b"a,b", ".jsonl or .txt"),
    "prose.txt": (b"A line.\nAnother line.\n", "no papers"),
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


def test_a_folder_stands_for_its_files(tmp_path):
    write(tmp_path / "b.jsonl", record("From Lines", "A."))
    write(tmp_path / "a.txt", PAGE)
    write(tmp_path / "notes.md", "not for us")
    papers, failures = load(tmp_path)
    assert [p.title for p in papers][::2] == ["Wind and the Lateness of Tides", "From Lines"]
    assert failures == []


def test_a_folder_without_permission_is_an_error_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()

    def refuse(folder):  # root may read whatever the permissions say
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"locked: cannot be read \(Permission denied\); check"):
        load(tmp_path / "locked")


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"holds no \.jsonl or \.txt files"):
        load(tmp_path)
    with pytest.raises(InputError, match="no files"):
        load()
