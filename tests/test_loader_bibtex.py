from __future__ import annotations

from dataclasses import replace

import pytest

from rag.errors import InputError
from rag.loaders.bibtex import FORMAT
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

ABSTRACT = "Divers removed urchins from 14 reefs. Kelp cover rose from 8% to 61%."


def load(text: str) -> tuple[list[Paper], list[Failure]]:
    failures: list[Failure] = []
    records = FORMAT.load(TextFile.of("a.bib", text), failures.append)
    return [paper for _, paper in records], failures


def one(fields: str, kind: str = "article") -> Paper:
    given = "" if "abstract" in fields else f"abstract = {{{ABSTRACT}}},"
    [paper], failures = load(f"@{kind}{{key, title = {{T}},{given}{fields}}}")
    assert failures == []
    return paper


ZOTERO = r"""
@article{brine_kelp_2021,
	title = {Kelp {Forests} {Recover} after {Sea} {Urchin} {Removal}},
	volume = {12},
	url = {https://example.org/kelp_1?a=1\&b=2},
	doi = {10.1234/Kelp\_2021},
	abstract = {Divers removed urchins from 14 reefs. Kelp cover rose from 8\% to 61\%.},
	language = {en},
	journal = {Journal of {Reef} \& {Kelp} Studies},
	author = {Brine, Ann and von Holdfast, Jr., Carl and {Kelp Watch International}},
	month = mar,
	year = {2021},
	keywords = {kelp, urchins, removal},
	file = {Full Text:/home/someone/kelp.pdf:application/pdf},
}
"""


def test_a_zotero_entry_comes_whole():
    [paper], failures = load(ZOTERO)
    assert failures == []
    assert paper == Paper(
        id="10.1234/kelp_2021",
        title="Kelp Forests Recover after Sea Urchin Removal",
        abstract=ABSTRACT,
        authors=("Ann Brine", "Carl von Holdfast Jr.", "Kelp Watch International"),
        year=2021,
        venue="Journal of Reef & Kelp Studies",
        url="https://example.org/kelp_1?a=1&b=2",
        doi="10.1234/Kelp_2021",
        keywords=("kelp", "urchins", "removal"),
    )


def test_biblatex_with_strings_and_joined_values():
    text = """
    @string{jrk = "Journal of Reefs"}
    @inproceedings{key, TITLE = "Night " # "Lamps", Abstract = "Lit meadows lost visits.",
      date = "2019-05-02", journaltitle = jrk # {, B},
      eprint = "1905.01234v3", eprinttype = "arXiv"}
    """
    [paper], failures = load(text)
    assert failures == []
    assert (paper.title, paper.venue, paper.year) == ("Night Lamps", "Journal of Reefs, B", 2019)
    assert (paper.id, paper.arxiv_id) == ("1905.01234", "1905.01234")


@pytest.mark.parametrize(
    ("fields", "identifier"),
    [
        ("doi = {https://doi.org/10.1/AB}, pmid = {7}", "10.1/ab"),
        ("arxivId = {2001.00001}, pmid = {7}", "2001.00001"),
        ("eprint = {2001.00001v2}, archivePrefix = {arXiv}", "2001.00001"),
        ("eprint = {31452104}, eprinttype = {pubmed}", "31452104"),
        ("eprint = {10.1/not-arxiv}", ""),
    ],
)
def test_the_id_is_the_first_identifier_that_is_known(fields, identifier):
    assert one(fields).id == identifier


def test_a_link_is_found_where_there_is_no_url():
    assert one(r"howpublished = {\url{https://example.org/a_b}}").url == "https://example.org/a_b"
    assert one(r"howpublished = {In print}").url == ""


def test_the_remaining_authors_have_no_name():
    assert one("author = {Brine, A. and others}").authors == ("A. Brine",)
    assert one(r"author = {G{\"o}del, Kurt and {\'E}. {\v S}koda}").authors == (
        "Kurt Gödel", "É. Škoda",
    )  # fmt: skip


def test_broken_entries_are_reported_and_the_rest_is_read():
    first, _, last = (ZOTERO.replace("brine_kelp_2021", f"k{n}").replace("1234", str(n))
                      for n in range(3))  # fmt: skip
    broken = "@article{broken,\n  title = {No end,\n  year = 2020\n"
    text = f"{first}{broken}{last}\n@misc{{bare, title = {{A title alone}}}}\n"
    papers, failures = load(text)
    assert [paper.doi for paper in papers] == ["10.0/Kelp_2021", "10.2/Kelp_2021"]
    lines = text.split("\n")
    assert [failure.where for failure in failures] == [
        f"a.bib:{lines.index('@article{broken,') + 1}",
        f"a.bib:{lines.index('@misc{bare, title = {A title alone}}') + 1}",
    ]
    assert "expected a BibTeX entry" in failures[0].reason
    assert "abstract: expected text, found nothing" in failures[1].reason


def test_a_repeated_key_and_a_repeated_field_lose_no_paper():
    entry = "@article{{same, title = {{{}}}, title = {{Never}}, abstract = {{A.}}}}\n"
    papers, failures = load(entry.format("One") + entry.format("Two"))
    assert [paper.title for paper in papers] == ["One", "Two"]
    assert failures == []


def test_a_file_without_entries_is_refused():
    with pytest.raises(InputError, match="holds no BibTeX entries"):
        load("@comment{nothing here}")


def test_markup_of_the_web_is_cleaned():
    paper = one(
        r"abstract = {<p>Rye &amp; wheat, <i>p</i> &lt; 0.05 in H{\textsubscript{2}}O.</p>}"
    )
    assert paper.abstract == "Rye & wheat, p < 0.05 in H2O."


def test_it_is_told_by_its_content():
    assert FORMAT.matches(ZOTERO)
    assert FORMAT.matches("% a comment\n@string{a = {b}}")
    assert not FORMAT.matches("@article on kelp { said someone, once }")
    assert not FORMAT.matches('{"title": "@article{x, y}"}')
    assert not FORMAT.matches("TY  - JOUR\n")


def test_the_same_paper_twice_is_the_same():
    [first], _ = load(ZOTERO)
    [again], _ = load(ZOTERO.replace("\t", "    ").replace("\n", "\r\n"))
    assert again == replace(first)
