from __future__ import annotations

import pytest

from rag.errors import InputError
from rag.loaders.ris import FORMAT
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

ABSTRACT = "Divers removed urchins from 14 reefs. Kelp cover rose from 8% to 61%."

ZOTERO = f"""TY  - JOUR
TI  - Kelp Forests Recover
AU  - Brine, Ann
AU  - Holdfast, Carl, Jr.
AU  - Kelp Watch International
T2  - Journal of Reef Studies
AB  - {ABSTRACT}
DA  - 2021/03/14/
PY  - 2021
DO  - 10.1234/Kelp.2021
DP  - DOI.org (Crossref)
VL  - 12
UR  - https://example.org/kelp
Y2  - 2022/01/01/10:00:00
KW  - kelp
KW  - urchins
ER  -\x20
"""
ENDNOTE = """TY  - JOUR
AU  - Lamp, S.
AU  - World Meadow Organization,
PY  - 2019
DA  - May
TI  - Night Lighting
JO  - J Meadow
JF  - Journal of Meadows
N2  - Street lamps were placed beside 32 meadows.
Lit meadows received 29% fewer visits.
KW  - light
pollination
AN  - 31452104
DB  - PubMed
UR  - http://example.org/a;http://example.org/b
ID  - 77
ER  -\x20

"""
WEB_OF_SCIENCE = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Dust, A
   Melt, B
AF Dust, Anna
   Melt, Bertil
TI Dust Darkens Alpine
   Glaciers
SO GLACIER LETTERS
DE albedo; melt
ID SNOW; DUST
AB Saharan dust lowered the albedo of six glaciers by 0.07.
   Melt increased by 1.3 metres.
DI 10.5555/GL.7
PD JUL
PY 2018
PM 29999999
UT WOS:000000000000001
ER

PT J
AU Rye, C
TI No Abstract Here
ER

EF
"""


def load(text: str) -> tuple[list[tuple[str, Paper]], list[Failure]]:
    failures: list[Failure] = []
    return list(FORMAT.load(TextFile.of("a.ris", text), failures.append)), failures


def only(text: str) -> Paper:
    [(_, paper)], failures = load(text)
    assert failures == []
    return paper


def test_a_zotero_record_comes_whole():
    assert only(ZOTERO) == Paper(
        id="10.1234/kelp.2021",
        title="Kelp Forests Recover",
        abstract=ABSTRACT,
        authors=("Ann Brine", "Carl Holdfast Jr.", "Kelp Watch International"),
        year=2021,
        venue="Journal of Reef Studies",
        url="https://example.org/kelp",
        doi="10.1234/Kelp.2021",
        keywords=("kelp", "urchins"),
    )


def test_an_endnote_record_comes_whole():
    assert only(ENDNOTE) == Paper(
        id="31452104",
        title="Night Lighting",
        abstract="Street lamps were placed beside 32 meadows. Lit meadows received 29% fewer "
        "visits.",
        authors=("S. Lamp", "World Meadow Organization"),
        year=2019,
        venue="Journal of Meadows",
        url="http://example.org/a",
        pmid="31452104",
        keywords=("light", "pollination"),
    )


def test_web_of_science_text_comes_whole_and_a_missing_abstract_is_told():
    [(where, paper)], [failure] = load(WEB_OF_SCIENCE)
    assert where == "a.ris:3"
    assert paper == Paper(
        id="10.5555/gl.7",
        title="Dust Darkens Alpine Glaciers",
        abstract="Saharan dust lowered the albedo of six glaciers by 0.07. Melt increased by "
        "1.3 metres.",
        authors=("Anna Dust", "Bertil Melt"),
        year=2018,
        venue="GLACIER LETTERS",
        doi="10.5555/GL.7",
        pmid="29999999",
        keywords=("albedo", "melt", "SNOW", "DUST"),
    )
    assert failure.where == f"a.ris:{WEB_OF_SCIENCE.splitlines().index('AU Rye, C')}"
    assert failure.reason == "abstract: expected text, found nothing"


@pytest.mark.parametrize(
    ("lines", "identifier"),
    [
        ("UR  - https://doi.org/10.1234/from-a-link.", "10.1234/from-a-link"),
        ("UR  - http://arxiv.org/abs/2001.00001v2", "2001.00001"),
        ("PB  - arXiv:hep-th/9901001", "hep-th/9901001"),
        ("N1  - PMID: 31452104", "31452104"),
        ("UR  - https://pubmed.ncbi.nlm.nih.gov/31452104/", "31452104"),
        ("AN  - 31452104\nDB  - Some Catalogue", ""),
    ],
)
def test_ids_are_found_where_exporters_put_them(lines, identifier):
    assert only(f"TY  - JOUR\nTI  - T\nAB  - A.\n{lines}\nER  - \n").id == identifier


def test_broken_records_stop_no_others():
    cut = ZOTERO.split("ER  -")[0]
    no_abstract = "TY  - BOOK\nTI  - A Book\nER  - \n"
    stray = "\nstray text\nER  - \n"
    text = cut + no_abstract + stray + ENDNOTE.split("ER  -")[0]
    papers, failures = load(text)
    assert [paper.title for _, paper in papers] == ["Kelp Forests Recover", "Night Lighting"]
    assert [failure.where for failure in failures] == [f"a.ris:{cut.count(chr(10)) + 1}"]


def test_windows_line_ends_and_tags_in_the_text():
    paper = only(ZOTERO.replace(ABSTRACT, "<p>Rye &amp; <i>wheat</i>.</p>").replace("\n", "\r\n"))
    assert paper.abstract == "Rye & wheat."


def test_a_file_without_records_is_refused():
    with pytest.raises(InputError, match="holds no RIS records"):
        load("ER  - \nTI  - T\n")


def test_it_is_told_by_its_content():
    assert all(map(FORMAT.matches, (ZOTERO, "\n\n" + ENDNOTE, WEB_OF_SCIENCE)))
    assert not FORMAT.matches("PMID- 1\nTI  - T\n")
    assert not FORMAT.matches("PT or not, this is a page")
    assert not FORMAT.matches("\n" * 200_000)  # in one pass
