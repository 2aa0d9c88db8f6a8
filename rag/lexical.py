"""The lexical index: BM25+ over passages with tantivy, English stems, built from the ledger.

A passage is indexed as one text with its paper's title in front: a title as a field of its own
outweighs everything else, and papers without one are then hardly found.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from rag.ledger import Entry

_TEXT = "text"
_HEAP = 32_000_000  # bytes that a writer may fill before it flushes a segment
_LONGEST_WORD = 40  # as in tantivy's own en_stem
_MAX_TERMS = 512  # distinct terms of one question; a page of text has fewer


class LexicalIndex:
    """Readers see the state of the last ``reload``; one writer at a time.

    The methods raise tantivy's ``ValueError`` where the folder is missing or damaged. Where it
    cannot be written to, ``in_place=False`` reads a copy: tantivy must lock what it opens.
    """

    def __init__(self, path: Path, *, in_place: bool = True) -> None:
        self._path = path
        self._in_place = in_place
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._index: Any = None
        self._writer: Any = None

    def create(self) -> None:
        """Replace whatever is there by an empty index."""
        import tantivy

        self.close()
        shutil.rmtree(self._path, ignore_errors=True)
        self._path.mkdir(parents=True)
        schema = tantivy.SchemaBuilder()
        for name in ("passage_id", "paper_id"):
            schema.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
        schema.add_text_field(_TEXT, tokenizer_name="en_stem", index_option="freq")
        self._index = tantivy.Index(schema.build(), path=str(self._path))

    def reload(self) -> None:
        """Open the index as it is now on disk."""
        import tantivy

        if not tantivy.Index.exists(str(self._path)):
            raise ValueError(f"no index in {self._path}")
        self._index = tantivy.Index.open(str(self._path if self._in_place else self._copied()))
        self._term("")  # ValueError in an index of an older version: it has no such field

    def close(self) -> None:
        """Let go of the index."""
        self.settle()
        self._index = None
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def settle(self) -> None:
        """End writing: wait for merges, forget what is not committed, free tantivy's lock."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.wait_merging_threads()

    def count(self) -> int:
        """Number of passages."""
        return int(self._index.searcher().num_docs)

    def search(
        self, question: str, n: int, within: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """The ``n`` best passages: (id, BM25+), best first.

        The question is plain words: quotes and operators mean nothing. BM25+ (Lv & Zhai,
        "Lower-Bounding Term Frequency Normalization", CIKM 2011, delta 1): a term that a
        passage has counts its IDF once more, however long the passage is.

        Args:
            within: ids of the papers whose passages count; None: all.
        """
        import tantivy

        terms = list(dict.fromkeys(self._analyzer.analyze(question)))[:_MAX_TERMS]
        if not terms or n < 1:
            return []
        searcher = self._index.searcher()
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, part) for term in terms for part in self._parts(searcher, term)]
        )
        if within is not None:
            held = tantivy.Query.term_set_query(self._index.schema, "paper_id", list(within))
            limit = tantivy.Query.const_score_query(held, 0.0)
            query = tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, query), (tantivy.Occur.Must, limit)]
            )
        hits = searcher.search(query, n, count=False).hits
        return [(searcher.doc(address)["passage_id"][0], score) for score, address in hits]

    def document_frequency(self, word: str) -> int:
        """In how many passages, their papers' titles included, the word's stem occurs.

        Of several words, in how many they all do.
        """
        import tantivy

        terms = self._analyzer.analyze(word)
        if not terms:
            return 0
        every = [(tantivy.Occur.Must, self._term(term)) for term in terms]
        query = tantivy.Query.boolean_query(every)
        return int(self._index.searcher().search(query, 1, count=True).count)

    def change(
        self, paper_ids: Collection[str], _stale_ids: Sequence[str], entries: Sequence[Entry]
    ) -> None:
        """Delete all passages of the papers, add ``entries`` and commit."""
        import tantivy

        if self._writer is None:
            self._writer = self._index.writer(_HEAP, num_threads=1)
        for paper_id in paper_ids:
            self._writer.delete_documents_by_term("paper_id", paper_id)
        for passage, title, _ in entries:
            self._writer.add_document(
                tantivy.Document(
                    passage_id=passage.id,
                    paper_id=passage.paper_id,
                    text=f"{title}. {passage.text}",
                )
            )
        self._writer.commit()
        self._index.reload()

    def _copied(self) -> Path:
        self.close()
        self._copy = tempfile.TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True)
        for file in self._path.iterdir():
            shutil.copyfile(file, Path(self._copy.name, file.name))  # not its permissions
        return Path(self._copy.name)

    def _parts(self, searcher: Any, term: str) -> list[Any]:
        """What a term adds to a passage that has it: its BM25, and its IDF once more."""
        import tantivy

        passages, having = searcher.num_docs, searcher.doc_freq(_TEXT, term)
        if not having:
            return []
        idf = math.log(1 + max(0.0, passages - having + 0.5) / (having + 0.5))
        query = self._term(term)
        return [query, tantivy.Query.const_score_query(query, idf)]

    def _term(self, term: str) -> Any:
        import tantivy

        return tantivy.Query.term_query(self._index.schema, _TEXT, term)

    @cached_property
    def _analyzer(self) -> Any:
        """The steps of en_stem, for questions; the query parser would read operators."""
        from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

        steps = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST_WORD))
        return steps.filter(Filter.lowercase()).filter(Filter.stemmer("english")).build()
