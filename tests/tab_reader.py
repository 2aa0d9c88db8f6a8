"""Reads the HTML that the tabs are made of, and knows what may stand in it."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"input", "br"}
_TAGS = set(
    "a article b button cite code dd details div dl dt fieldset h2 h3 iframe input label legend li "
    "mark ol p pre progress q section small span summary table tbody td th thead tr ul".split()
)
_ATTRIBUTES = set(
    "aria-current aria-expanded aria-label checked class data-chat data-more data-past data-q "
    "dir hidden href id max rel role sandbox scope srcdoc start tabindex target title type "
    "value".split()
)


class TabReader(HTMLParser):
    """The text, tags and attributes of a piece of HTML; it must be closed and harmless."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[str]()
        self.attributes: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []
        assert set(self.tags) <= _TAGS
        assert {key for key, _ in self.attributes} <= _ATTRIBUTES
        assert all(href.startswith(("#", "http://", "https://")) for href in self.of("href"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(key, value or "") for key, value in attrs]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[str]:
        """The values of an attribute, in order."""
        return [value for key, value in self.attributes if key == name]
