"""What exports call the fields of a paper: keys of JSON objects, columns of tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rag.errors import InputError

KEYS = {
    "id": "id paperid docid documentid corpusid uid corduid key",
    "title": "title titles documenttitle articletitle papertitle displayname primarytitle ti t1",
    "abstract": "abstract abstracts abstracttext abstractnote paperabstract summary summaries "
    "ab n2 abstractinvertedindex text",
    "authors": "authors author authornames authorstring authorfullnames authorlist creators "
    "creator authorships au",
    "year": "year publicationyear pubyear publishedyear yearpublished py y1 date datepublished "
    "publicationdate published publishedonline publishedprint issued pubdate",
    "venue": "venue journal journaltitle journalname sourcetitle publicationtitle publicationname "
    "containertitle booktitle conference journalref publicationvenue so jo jf t2",
    "url": "url link absurl entryid pageurl ur",
    "doi": "doi articledoi di do",
    "arxiv_id": "arxivid arxiv eprint",
    "pmid": "pmid pubmedid pubmed",
    "keywords": "keywords keyword authorkeywords keywordlist manualtags tags subject kw de",
    "note": "note",
}
"""Our name of each field, and what others call it without case and signs, the surest first."""
_NAMES = {ours: names.split() for ours, names in KEYS.items()}


@lru_cache(maxsize=4096)
def find_keys(
    present: tuple[str, ...], given: tuple[tuple[str, str], ...] = ()
) -> Mapping[str, tuple[str, ...]]:
    """Which of the keys that are ``present`` hold each field, the surest first.

    ``given`` pairs our name of a field with the key that the user says it has; no other is
    taken for that field then.
    """
    plain: dict[str, list[str]] = {}
    for key in present:
        plain.setdefault("".join(filter(str.isalnum, key.casefold())), []).append(key)
    found = {
        ours: tuple(key for name in names for key in plain.get(name, ()))
        for ours, names in _NAMES.items()
    }
    found |= {ours: (key,) if key in present else () for ours, key in given}
    return {ours: keys for ours, keys in found.items() if keys}


def read_names(pairs: str) -> dict[str, str]:
    """The names in ``abstract=AB,title=TI``: by each field of ours, the key that holds it.

    Raises:
        InputError: it is written otherwise, or names no field of ours.
    """
    names: dict[str, str] = {}
    for pair in filter(str.strip, pairs.split(",")):
        ours, sign, theirs = (part.strip() for part in pair.partition("="))
        if not sign or not theirs or ours not in KEYS:
            fields = ", ".join(KEYS)
            raise InputError(f"expected FIELD=NAME, found {pair!r}; the fields are {fields}")
        names[ours] = theirs
    return names
