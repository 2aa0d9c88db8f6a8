"""The library tab without a browser: what it shows, and what becomes of uploaded files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import InputError
from rag.filters import Filter
from rag.library import Library
from rag.settings import Settings
from rag.types import Failure, IngestReport, Paper
from rag.web import library_html as html
from rag.web import library_view as view
from rag.web.jobs import Job
from tests.fakes import HashEmbedder
from tests.tab_reader import TabReader
from tests.test_web_html import HOSTILE

RIS = "TY  - JOUR\nTI  - {}\nAB  - {}\nPY  - 2020\nER  - \n"


def uploaded(folder: Path, name: str, text: str) -> str:
    """A file as Gradio leaves it: in a folder that is named after its content."""
    path = folder / f"{hash(text):x}" / name
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def take_in(library: Library, *files: str) -> IngestReport:
    return view.take_in(library, files, Job[IngestReport](lambda _job: None, "papers"))  # type: ignore[arg-type,return-value]


# --- looking ----------------------------------------------------------------------------


def test_papers_are_listed_by_pages_the_newest_first(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(library, uploaded(tmp_path, "new.ris", RIS.format("Newest", "It came last.")))
    monkeypatch.setattr(view, "PAGE", 4)
    first = view.listing(library, view.Query())
    second = view.listing(library, view.Query(page=1))
    assert (first.start, first.total, len(first.rows)) == (0, 7, 4)
    assert (second.start, second.total, len(second.rows)) == (4, 7, 3)
    assert first.rows[0].paper.title == "Newest"
    ids = [row.paper.id for row in (*first.rows, *second.rows)]
    assert len(set(ids)) == 7
    assert view.listing(library, view.Query(page=9)).start == 0  # others removed papers


def test_a_search_marks_what_it_found_and_a_filter_limits_both(library: Library) -> None:
    found = view.listing(library, view.query_of("kelp cover on cleared reefs", "", "", "", ""))
    assert found.rows[0].paper.id == "kelp"
    assert found.total == 6
    assert found.rows[0].spans == ()  # its abstract is one passage
    row = replace(found.rows[0], spans=((0, 6),))
    page = html.papers_html(replace(found, rows=(row,)), choosable=True)
    assert '<mark data-q="1">Divers</mark>' in page
    meadows = view.query_of("", "2019", "2019", "meadow", "")
    assert [row.paper.id for row in view.listing(library, meadows).rows] == ["bees"]
    meadows = view.query_of("kelp", "2019", "2019", "meadow", "")
    assert [row.paper.id for row in view.listing(library, meadows).rows] == ["bees"]


def test_a_filter_that_nothing_passes_says_why(library: Library) -> None:
    nothing = view.listing(library, view.query_of("", "", "", "no such journal", ""))
    assert "no paper has the venue" in html.papers_html(nothing, choosable=True).lower()
    apart = view.listing(library, view.query_of("", "2021", "", "meadow", ""))
    assert "no paper passes all" in html.papers_html(apart, choosable=True)


@pytest.mark.parametrize("year", ["20", "２０２０", "soon", "-200"])
def test_a_year_that_is_none_is_refused(year: str) -> None:
    with pytest.raises(InputError, match="not a year"):
        view.query_of("", year, "", "", "")


def test_empty_boxes_limit_nothing_and_several_names_are_parted() -> None:
    assert view.query_of("", "", "", " ; ", "*") == view.Query()
    assert view.query_of("", "", "", "cell; nature", "").where == Filter(
        venues=("*cell*", "*nature*")
    )


def test_a_library_that_is_not_there_yet_is_empty_and_stays_so(tmp_path: Path) -> None:
    with Library(Settings(store=tmp_path / "none", _env_file=None), HashEmbedder()) as library:
        assert view.status(library) is None
        assert view.listing(library, view.Query("kelp")).rows == ()
    assert not (tmp_path / "none").exists()


def test_status_and_account_are_in_words(library: Library) -> None:
    status = TabReader(html.status_html("Reefs", view.status(library)))
    assert "6 papers" in status.text
    assert "embedded by hash" in status.text
    assert str(library.path) not in html.status_html("Reefs", view.status(library))
    listing = view.listing(library, view.Query())
    assert TabReader(html.account_html(listing)).text.startswith("1–6 of 6 papers")


# --- adding -----------------------------------------------------------------------------


def test_uploaded_files_are_known_by_their_names_and_deleted(
    library: Library, tmp_path: Path
) -> None:
    good = uploaded(tmp_path, "refs.ris", RIS.format("Whales", "Whales sing lower than before."))
    bad = uploaded(tmp_path, "bad.pdf", "%PDF-1.4")
    half = uploaded(tmp_path, "half.ris", RIS.replace("AB  - {}\n", "").format("No text"))
    report = take_in(library, good, bad, half)
    assert (report.added, len(report.failed)) == (1, 2)
    assert {failure.where.partition(":")[0] for failure in report.failed} == {"bad.pdf", "half.ris"}
    assert str(tmp_path) not in json.dumps([(f.where, f.reason) for f in report.failed])
    whales = view.listing(library, view.Query()).rows[0].paper
    assert whales.sources == ("refs.ris",)
    assert not any(Path(path).parent.exists() for path in (good, bad, half))


def test_the_only_file_failing_tells_its_name_and_no_path(library: Library, tmp_path: Path) -> None:
    bad = uploaded(tmp_path, "bad.pdf", "%PDF-1.4")
    with pytest.raises(InputError) as raised:
        take_in(library, bad)
    assert str(raised.value).startswith("bad.pdf: is a PDF")
    assert not Path(bad).exists()


def test_a_file_of_the_same_name_is_a_new_version(library: Library, tmp_path: Path) -> None:
    take_in(library, uploaded(tmp_path, "a.ris", RIS.format("Whales", "They sing low.")))
    again = take_in(library, uploaded(tmp_path, "a.ris", RIS.format("Whales", "They sing lower.")))
    assert (again.added, again.updated) == (0, 1)
    other = take_in(library, uploaded(tmp_path, "b.ris", RIS.format("Whales", "Quite another.")))
    assert (other.added, other.updated) == (1, 0)


def test_an_ingest_that_is_stopped_keeps_what_it_has_and_deletes_the_files(
    library: Library, tmp_path: Path
) -> None:
    records = "".join(RIS.format(f"Paper {n}", f"Its text is number {n}.") for n in range(100))
    many = uploaded(tmp_path, "many.ris", records)
    job = Job[IngestReport](lambda job: view.take_in(library, [many], job), "papers")
    job.stop()
    job._run()
    assert job.stopped
    assert not Path(many).exists()
    held = library.status().papers - 6
    assert 0 < held < 100
    again = take_in(library, uploaded(tmp_path, "many.ris", records))
    assert (again.added, again.unchanged) == (100 - held, held)


def test_outcomes_are_told_in_full_up_to_a_point() -> None:
    failed = tuple(Failure(f"up.ris:{n}", "no title") for n in range(250))
    reader = TabReader(html.ingested_html(IngestReport(1, 0, 2, failed, 0.01), "Reefs"))
    assert "Reefs: 1 added, 2 already there, 250 could not be taken in (0.1 s)." in reader.text
    assert "up.ris:199" in reader.text
    assert "up.ris:200 " not in reader.text
    assert "and 50 more" in reader.text


# --- safety -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    paper = Paper(text, text, text, (text,) * 6, 2020, text, text, text, text, (text,), text, text,
                  (text,))  # fmt: skip
    listing = html.Listing((html.Row(paper, ((0, 3),)),), 0, 1, text, text, (text,))
    report = IngestReport(0, 0, 0, (Failure(text, text),), 1.0)
    page = html.papers_html(listing, choosable=True) + html.account_html(listing)
    page += html.papers_html(html.Listing((), 0, 0, "", text, (text,)), choosable=False)
    page += html.ingested_html(report, text) + html.confirm_html([paper], text)
    page += html.status_html(text, None) + html.receiving_html(text, other=True)
    page += html.stopped_html(3, text)
    reader = TabReader(page)
    assert text in reader.text
    assert reader.of("value") == [text]
