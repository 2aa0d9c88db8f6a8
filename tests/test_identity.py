from __future__ import annotations

import pytest

from rag.identity import Keys, is_made, made_ids, merged, normal_arxiv, normal_doi, normal_pmid
from rag.types import Paper


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1234/AbC.5", "10.1234/abc.5"),
        ("doi:10.1234/abc", "10.1234/abc"),
        ("DOI: 10.1234/abc.", "10.1234/abc"),
        ("https://doi.org/10.1234/Abc", "10.1234/abc"),
        ("http://dx.doi.org/10.1002%2F(SICI)1097", "10.1002/(sici)1097"),
        ("", ""),
        ("none", ""),
        ("110.1234", ""),
    ],
)
def test_normal_doi(text, expected):
    assert normal_doi(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001.00001", "2001.00001"),
        ("2001.00001v2", "2001.00001"),
        ("arXiv:2001.00001v12 [cs.CL]", "2001.00001"),
        ("https://arxiv.org/abs/2001.00001v2", "2001.00001"),
        ("http://arxiv.org/pdf/2001.00001v2.pdf", "2001.00001"),
        ("https://arxiv.org/abs/2001.00001?context=cs", "2001.00001"),
        ("hep-th/9901001v1", "hep-th/9901001"),
        ("math.GT/0309136", "math/0309136"),
        ("2001.1", ""),
        ("", ""),
    ],
)
def test_normal_arxiv(text, expected):
    assert normal_arxiv(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12345", "12345"),
        ("PMID: 012345", "12345"),
        ("https://pubmed.ncbi.nlm.nih.gov/12345/", "12345"),
        ("http://www.ncbi.nlm.nih.gov/pubmed/12345", "12345"),
        ("PMC12345", ""),
        ("0", ""),
        ("", ""),
    ],
)
def test_normal_pmid(text, expected):
    assert normal_pmid(text) == expected


def test_identifiers_are_found_in_addresses_and_in_arxivs_own_dois():
    def strong(**fields):
        return dict(Keys.of(Paper("x", "T", "A.", **fields)).strong())

    assert strong(url="https://doi.org/10.1/X") == {"doi": "10.1/x"}
    assert strong(url="https://arxiv.org/abs/2001.00001v1") == {"arxiv": "2001.00001"}
    assert strong(url="https://pubmed.ncbi.nlm.nih.gov/7/") == {"pmid": "7"}
    assert strong(doi="10.48550/arXiv.2001.00001") == {"arxiv": "2001.00001"}
    assert strong(url="https://example.org/10.1/x") == {}


def test_an_id_that_is_an_identifier_is_not_one_of_the_files_own():
    assert Keys.of(Paper("10.1/X", "T", "A.", doi="10.1/x")).given == ""
    assert Keys.of(Paper("2001.00001v2", "T", "A.", arxiv_id="2001.00001")).given == ""
    assert Keys.of(Paper("10.1/X", "T", "A.")) == Keys.of(Paper("", "T", "A.", doi="10.1/x"))
    assert Keys.of(Paper("10.1/X", "T", "A.", doi="10.1/y")).given == "10.1/X"


def test_case_and_white_space_make_no_other_text():
    one, two = (Keys.of(Paper("", t, a)) for t, a in [("A  B", "c d"), ("a b", "C\nd")])
    assert one == two
    other = Keys.of(Paper("", "a b", "c e"))
    assert (other.title, other.text == one.text) == (one.title, False)


def test_made_ids_are_recognised_and_supplied_ones_are_not():
    ids = made_ids(Paper("", "Fast MRI: a study", "A."))
    made = [next(ids) for _ in range(4)]
    assert made[0].startswith("fast-mri-a-study-")
    assert len(set(made)) == 4
    assert all(is_made(Paper(name, "Fast MRI: a study", "A.")) for name in made)
    assert not is_made(Paper("fast-mri", "Fast MRI: a study", "A."))
    assert not is_made(Paper(made[0], "Another title", "A."))


def test_the_longer_abstract_wins_and_gaps_are_filled():
    short = Paper("a", "t", "Short.", ("A",), 2019, url="https://e.org", keywords=("x", "Y"))
    long = Paper("b", "T", "Much longer.", year=2020, doi="10.1/x", keywords=("y",), note="n")
    paper = merged("id", [short, long], ["/one/a.bib", "/two/b.ris", ""])
    assert paper == Paper(
        "id", "T", "Much longer.", ("A",), 2020, url="https://e.org", doi="10.1/x",
        keywords=("y", "x"), note="n", sources=("a.bib", "b.ris"),
    )  # fmt: skip
    assert merged("id", [paper, short, long], []) == merged("id", [paper], [])
