from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from rag.chunking import MAX_CHARS, split_paper
from rag.sentences import sentence_spans
from rag.types import Paper


def paper(abstract: str) -> Paper:
    return Paper("p", "Title", abstract)


def test_a_short_abstract_is_one_passage():
    [passage] = split_paper(paper(" One sentence. And two. "))
    assert (passage.id, passage.paper_id, passage.text) == ("p#0", "p", "One sentence. And two.")
    assert (passage.start, passage.end) == (1, 23)


def test_windows_hold_whole_sentences_and_overlap_by_one():
    abstract = " ".join(f"Sentence {n} is {'rather ' * 40}long." for n in range(12))
    passages = split_paper(paper(abstract))
    starts, ends = map(set, zip(*sentence_spans(abstract), strict=True))
    assert len(passages) > 3
    assert all(p.start in starts and p.end in ends for p in passages)
    assert all(len(p.text) <= MAX_CHARS for p in passages)
    for before, after in pairwise(passages):
        shared = abstract[after.start : before.end]
        assert len(sentence_spans(shared)) == 1


def test_only_an_endless_sentence_is_cut_between_words():
    abstract = "word " * 1000
    passages = split_paper(paper(abstract))
    assert max(len(p.text) for p in passages) <= MAX_CHARS
    assert all(set(p.text.split()) == {"word"} for p in passages)


sentences = st.lists(
    st.one_of(
        st.text(min_size=1, max_size=40),
        st.integers(1, 60).map(lambda n: "Wörter und 𝛼 " * n + "."),
        st.integers(900, 2500).map(lambda n: "x" * n),
    ),
    min_size=1,
    max_size=12,
).map(" ".join)


@given(sentences.filter(str.strip))
@example("…")
@example("x" * MAX_CHARS + " y")
def test_passages_are_slices_that_cover_the_abstract(abstract):
    passages = split_paper(paper(abstract))
    covered = set()
    for number, passage in enumerate(passages):
        assert passage.id == f"p#{number}"
        assert passage.text == abstract[passage.start : passage.end]
        assert 0 < len(passage.text) <= MAX_CHARS
        covered.update(range(passage.start, passage.end))
    assert all(abstract[i].isspace() for i in range(len(abstract)) if i not in covered)
    assert [p.start for p in passages] == sorted({p.start for p in passages})
