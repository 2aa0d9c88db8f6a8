"""Hostile text, and a reader of HTML that says whether any of it became live."""

from __future__ import annotations

from html.parser import HTMLParser

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
    "[x](data:text/html,<script>window.hit=1</script>)",
    '<a href="data:text/html;base64,PHNjcmlwdD4=" onmouseover="window.hit=1">a</a>',
    "<style>@import url(https://evil.example/x.css)</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<video src=https://evil.example/v onloadstart=window.hit=1 autoplay>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hit=1>",
    "<details open ontoggle=window.hit=1>",
    "' onfocus='window.hit=1' autofocus='",
    "</pre><img src=x onerror=window.hit=1><pre>",
    '#t1-s1" onclick="window.hit=1',
    "<img srcset='https://evil.example/a 1x'>",
    "%3Cscript%3Ewindow.hit=1%3C/script%3E",
    "\\u003cscript\\u003ewindow.hit=1",
    "{% raw %}{{constructor.constructor('window.hit=1')()}}",
    "https://evil.example/'onclick='window.hit=1",
    "\u202egnp.exe\u2066hidden\u2069",
    "W" * 400,
    "\u0000\u0007\ud800 broken".encode("utf-8", "replace").decode(),
)
TAGS = set(
    "a article aside b blockquote br button code details div em h2 h3 i li mark ol p pre q section "
    "span strong summary ul header h1 sup".split()
)
ATTRIBUTES = set(
    "aria-expanded aria-hidden aria-label aria-labelledby aria-pressed class data-act data-copy "
    "data-q data-turn dir hidden href id open rel role tabindex target title type".split()
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
