from __future__ import annotations

import tracemalloc

import pytest

from rag.errors import InputError
from rag.loaders import xmltree
from rag.loaders.pubmed_xml import FORMAT
from rag.loaders.textfile import TextFile
from rag.types import Failure, Paper

HEAD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN"
 "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">
"""
KELP = """<PubmedArticle>
<MedlineCitation Status="MEDLINE"><PMID Version="1">31452104</PMID>
<Article PubModel="Print">
 <Journal><JournalIssue><PubDate><Year>2021</Year><Month>Mar</Month></PubDate></JournalIssue>
  <Title>Journal of reef studies</Title><ISOAbbreviation>J Reef Stud</ISOAbbreviation></Journal>
 <ArticleTitle>Kelp <i>(Laminaria)</i> in CO<sub>2</sub>:
  10<sup>5</sup> plants &amp; more</ArticleTitle>
 <ELocationID EIdType="doi" ValidYN="Y">10.1234/Kelp.2021</ELocationID>
 <Abstract>
  <AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">Urchins graze
   kelp (<i>p</i> &lt; 0.05).</AbstractText>
  <AbstractText Label="METHODS:">Divers worked at 14 reefs.</AbstractText>
  <AbstractText Label="UNLABELLED">Cover rose to 61%.</AbstractText>
  <AbstractText/>
  <CopyrightInformation>(c) 2021</CopyrightInformation>
 </Abstract>
 <AuthorList CompleteYN="Y">
  <Author><LastName>Brine</LastName><ForeName>Ann B</ForeName><Initials>AB</Initials></Author>
  <Author><LastName>Holdfast</LastName><Initials>C</Initials><Suffix>Jr</Suffix></Author>
  <Author><CollectiveName>Kelp Watch</CollectiveName></Author>
 </AuthorList>
</Article>
<MeshHeadingList><MeshHeading><DescriptorName UI="D1">Kelp</DescriptorName>
 <QualifierName>growth</QualifierName></MeshHeading></MeshHeadingList>
<KeywordList Owner="NOTNLM"><Keyword>restoration</Keyword><Keyword>Kelp</Keyword></KeywordList>
</MedlineCitation>
<PubmedData><ReferenceList><Reference><ArticleIdList>
 <ArticleId IdType="doi">10.9/cited</ArticleId></ArticleIdList></Reference></ReferenceList>
 <ArticleIdList><ArticleId IdType="doi">10.1234/other</ArticleId></ArticleIdList></PubmedData>
</PubmedArticle>
"""
BOOK = """<PubmedBookArticle><BookDocument><PMID>20301295</PMID>
<ArticleIdList><ArticleId IdType="bookaccession">NBK1</ArticleId></ArticleIdList>
<Book><Publisher><PublisherName>University Press</PublisherName></Publisher>
 <BookTitle>Reef Reviews</BookTitle><PubDate><Year>1993</Year></PubDate>
 <AuthorList Type="editors"><Author><LastName>Editor</LastName></Author></AuthorList></Book>
