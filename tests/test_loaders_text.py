"""Tables, pages and Markdown."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rag.errors import InputError
from rag.loaders.formats import find_format
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

WRAPPED = "Tide gauges were read every hour, for a year,\nat nine harbours of the coast.\n" * 4
JOINED = " ".join(WRAPPED.split())


def load(text: str, names: Mapping[str, str] | None = None) -> tuple[list[Paper], list[Failure]]:
    file = TextFile.of("x", text, names)
    failures: list[Failure] = []
    return [paper for _, paper in find_format(file).load(file, failures.append)], failures


# --- tables -------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_a_table_is_read_with_its_separator(separator):
    quoted = '"They come, late;\n| ""always""\t."'
    rows = [
        ["Authors", "Title", "Publication Year", "Abstract Note", "DOI", "Key"],
        ['"One, A.; Two, B."', "Tides", "2021", quoted, "10.1/x", "K1"],
        ["", "Owls", "", "They eat.", "", ""],
    ]  # fmt: skip
    abstract = 'They come, late;\n| "always"\t.'
    papers, failures = load("\r\n".join(map(separator.join, rows)))
    assert papers == [
        Paper("K1", "Tides", abstract, ("One, A.", "Two, B."), 2021, doi="10.1/x"),
        Paper("", "Owls", "They eat."),
    ]  # fmt: skip
    assert failures == []


def test_quotes_in_a_table_without_quoting_stay():
    table = 'TI\tAB\n"Big" fish\tThey say "hm".\nOwls\t"Not" so.\n'
    papers, _ = load(table)
    assert [(p.title, p.abstract) for p in papers] == [
        ('"Big" fish', 'They say "hm".'),
        ("Owls", '"Not" so.'),
    ]


def test_rows_without_an_abstract_or_with_too_many_cells_are_reported_in_their_lines():
    table = 'title,abstract\nA,"two\nlines"\n\nB,\nC,c,d\nD,d\n'
    papers, failures = load(table)
    assert [paper.title for paper in papers] == ["A", "D"]
    assert [failure.where for failure in failures] == ["x:5", "x:6"]
    assert failures[0].reason == "abstract: expected text, found nothing"
    assert "expected 2 cells, found 3" in failures[1].reason


def test_a_quote_left_open_swallows_nothing():
    rows = "".join(f"T{n},{'a' * 1000}\n" for n in range(200))
    papers, failures = load(f'title,abstract\nT,"open\n{rows}')
    assert len(papers) == 201
    assert failures == []


def test_a_cell_without_end_is_reported():
    lines = "word\n" * 40_000
    _, failures = load(f'title,abstract\nA,"b\nb"\nT,"{lines}')
    assert failures[0].where == "x:4"
    assert "is a quote left open?" in failures[0].reason


def test_columns_are_named_by_the_user():
    table = "Name,Body,Size\nTides,They come.,1\nOwls,They eat.,2\n"
    papers, _ = load(table, {"title": "Name", "abstract": "Body"})
    assert [(p.title, p.abstract) for p in papers] == [
        ("Tides", "They come."),
        ("Owls", "They eat."),
    ]
    with pytest.raises(
        InputError, match="column for title and abstract, found Name, Body, Size; say"
    ):
        load(table)
    with pytest.raises(
        InputError, match="expected the column 'Text' for abstract, found Name, Body"
    ):
        load(table, {"title": "Name", "abstract": "Text"})


def test_the_hint_for_excel_is_no_row():
    assert [p.title for p in load("sep=;\nTI;AB\nTides;They come.\n")[0]] == ["Tides"]


# --- pages and single papers --------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    ["Wind and Tides\n\n", "Wind and Tides\nAda One, Bo Two\n\n", "Wind and Tides\n\nAbstract\n",
     "Wind and Tides\n\nAbstract: ", "Title: Wind and Tides\nAbstract: "],
)  # fmt: skip
def test_a_single_paper_as_text(head):
    [paper], failures = load(head + WRAPPED)
    assert (paper.title, paper.abstract) == ("Wind and Tides", JOINED)
    assert paper.authors == (("Ada One", "Bo Two") if "Ada" in head else ())
    assert failures == []


def test_paragraphs_below_one_title_are_one_paper():
    [paper], _ = load(f"Wind and Tides\n\n{WRAPPED}\n{WRAPPED}")
    assert paper.abstract == f"{JOINED} {JOINED}"


def test_a_terse_paper_is_one_where_it_reads_like_prose():
    [paper], _ = load("Tides\n\nThe tides of nine harbours came late in a year.\n")
    assert paper.title == "Tides"
    with pytest.raises(InputError, match="holds no papers"):
        load("Tides\n\nThe list of harbours\n")


def test_a_page_of_wrapped_paragraphs_is_several_papers():
    papers, failures = load(f"Wind\n\n{WRAPPED}\nOwls\nAda One, Bo Two\n\n{WRAPPED}")
    assert [(p.title, p.abstract, p.authors) for p in papers] == [
        ("Wind", JOINED, ()),
        ("Owls", JOINED, ("Ada One", "Bo Two")),
    ]
    assert failures == []


def test_sections_belong_to_their_abstract():
    papers, _ = load(f"Wind\n\nMethods\n\n{JOINED}\n\nRESULTS:\nLate.\n\nOwls\n\n{JOINED}\n")
    assert [p.title for p in papers] == ["Wind", "Owls"]
    assert papers[0].abstract == f"Methods: {JOINED} RESULTS: Late."


def test_labels_say_what_a_text_is():
    papers, failures = load(
        "Title: Wind\nAuthors: Ada One\nYear: 2021\nAbstract: Late.\n\nTitle: Owls"
        "\nYear: 2020\n\nTitle: Gulls\nAbstract: Loud.\n"
    )  # fmt: skip
    assert [(p.title, p.abstract, p.authors, p.year) for p in papers] == [
        ("Wind", "Late.", ("Ada One",), 2021),
        ("Gulls", "Loud.", (), None),
    ]
    assert [failure.where for failure in failures] == ["x:6"]


# --- Markdown -----------------------------------------------------------------------------


def test_a_markdown_file_is_one_paper_with_its_abstract_section():
    text = (
        "---\ntitle: 'Wind'\nauthors: Ada One, Bo Two\nyear: 2021\n---\n# Wind\n"
        "## Abstract\nThey come\nlate.\n\n## Notes\nMine.\n"
    )
    [paper], _ = load(text)
    assert paper == Paper("", "Wind", "They come late.", ("Ada One", "Bo Two"), 2021)


def test_headings_of_the_first_level_are_papers():
    papers, [failure] = load(
        "# Wind\n**Year:** 2021\n\nLate.\n\n# Owls\n\n# Gulls\nLoud.\n## More\nVery.\n"
    )
    assert [(p.title, p.abstract, p.year) for p in papers] == [
        ("Wind", "Late.", 2021),
        ("Gulls", "Loud. Very.", None),
    ]
    assert failure == Failure("x:6", "abstract: expected text, found nothing")


def test_a_whole_paper_in_markdown_is_refused():
    _, [failure] = load("# Wind\n" + WRAPPED * 100)
    assert "## Abstract" in failure.reason
