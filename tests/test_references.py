from __future__ import annotations

import json
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.loaders.formats import find_format
from rag.loaders.textfile import TextFile
from rag.references import export, tex, to_bibtex, to_plain, to_ris
from rag.types import Paper

FULL = Paper(
    "a b{1}", "Costs of 5% & more", "Line one.\nUp to $9_000 -- or ~50.",
    ("Ann B. Ray", "Li and Co, Ltd"), 2020, "J. of Tests", "https://e.org/x_1",
    "10.1/x_y", "arXiv:2001.00001", ("k1", "k2"), "Mind.", "77", ("secret/a.bib",),
)  # fmt: skip
BARE = Paper("x", "T", "A.")
COMMA = Paper("y", "Tides", "They come.", ("Brine, A.", "Holdfast"), note="Mind the tide.")


def test_json_lines_hold_every_field_but_the_sources():
    [line, bare] = export([FULL, BARE], "jsonl")
    record = json.loads(line)
    assert "sources" not in record
    authors, keywords = tuple(record.pop("authors")), tuple(record.pop("keywords"))
    assert Paper(**record, authors=authors, keywords=keywords, sources=FULL.sources) == FULL
    assert json.loads(bare) == {"id": "x", "title": "T", "abstract": "A."}


def test_bibtex_is_read_back_by_a_parser():
    import bibtexparser

    [entry, bare] = bibtexparser.parse_string("".join(export([FULL, BARE], "bibtex"))).entries
    fields = {field.key: field.value for field in entry.fields}
    assert (entry.entry_type, entry.key) == ("article", "a-b-1")
    assert fields["title"] == r"{Costs of 5\% \& more}"
    assert fields["author"] == "Ann B. Ray and {Li and Co, Ltd}"
    assert fields["abstract"] == "Line one.\nUp to \\$9\\_000 {-}{-} or \\textasciitilde{}50."
    assert (fields["eprint"], fields["pmid"], fields["doi"]) == ("2001.00001", "77", r"10.1/x\_y")
    assert fields["footnote-id"] == r"a b\{1\}"
    assert bare.entry_type == "misc"


def test_ris_is_read_back_by_a_parser():
    import rispy

    [record, bare] = rispy.loads("".join(export([FULL, BARE], "ris")))
    assert record["title"] == FULL.title
    assert record["abstract"] == "Line one. Up to $9_000 -- or ~50."
    assert record["authors"] == list(FULL.authors)
    assert (record["year"], record["doi"], record["id"]) == ("2020", "10.1/x_y", "footnote:a b{1}")
    assert (record["notes"], record["label"]) == (["PMID: 77", "Mind."], "arXiv:2001.00001")
    assert record["keywords"] == ["k1", "k2"]
    assert bare["type_of_reference"] == "GEN"


@pytest.mark.parametrize("form", ["jsonl", "bibtex", "ris"])
def test_an_export_is_read_by_our_own_loaders_as_it_was(form):
    text = "".join(export([FULL, BARE, COMMA], form))
    file = TextFile.of("x", text)
    papers = [paper for _, paper in find_format(file).load(file, pytest.fail)]
    full = replace(FULL, sources=(), arxiv_id="2001.00001")
    if form != "jsonl":  # neither keeps line breaks
        full = replace(full, abstract=FULL.abstract.replace("\n", " "))
    assert papers == [full, BARE, COMMA]


@given(st.text(string.printable + "é–“$%{}\\~^`'-", max_size=40))
def test_tex_prints_every_character_as_it_stands(text):
    from pylatexenc.latex2text import LatexNodes2Text

    shown = LatexNodes2Text(keep_comments=True).latex_to_text(tex(text))
    shown = shown.replace("ˆ", "^")  # this reader's idea of \\textasciicircum
    assert "".join(shown.split()) == "".join(text.split())


def test_braces_of_an_entry_balance():
    for paper in (FULL, Paper("}", "{", "}{\\", ("}",), venue="{")):
        entry = to_bibtex(paper).replace("\\{", "").replace("\\}", "")
        assert entry.count("{") == entry.count("}")


def test_a_ris_value_stays_on_its_line():
    assert "\nER  - x" not in to_ris(Paper("x", "T\nER  - x", "A.\r\nTY  - JOUR"))


def test_plain_references():
    assert to_plain(FULL) == (
        "Ann B. Ray, Li and Co, Ltd (2020). Costs of 5% & more. J. of Tests. https://doi.org/10.1/x_y"
    )
    assert to_plain(BARE) == "T."
    crowd = Paper("x", "T", "A.", tuple("ABCDEFGH"), url="https://e.org")
    assert to_plain(crowd) == "A, B, C, D, E, F, et al. T. https://e.org"
