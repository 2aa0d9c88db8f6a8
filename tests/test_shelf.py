from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunking import split_paper
from rag.identity import Keys
from rag.records import Held, Known, taken_in
from rag.shelf import pack, unpack
from rag.types import Paper

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
PAPERS = st.builds(
    Paper, id=TEXT.filter(bool), title=TEXT,
    abstract=st.builds(str.__mul__, st.text("ab .\n𝛼ü", min_size=1), st.integers(1, 200)),
    authors=st.tuples(TEXT), year=st.none() | st.integers(1, 3000), keywords=st.tuples(TEXT, TEXT),
    sources=st.tuples(TEXT), note=TEXT,
)  # fmt: skip
HELD = st.builds(
    Held, source=TEXT, number=st.integers(0, 9), hash=TEXT,
    keys=st.builds(Keys, given=TEXT, doi=TEXT, title=st.integers(-(2**63), 2**63 - 1)),
    paper=st.none() | PAPERS,
)  # fmt: skip


@settings(max_examples=40)
@given(PAPERS, st.lists(HELD, max_size=3))
def test_a_paper_comes_back_from_its_row_as_it_was(paper, held):
    known = Known(paper, tuple(held))
    passages = split_paper(paper)
    row = pack(known, passages)
    assert unpack(json.loads(json.dumps(row))) == (known, passages)
    assert all(len(str(value).encode()) <= 4096 for value in row.values())


def test_the_sole_record_is_not_kept_twice():
    paper = Paper("x", "T", "Newts swim in ponds.", year=1999)
    row = pack(taken_in(paper), [])
    assert unpack(row)[0] == taken_in(paper)
    assert str(row).count("Newts") == 1


def test_a_shorter_row_over_a_longer_one_reads_as_the_shorter():
    """The server keeps metadata of names that the new row lacks."""
    long, short = (taken_in(Paper("x", "T", "word " * count)) for count in (5000, 1))
    assert unpack(pack(long, []) | pack(short, []))[0] == short
