from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.types import Evidence, Note, Refusal, Removed, Sentence, Source, StoreStatus
from rag.web import html
from rag.web.exchange import Exchange, end
from rag.web.markup import is_web_address, linked, marked, prose
from tests.stub_assistant import AURORA, HELIOS, answered, refused, sentence

HOSTILE = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "![x](https://evil.example/p.png)",
    '"><svg/onload=window.hit=1>',
    "<form action=https://evil.example><input name=a></form>",
    "[click](javascript:window.hit=1)",
    "javascript:window.hit=1",
    "${window.hit=1}{{value}}@children",
    "</mark></article><iframe src=https://evil.example></iframe>",
    "$$\\href{javascript:window.hit=1}{x}$$",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
)
TAGS = set(
    "a article aside b blockquote br code details div em h2 h3 i li mark ol p q section span "
    "strong summary ul header h1 sup".split()
)
ATTRIBUTES = set(
    "aria-hidden aria-label class data-q dir hidden href id open rel role tabindex target "
    "title".split()
)


class Reader(HTMLParser):
    """Collects tags, attributes, addresses, text and marked text; checks the nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text, self.marked = "", []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "mark":
            self.marked.append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self.open:
            self.marked[-1] += data

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]


def assert_harmless(page: str) -> Reader:
    reader = Reader(page)
    assert set(reader.tags) <= TAGS
    assert {key for key, _ in reader.attributes} <= ATTRIBUTES
    assert all(href.startswith(("#t", "http://", "https://")) for href in reader.values("href"))
    return reader


def test_chips_point_at_their_sources_and_sentences_are_numbered() -> None:
    reader = Reader(html.answer_html(answered("q"), 3))
    assert reader.values("href") == ["#t3-s1", "#t3-s2", "#t3-s1"]
    assert [i for i in reader.values("id") if "-q" in i] == ["t3-q1", "t3-q2"]
    assert "1,204 patients1. SELENE" in reader.text


def test_brackets_that_are_no_citations_of_the_sentence_stay_text() -> None:
    kept = Sentence("The range [0, 1] and [7] hold [1].", (1,), "supported", 0.9, ())
    reader = Reader(prose(kept.text, (kept,), 1))
    assert reader.text == "The range [0, 1] and [7] hold1."


def test_markdown_becomes_paragraphs_lists_and_headings_and_nothing_else() -> None:
    text = (
        "## Noise\n\nFirst **line**.\nSame paragraph.\n\n- one\n- two\n\n1. uno\n\n[a](https://x.y)"
    )
    page = prose(text, (), 1)
    assert page.count("<p>") == 2
    assert "<h3>Noise</h3>" in page
    assert "<ul><li>one</li><li>two</li></ul>" in page
    assert "<ol><li>uno</li></ol>" in page
    assert "<strong>line</strong>" in page
    assert "<a" not in page


def test_the_cited_passage_is_marked_with_the_sentences_that_rest_on_it() -> None:
    reader = Reader(html.sources_html(answered("q"), 1))
    assert reader.marked == [
        "HELIOS cuts the noise by 40% in 1,204 patients.",
        "Reading time fell from 12 to 7 minutes.",
        "SELENE lowers the dose by half.",
        "Sensitivity stayed at 91% over five sites.",
    ]
    assert reader.values("data-q") == ["1", "2", "2", "2"]


def test_evidence_in_a_title_is_marked_there() -> None:
    span = Evidence(1, "title", 0, 6, "HELIOS")
    page = html.sources_html(answered("q", sentences=(sentence("It is [1].", span),)), 1)
    assert '<mark data-q="1">HELIOS</mark>: a scanner' in page


def test_cited_sources_come_first_and_the_others_are_folded() -> None:
    page = html.sources_html(answered("q"), 1)
    folded = page[page.index("<details") :]
    assert "1 paper retrieved but not cited" in folded
    assert AURORA.title in folded
    assert HELIOS.title not in folded


@given(
    st.text(alphabet="ab <&https://.", max_size=40),
    st.lists(st.tuples(st.integers(-3, 45), st.integers(-3, 45), st.integers(1, 3)), max_size=6),
)
def test_marks_keep_the_text_whatever_the_spans(
    text: str, spans: list[tuple[int, int, int]]
) -> None:
    assert assert_harmless(marked(text, spans)).text == text


def test_overlapping_marks_are_split_where_they_overlap() -> None:
    page = marked("abcdef", [(0, 4, 1), (2, 6, 2), (3, 3, 3)])
    assert page == (
        '<mark data-q="1">ab</mark><mark data-q="1 2">cd</mark><mark data-q="2">ef</mark>'
    )


def test_a_mark_that_ends_inside_an_address_takes_in_the_whole_address() -> None:
    reader = Reader(marked("see https://a.org/b now", [(0, 10, 1)]))
    assert reader.marked == ["see https://a.org/b"]
    assert reader.values("href") == ["https://a.org/b"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Code: https://a.org/x.", "https://a.org/x"),
        ("(https://a.org/x)", "https://a.org/x"),
        ("https://a.org/w_(x), then", "https://a.org/w_(x)"),
        ("http://a.org/?a=1&b=2;", "http://a.org/?a=1&b=2"),
    ],
)
def test_addresses_in_text_become_links_without_the_punctuation(text: str, address: str) -> None:
    reader = Reader(linked(text))
    assert reader.values("href") == [address]
    assert reader.values("rel") == ["noopener noreferrer"]
    assert reader.text == text


@pytest.mark.parametrize(
    "url",
    (
        *("javascript:alert(1)", "data:text/html,x", "//a.org", "https://", "ftp://a.org", ""),
        *("https://a.org/\u202ex", 'https://a.org/"onclick=', "java\nscript:x", "http://[::1"),
    ),
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert not is_web_address(url)
    source = Source(1, "p", "A title", url, None, "Text.")
    page = html.sources_html(answered("q", sources=(source,), sentences=(), retrieved=()), 1)
    assert "target=" not in page


def test_removed_sentences_are_counted_and_folded_with_their_reason() -> None:
    page = html.answer_html(answered("q"), 1)
    assert "3 sentences checked, 1 removed" in page
    assert "HELIOS is approved in Peru" in page[page.index("<details") :]
    assert "not in source 1" in page
    none = html.answer_html(answered("q", removed=()), 1)
    assert "2 sentences checked, none removed" in none
    assert "<details" not in none


def test_a_refusal_names_the_nearest_papers_by_title_linked_where_known() -> None:
    reader = Reader(html.answer_html(refused("q"), 1))
    assert "Not in this collection" in reader.text
    assert reader.text.index("SELENE: low-dose") < reader.text.index(HELIOS.title)
    assert reader.values("href") == [HELIOS.url]


def test_the_query_is_shown_where_it_differs_from_the_question() -> None:
    assert "searched for" not in html.answer_html(answered("q"), 1)
    page = html.answer_html(answered("And it?", query="Is HELIOS quiet?"), 1)
    assert "Is HELIOS quiet?" in page


def test_the_panel_shows_the_latest_exchange_that_retrieved() -> None:
    full = Exchange("q", "", (HELIOS,), (), answered("q"))
    page = html.panel_html((full, full, Exchange("q")))
    assert 'id="sources-t1" hidden' in page
    assert 'id="sources-t2">' in page
    assert "sources-t3" not in page
    refusal = Exchange("q", "", answer=replace(refused("q"), sources=()))
    latest = html.panel_html((full, refusal))
    assert 'id="sources-t1" hidden' in latest
    assert '<details class="uncited" open><summary>3 papers retrieved but not cited' in latest
    assert html.EMPTY_PANEL in html.panel_html(())


def test_an_exchange_that_failed_says_why_and_keeps_what_was_checked() -> None:
    kept = answered("q").sentences
    page = html.exchange_html(end(Exchange("q" * 5000, sentences=kept), "No <model> answers"), 1)
    assert "No &lt;model&gt; answers" in page
    assert kept[0].text.split(" [")[0] in page
    assert len(page) < 3000


@pytest.mark.parametrize("remote", [False, True])
def test_the_page_says_who_answers_and_what_leaves_the_machine(remote: bool) -> None:
    writer = SimpleNamespace(name="m-1", remote=remote, endpoint="https://api.example/v1")
    embedder = SimpleNamespace(name="minilm", remote=False)
    line = html.answered_by(writer, embedder)
    assert ("nothing leaves this machine" in line) is not remote
    assert ("https://api.example/v1" in line) is remote
    embedder.remote = True
    assert "nothing leaves" not in html.answered_by(writer, embedder)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    source = Source(1, text, text, text, None, text)
    kept = Sentence(f"{text} [1]", (1,), "supported", 1.0, (Evidence(1, "abstract", 2, 9, text),))
    answer = answered(
        text,
        query=text + " ",
        text=f"# {text}\n\n{kept.text}\n- {text}",
        sentences=(kept,),
        sources=(source, AURORA),
        removed=(Removed(text, (1,), "unsupported", text),),
        notes=(Note("scope", text),),
        model=text,
    )
    refusal = answered(
        text, sentences=(), refusal=Refusal("out_of_scope", text, (text,)), sources=()
    )
    about = html.About(StoreStatus(text, 1, 1, text, text), text, text, (text,))
    exchanges = (Exchange(text, "", (source,), (kept,), answer), Exchange(text, text))
    exchanges += (Exchange(text, "", (), (), refusal), end(Exchange(text), text))
    page = html.masthead_html(about) + html.conversation_html(exchanges)
    reader = assert_harmless(page + html.panel_html(exchanges))
    assert text in reader.text