<ArticleTitle>Urchin barrens</ArticleTitle>
<AuthorList Type="authors"><Author><LastName>Dust</LastName><ForeName>D</ForeName></Author>
</AuthorList>
<Abstract><AbstractText Label="CLINICAL">Barrens persist.</AbstractText></Abstract>
<ContributionDate><Year>2019</Year></ContributionDate>
</BookDocument></PubmedBookArticle>
"""
LETTER = """<PubmedArticle><MedlineCitation><PMID>7</PMID><Article>
<ArticleTitle>A letter.</ArticleTitle></Article></MedlineCitation></PubmedArticle>
"""
FOREIGN = """<PubmedArticle><MedlineCitation><PMID>8</PMID><Article>
<Journal><JournalIssue><PubDate><MedlineDate>1998 Dec-1999 Jan</MedlineDate></PubDate>
</JournalIssue></Journal><ArticleTitle/><VernacularTitle>Algen</VernacularTitle></Article>
<OtherAbstract Language="ger"><AbstractText>Algen wachsen.</AbstractText></OtherAbstract>
</MedlineCitation></PubmedArticle>
"""


def a_set(*records: str, head: str = HEAD) -> str:
    return f"{head}<PubmedArticleSet>\n{''.join(records)}</PubmedArticleSet>"


def load(text: str) -> tuple[list[tuple[str, Paper]], list[Failure]]:
    failures: list[Failure] = []
    return list(FORMAT.load(TextFile.of("a.xml", text), failures.append)), failures


def test_an_article_comes_whole():
    [(where, paper)], failures = load(a_set(KELP))
    assert failures == []
    assert where == "a.xml, record 1 (PMID 31452104)"
    assert paper == Paper(
        id="31452104",
        title="Kelp (Laminaria) in CO2: 10^5 plants & more",
        abstract="BACKGROUND: Urchins graze kelp (p < 0.05). METHODS: Divers worked at 14 reefs. "
        "Cover rose to 61%.",
        authors=("Ann B Brine", "C Holdfast Jr", "Kelp Watch"),
        year=2021,
        venue="Journal of reef studies",
        url="https://pubmed.ncbi.nlm.nih.gov/31452104/",
        doi="10.1234/Kelp.2021",
        pmid="31452104",
        keywords=("restoration", "Kelp"),
    )


def test_a_chapter_of_a_book_has_its_own_authors():
    [(_, paper)], failures = load(a_set(BOOK))
    assert failures == []
    assert (paper.id, paper.title, paper.venue) == ("20301295", "Urchin barrens", "Reef Reviews")
    assert (paper.authors, paper.year) == (("D Dust",), 2019)
    assert paper.abstract == "CLINICAL: Barrens persist."


def test_records_without_an_abstract_are_told_and_the_rest_is_read():
    papers, [failure] = load(a_set(LETTER, "<DeleteCitation/>", FOREIGN, KELP))
    assert [paper.id for _, paper in papers] == ["8", "31452104"]
    assert (papers[0][1].title, papers[0][1].abstract) == ("Algen", "Algen wachsen.")
    assert papers[0][1].year == 1998
    assert failure == Failure("a.xml, record 1 (PMID 7)", "abstract: expected text, found nothing")


def test_formulas_keep_their_marks():
    formula = (
        '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:msup><mml:mn>10</mml:mn>'
        "<mml:mrow><mml:mo>-</mml:mo><mml:mn>3</mml:mn></mml:mrow></mml:msup><mml:mfrac>"
        "<mml:mi>a</mml:mi><mml:mi>b</mml:mi></mml:mfrac></mml:math>"
    )
    marked = f"<b>10</b><sup>-3</sup> Ca<sup>2+</sup> {formula} m<sup>2</sup> 3<sup>rd</sup>."
    [(_, paper)], _ = load(a_set(KELP.replace("Cover rose to 61%.", marked)))
    assert paper.abstract.endswith("10^-3 Ca2+ 10^-3a/b m2 3rd.")


def test_a_file_cut_off_keeps_what_came_before():
    text = a_set(KELP, KELP.replace("31452104", "9"), LETTER)
    papers, [failure] = load(text[: text.index("A letter")])
    assert [paper.id for _, paper in papers] == ["31452104", "9"]
    assert failure.where == "a.xml, record 3"
    assert "broken" in failure.reason
    assert "not read" in failure.reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<PubmedArticleSet><oops", "expected XML, found it broken"),
        ("<PubmedArticleSet></PubmedArticleSet>", "holds no records"),
        (a_set("<x>" * 200 + "</x>" * 200), "levels"),
    ],
)
def test_a_file_without_records_is_refused(text, told):
    with pytest.raises(InputError, match=told):
        load(text)


LAUGHS = "".join(
    f'<!ENTITY l{n} "{"&l" + str(n - 1) + ";" if n else "ha"}'
    f'{"&l" + str(n - 1) + ";" if n else "ha"}">'
    for n in range(40)
)


@pytest.mark.parametrize(
    "declared",
    [
        f"[{LAUGHS}]",
        '[<!ENTITY x SYSTEM "file:///etc/passwd">]',
        '[<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]',
        "[<!ELEMENT PubmedArticleSet ANY>]",
        f'[<!ENTITY a "{"a" * 100_000}">]',
    ],
    ids=["bomb", "file", "remote", "own", "blowup"],
)
def test_what_xml_can_be_made_to_do_is_refused(declared):
    dangerous = KELP.replace("Cover rose", "&l39; &x; &a; Cover rose")
    tracemalloc.start()
    with pytest.raises(InputError, match="refused: its XML declares"):
        load(a_set(dangerous, head=f"<!DOCTYPE PubmedArticleSet {declared}>"))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_an_entity_that_nobody_declares_ends_the_file():
    undeclared = KELP.replace("Cover rose", "&nowhere; Cover rose")
    papers, [failure] = load(a_set(KELP, undeclared, FOREIGN))
    assert [paper.id for _, paper in papers] == ["31452104"]
    assert "undefined entity" in failure.reason


def test_records_are_forgotten_as_they_are_read():
    many = a_set(*[KELP.replace("Cover", "Cover " + "x" * 40_000)] * 60)
    file = TextFile.of("a.xml", many)
    tracemalloc.start()
    assert sum(1 for _ in xmltree.records(file, ("PubmedArticle",), print)) == 60
    assert tracemalloc.get_traced_memory()[1] < len(many)
    tracemalloc.stop()


def test_it_is_told_by_its_content():
    assert FORMAT.matches(a_set(KELP))
    assert FORMAT.matches("<!-- a note --><PubmedBookArticleSet>")
    comments = "<!-- a note -->\n" * 5_000
    assert FORMAT.matches(f"{HEAD}{comments}<PubmedArticleSet>")
    assert not FORMAT.matches(f"{HEAD}{comments}<html>")  # in one pass
    assert not FORMAT.matches('<feed xmlns="http://www.w3.org/2005/Atom">')
    assert not FORMAT.matches("PMID- 1 <PubmedArticleSet>")
