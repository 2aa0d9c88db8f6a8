"""Papers as JSON Lines, BibTeX, RIS and plain text: what other programs read.

Every format carries the paper's id, so that what is written here is known again when it is
taken in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Literal

from rag.identity import ID_FIELD, ID_PREFIX
from rag.types import Paper

Format = Literal["jsonl", "bibtex", "ris"]
_ARXIV = re.compile(r"^arxiv:\s*", re.IGNORECASE)
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "&": r"\&",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
# What TeX would join: dashes, quotation marks, inverted marks.
_LIGATURE = re.compile(r"--+|''+|``+|[?!]`|<<|>>|,,")


def export(papers: Iterable[Paper], form: Format) -> Iterator[str]:
    """The papers in one format, a piece of text for each."""
    write: dict[Format, Callable[[Paper], str]] = {
        "jsonl": to_jsonl,
        "bibtex": to_bibtex,
        "ris": to_ris,
    }
    return map(write[form], papers)


def fields(paper: Paper) -> dict[str, object]:
    """What is known of the paper; where its files lie is nobody else's business."""
    return {name: value for name, value in asdict(paper).items() if value and name != "sources"}


def to_jsonl(paper: Paper) -> str:
    """One line of JSON; empty fields are left out."""
    return json.dumps(fields(paper), ensure_ascii=False) + "\n"


def to_bibtex(paper: Paper) -> str:
    """A BibTeX entry whose key is the paper's id as far as keys allow."""
    told = {
        "title": f"{{{tex(paper.title)}}}",  # the inner braces keep capitals
        "author": " and ".join(_person(name) for name in paper.authors),
        "year": str(paper.year or ""),
        "journal": tex(paper.venue),
        "doi": tex(paper.doi),
        "url": tex(paper.url),
        "eprint": tex(_bare(paper.arxiv_id)),
        "archiveprefix": "arXiv" if paper.arxiv_id else "",
        "pmid": tex(paper.pmid),
        "keywords": tex("; ".join(paper.keywords)),
        "abstract": tex(paper.abstract),
        "note": tex(paper.note),
        ID_FIELD: tex(paper.id),
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in told.items() if value]
    kind = "article" if paper.venue else "misc"
    key = re.sub(r"[^\w.:/+-]+", "-", paper.id, flags=re.ASCII).strip("-") or "paper"
    return f"@{kind}{{{key},\n{''.join(lines)}}}\n\n"


def to_ris(paper: Paper) -> str:
    """A RIS record; it knows no line breaks, so those of the abstract become spaces."""
    told = [
        ("TY", "JOUR" if paper.venue else "GEN"),
        ("ID", f"{ID_PREFIX}{paper.id}"),
        ("TI", paper.title),
        *(("AU", name) for name in paper.authors),
        ("PY", str(paper.year or "")),
        ("JO", paper.venue),
        ("DO", paper.doi),
        ("UR", paper.url),
        ("LB", f"arXiv:{_bare(paper.arxiv_id)}" if paper.arxiv_id else ""),
        ("N1", f"PMID: {paper.pmid}" if paper.pmid else ""),
        ("N1", paper.note),
        *(("KW", word) for word in paper.keywords),
        ("AB", paper.abstract),
    ]
    lines = [f"{tag}  - {' '.join(value.split())}\n" for tag, value in told if value.strip()]
    return f"{''.join(lines)}ER  - \n\n"


def to_plain(paper: Paper) -> str:
    """A reference for people: who, when, what, where."""
    names = list(paper.authors)
    who = ", ".join(names if len(names) <= 6 else [*names[:6], "et al."])
    when = f"({paper.year})" if paper.year else ""
    links = [
        f"https://doi.org/{paper.doi}" if paper.doi.startswith("10.") else paper.doi,
        f"arXiv:{_bare(paper.arxiv_id)}" if paper.arxiv_id else "",
        f"PMID {paper.pmid}" if paper.pmid else "",
    ]
    where = next(filter(None, links), paper.url)
    head = " ".join(filter(None, (who, when)))
    parts = [f"{part.rstrip('.')}." for part in (head, paper.title, paper.venue) if part]
    return " ".join([*parts, where]).strip()


def _bare(arxiv_id: str) -> str:
    return _ARXIV.sub("", arxiv_id)


def tex(text: str) -> str:
    """``text`` as TeX prints it, character by character."""
    pieces = _LIGATURE.split(text)
    joins = [*_LIGATURE.findall(text), ""]
    return "".join(
        "".join(_TEX.get(ch, ch) for ch in piece) + "".join(f"{{{ch}}}" for ch in join)
        for piece, join in zip(pieces, joins, strict=True)
    )


def _person(name: str) -> str:
    """A name as one: BibTeX would part it at "and" and turn it round at a comma."""
    plain = tex(" ".join(name.split()))
    return f"{{{plain}}}" if "," in name or re.search(r"\band\b", name, re.IGNORECASE) else plain
