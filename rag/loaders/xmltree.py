"""XML of records, one at a time, with nothing in it expanded or fetched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError

from rag.errors import InputError
from rag.loaders.textfile import OnFailure, TextFile
from rag.types import Failure

if TYPE_CHECKING:
    from defusedxml.ElementTree import DefusedXMLParser

# Possessive, so that a head of many comments is read once whatever follows them.
_PROLOG = (
    r"\s*+(?><\?xml.*?\?>\s*+)?+"
    r"(?:(?><!--.*?-->|<!DOCTYPE[^>\[]*+(?:\[.*?\]\s*+)?>)\s*+)*+<(?:\w+:)?"
)
_REFUSED = (
    "refused: its XML declares entities or a document type of its own, which can be made to fill "
    "the memory or to read files; export the records without them"
)
_SHIFTS = {"sup": "^", "sub": "_"}
_JOINTS = {"msup": "^", "msub": "_", "mfrac": "/"}
_DEPTH = 100  # elements within one another; PubMed's formulas go to 20


def root_is(head: str, *names: str) -> bool:
    """Whether the XML document that begins with ``head`` has one of ``names`` as its root."""
    return bool(re.match(rf"{_PROLOG}(?:{'|'.join(names)})[\s>/]", head, re.DOTALL))


def records(file: TextFile, names: Collection[str], on_failure: OnFailure) -> Iterator[Element]:
    """The elements of ``names`` in ``file``, each whole, and forgotten when the next is read.

    What follows a fault in the XML is lost, and the fault reported to ``on_failure``.

    Raises:
        InputError: the XML is broken before its first record, holds none, declares entities or
            is nested too deeply.
    """
    found = 0
    try:
        for element in _elements(file, names):
            found += 1
            yield element
    except ParseError as error:
        reason = f"expected XML, found it broken ({error})"
        if not found:
            raise InputError(f"{reason}; save the file again") from error
        on_failure(Failure(file.record(found + 1), f"{reason}; what follows it was not read"))
    if not found:
        raise InputError(f"holds no records; expected <{'> or <'.join(names)}> elements")


def parse(data: bytes) -> Element:
    """A whole document.

    Raises:
        InputError: it is broken or declares entities.
    """
    from defusedxml.common import DefusedXmlException

    parser = _parser_class()()
    try:
        parser.feed(data)
        root: Element = parser.close()
    except ParseError as error:
        raise InputError(f"expected XML, found it broken ({error})") from error
    except DefusedXmlException as error:
        raise InputError(_REFUSED) from error
    return root


def _elements(file: TextFile, names: Collection[str]) -> Iterator[Element]:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    stream = file.stream()
    path: list[Element] = []
    try:
        for event, element in iterparse(stream, ("start", "end"), _parser_class()()):
            if event == "start":
                path.append(element)
                if len(path) > _DEPTH:
                    raise InputError(
                        f"expected XML of records, found {_DEPTH} levels; export it anew"
                    )
                continue
            path.pop()
            if local(element) in names and not any(local(outer) in names for outer in path):
                yield element
                stream.next_record()
                path[-1].clear() if path else element.clear()
    except DefusedXmlException as error:
        raise InputError(_REFUSED) from error


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: Element | None) -> str:
    """The text in an element on one line, formulas and all.

    A shifted figure keeps a mark where it would run into another: 10<sup>5</sup> is not 105.
    """
    return " ".join(_text(element).split()) if element is not None else ""


def _text(element: Element) -> str:
    text, joint = element.text or "", _JOINTS.get(local(element), "")
    for number, child in enumerate(element):
        inner = _text(child)
        if joint and number:
            text = text.rstrip() + joint
        elif text[-1:].isdigit() and inner.strip("+-−– ")[:1].isdigit():
            text += _SHIFTS.get(local(child), "")
        text += inner + (child.tail or "")
    return text


@lru_cache(1)
def _parser_class() -> type[DefusedXMLParser]:
    """A parser that takes a reference to PubMed's DTD, which it does not read, and no other."""
    from defusedxml.ElementTree import DefusedXMLParser

    class Parser(DefusedXMLParser):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(forbid_dtd=True)

        def defused_start_doctype_decl(self, *declared: Any) -> None:
            if declared[-1]:  # it has declarations of its own
                super().defused_start_doctype_decl(*declared)

    return Parser
