"""Text copied from a web page of papers, or typed: a title line, then its abstract.

Abstracts are one long line each, or, where no line is long, paragraphs between blank lines.
The lines that a site puts around papers (menus, dates, names) are short and not followed by an
abstract, and are told apart by that alone. ``Title:``, ``Authors:``, ``Abstract:`` and the like
before a text say what it is. A file of one title and several paragraphs is one paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from rag.errors import InputError
from rag.loaders.fields import clean, to_paper
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure

Block = tuple[int, str]
"""The line where it begins, and a paragraph on one line."""

_LONG = 250  # characters: the longest titles stay below, all but the tersest abstracts above
_PROSE = 30  # words: a line as long as this that ends like a sentence is no title
_TITLE = 30  # characters: shorter lines between papers are the site's, not lost titles
_TERSE = 8  # words of an abstract where the file is nothing but a title and it
_ABOVE = 3  # lines above the abstract where the file is one paper: title, authors, place
_LABEL = re.compile(
    r"\W{0,3}(title|abstract|summary|authors?|year|date|journal|venue|doi|url|pmid|keywords)"
    r"(?:\*\*)?\s*(?::|$)(?:\*\*)?\s*",
    re.IGNORECASE,
)
_FIELDS = {"summary": "abstract", "author": "authors", "date": "year", "journal": "venue"}
_PERSON = re.compile(
    r"\s*(?:[^\W\d_a-z][\w.'’-]*\s+)(?:(?:[^\W\d_a-z][\w.'’-]*|de|da|der|den|la|van|von|bin|al)\s+){0,3}"
    r"[^\W\d_a-z][\w.'’*†‡-]*\s*"
)
_SECTION = re.compile(
    r"\W{0,3}(background|introduction|context|importance|objectives?|aims?|purpose|design|setting"
    r"|(?:materials and |patients and )?methods?(?: and findings)?|participants|interventions?"
    r"|(?:main )?outcomes?(?: measures)?|results|findings|discussion|interpretation|limitations"
    r"|conclusions?(?: and relevance)?|significance)\s*[:.]?",
    re.IGNORECASE,
)


def labelled(line: str) -> tuple[str, str] | None:
    """The field and the text of ``Authors: A. One``; None where there is no label."""
    match = _LABEL.match(line)
    if match is None:
        return None
    name = match[1].casefold()
    return _FIELDS.get(name, name), line[match.end() :].strip()


def _matches(head: str) -> bool:
    blocks = list(_blocks(enumerate(head.split("\n"), 1), _is_wrapped(head)))
    return _only_paper(blocks) is not None or any(
        _is_abstract(text) or labelled(text) for _, text in blocks
    )


def _load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    blocks: Iterable[Block] = _blocks(file.lines(on_failure), _is_wrapped(file.head))
    if file.whole:
        blocks = list(blocks)
        if only := _only_paper(blocks):
            line, fields = only
            yield file.at(line), to_paper(fields)
            return
    page = _Page(file, on_failure)
    for line, text in blocks:
        yield from page.take(line, text)
    yield from page.finish()
    if not page.found:
        raise InputError("holds no papers; expected title lines, each followed by its abstract")


def _is_wrapped(head: str) -> bool:
    """Whether paragraphs are broken into lines: no line is an abstract by itself."""
    return not any(map(_is_abstract, head.split("\n")))


def _blocks(lines: Iterable[tuple[int, str]], wrapped: bool) -> Iterator[Block]:
    """The lines that are not blank, or the paragraphs that they make up."""
    begun, parts = 0, list[str]()
    for number, raw in lines:
        line = clean(raw)
        alone = not wrapped or labelled(line) or _SECTION.fullmatch(line.strip()) or is_byline(line)
        if parts and (alone or not line.strip()):
            yield begun, " ".join(parts)
            parts = []
        if line.strip():
            begun = begun if parts else number
            parts.append(line.strip() if wrapped else line)
        if parts and alone and (labelled(line) or ("", ""))[1] == "":
            yield begun, parts.pop()
    if parts:
        yield begun, " ".join(parts)


def is_byline(line: str) -> bool:
    """Whether it is a list of two or more whole names, as under a title."""
    people = re.split(r"[,;&]|\band\b", line.strip(" .,;"))
    return len(people) > 1 and all(map(_PERSON.fullmatch, people))


def _only_paper(blocks: list[Block]) -> tuple[int, dict[str, str]] | None:
    """Its line and fields where the blocks are one paper; with other labels they are a page."""
    labels = {label[0] for _, text in blocks if (label := labelled(text))}
    if labels - {"abstract"} or any(_SECTION.fullmatch(text.strip()) for _, text in blocks):
        return None
    bare = [(line, text) for line, text in blocks if labelled(text) != ("abstract", "")]
    above = list(takewhile(lambda block: not _is_abstract(block[1]), bare))
    below = [_unlabelled(text) for _, text in bare[len(above) :]]
    if len(above) == len(bare) > 1 and _is_terse(bare[0][1], bare[-1][1]):
        below = [_unlabelled(above.pop()[1])]
    if not 1 <= len(above) <= _ABOVE or not below or not all(map(_is_abstract, below[1:])):
        return None
    fields = {"title": above[0][1], "abstract": " ".join(below)}
    names = next((text for _, text in above[1:] if is_byline(text)), None)
    return above[0][0], fields | ({"authors": names} if names else {})


def _is_terse(title: str, text: str) -> bool:
    """Whether ``text`` may be the abstract of ``title``, though it is short."""
    prose = text.rstrip().endswith((".", "!", "?"))
    return prose and len(title) < len(text) and len(text.split()) >= _TERSE


def _is_abstract(line: str) -> bool:
    return len(line) >= _LONG or (len(line.split()) >= _PROSE and line.rstrip().endswith("."))


def _unlabelled(text: str) -> str:
    label = labelled(text)
    return label[1] if label and label[0] == "abstract" else text


class _Page:
    """Blocks to papers: a title waits for its abstract, a paper for its next section."""

    def __init__(self, file: TextFile, on_failure: OnFailure) -> None:
        self._file, self._on_failure = file, on_failure
        self._line, self._fields = 0, dict[str, str]()
        self._section = ""
        self._certain = False  # that there is a paper: a label says so
        self.found = False

    def take(self, line: int, text: str) -> Iterator[Record]:
        """The paper that is complete now that this block has come, if any."""
        if label := labelled(text):
            yield from self._take_label(line, *label)
        elif _SECTION.fullmatch(text.strip()) and self._fields.get("title"):
            self._section = text.strip().rstrip(":.") + ": "
        elif self._section or _is_abstract(text):
            self._take_abstract(line, text)
        elif is_byline(text) and self._fields.keys() == {"title"}:
            self._fields["authors"] = text
        elif "abstract" in self._fields or len(self._fields) < 2:
            yield from self.finish()
            self._line, self._fields = line, {"title": text}

    def finish(self) -> Iterator[Record]:
        """The paper that was waiting for more; a title that waits in vain is reported."""
        fields, self._fields, self._section = self._fields, {}, ""
        certain, self._certain = self._certain, False
        if "abstract" in fields:
            self.found = True
            try:
                yield self._file.at(self._line), to_paper(fields)
            except InputError as error:
                self._on_failure(Failure(self._file.at(self._line), str(error)))
        elif (title := fields.get("title", "")) and (
            certain or (self.found and len(title) >= _TITLE)
        ):
            reason = f"expected an abstract after the title {title!r}, found none"
            self._on_failure(Failure(self._file.at(self._line), reason))

    def _take_label(self, line: int, field: str, text: str) -> Iterator[Record]:
        if field in self._fields and (field == "title" or "abstract" in self._fields):
            yield from self.finish()
        if text:
            self._line = self._line if self._fields else line
            self._fields[field], self._certain = text, True

    def _take_abstract(self, line: int, text: str) -> None:
        if "title" in self._fields and ("abstract" not in self._fields or self._section):
            before = self._fields.get("abstract", "")
            self._fields["abstract"] = (
                f"{before} {self._section}{text}".lstrip() if before or self._section else text
            )
            self._section = ""
        else:
            reason = "expected a title line before this abstract, found none"
            self._on_failure(Failure(self._file.at(line), reason))


FORMAT = Format("a page of titles and abstracts", _matches, _load)
