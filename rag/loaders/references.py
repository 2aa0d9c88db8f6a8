"""What bibliographies have in common: names sorted by surname, and the ids of a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rag.loaders.fields import to_paper
from rag.types import Paper

_DOI = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_ARXIV = re.compile(r"^arxiv:\s*|v\d+(?:\.pdf)?$|\s*\[[\w.-]+\]$", re.IGNORECASE)


def spoken(name: str) -> str:
    """``"Curie, Marie"`` as ``"Marie Curie"``, ``"King, Martin, Jr."`` as ``"Martin King Jr."``.

    A name without a comma stays; one that ends in a comma is an institution's.
    """
    parts = [part.strip() for part in name.split(",")]
    match parts:
        case [last, first] if first:
            return f"{first} {last}".strip()
        case [last, first, suffix] if first and suffix:
            return f"{first} {last} {suffix}".strip()
    return ", ".join(part for part in parts if part)


def paper_of(record: Mapping[str, object]) -> Paper:
    """The paper of ``record``, in which what is empty is absent.

    Raises:
        InputError: title or abstract is missing, or a field is of another kind.
    """
    return to_paper({name: value for name, value in record.items() if value})


def ids(doi: str, arxiv: str, pmid: str) -> dict[str, str]:
    """The ids of a paper, bare, and as its own id the first of them that is known.

    Not a citation key: that names different papers in different files. arXiv's versions of a
    paper are one paper.
    """
    doi, arxiv, pmid = _DOI.sub("", doi.strip()), _ARXIV.sub("", arxiv.strip()), pmid.strip()
    own = doi.lower() or arxiv or pmid
    return {"id": own, "doi": doi, "arxiv_id": arxiv, "pmid": pmid}
