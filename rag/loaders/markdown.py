"""Markdown: one paper a file, or one for each heading of the first level.

The abstract is the section of that name, or else all text below the title. Front matter and
lines such as ``Authors: A. One`` tell the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.errors import InputError
from rag.loaders.fields import to_paper
from rag.loaders.keys import find_keys
from rag.loaders.page import labelled
from rag.loaders.textfile import Format, OnFailure, Record, TextFile
from rag.types import Failure

_LONGEST = 20_000  # characters: beyond it is a whole paper, not an abstract
_FRONT = re.compile(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)
_BEGINS = re.compile(r"\s*#{1,2} +\S")
_HEADING = re.compile(r"(#{1,6}) +(.*?)[ #]*$")
_PAIR = re.compile(r"([A-Za-z_ -]{2,20}):[ \t]+(.+)")


def _matches(head: str) -> bool:
    front = _FRONT.match(head)
    return _BEGINS.match(head) is not None or bool(front and "title" in _front_matter(front[1]))


def _load(file: TextFile, on_failure: OnFailure) -> Iterator[Record]:
    text = file.text()
    front = _FRONT.match(text)
    fields = _front_matter(front[1]) if front else {}
    lines = text.split("\n")
    begun = text[: front.end()].count("\n") if front else 0
    starts = [n for n, line in enumerate(lines) if n >= begun and line.startswith("# ")]
    if len(starts) < 2 or fields:
        starts = [begun]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        try:
            yield file.at(start + 1), to_paper({**fields, **_section(lines[start:end], fields)})
        except InputError as error:
            on_failure(Failure(file.at(start + 1), str(error)))


def _section(lines: list[str], known: dict[str, str]) -> dict[str, str]:
    """The fields of one paper: its heading, labelled lines, and its abstract."""
    fields: dict[str, str] = {}
    parts: dict[str, list[str]] = {"": []}
    name, top = "", 0
    for line in lines:
        if heading := _HEADING.match(line):
            level, words = len(heading[1]), heading[2].strip()
            if "title" not in fields and "title" not in known:
                fields["title"], top = words, level
            elif not (level == 1 and words == known.get("title")):
                name = words.casefold() if level > top else ""
                parts.setdefault(name, [])
        elif (label := labelled(line)) and label[0] != "abstract" and label[1]:
            fields[label[0]] = label[1].strip("* ")
        else:
            parts[name].append(label[1] if label else line)
    chosen = [parts[key] for key in ("abstract", "summary") if key in parts][:1] or [
        *parts.values()
    ]
    abstract = " ".join(" ".join(line for lines in chosen for line in lines).split())
    if len(abstract) > _LONGEST:
        raise InputError(
            f"expected an abstract, found {len(abstract):,} characters; give it a heading "
            "## Abstract of its own"
        )
    return {**fields, **({"abstract": abstract} if abstract else {})}


def _front_matter(text: str) -> dict[str, str]:
    """The plain ``name: value`` lines at the top, under our names."""
    pairs = [match.groups() for line in text.split("\n") if (match := _PAIR.match(line))]
    values = {name.strip(): value.strip().strip("\"'[]") for name, value in pairs}
    return {ours: values[keys[0]] for ours, keys in find_keys(tuple(values)).items()}


FORMAT = Format("Markdown", _matches, _load)
