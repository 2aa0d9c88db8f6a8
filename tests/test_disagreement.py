from __future__ import annotations

from rag.disagreement import MAX_NOTES, Side, disagreements, sides
from rag.types import Sentence, Source

SOURCES = (
    Source(1, "a", "Evening walks and sleep", "", None,
           "Evening walks improved sleep in older adults. Seventy adults took part."),
    Source(2, "b", "A second trial of evening walks", "", None,
           "Evening walks did not improve sleep in older adults. The trial was small."),
    Source(3, "c", "Honey bees", "", None, "Honey bees avoid lit meadows at night."),
)  # fmt: skip


def said(text: str, *cited: int) -> Sentence:
    return Sentence(text, cited, "supported", 1.0, ())


def test_two_papers_that_say_opposite_things_are_both_named() -> None:
    (note,) = disagreements([said("Evening walks improved sleep in older adults [1].", 1)], SOURCES)
    assert note.kind == "disagreement"
    for part in ("Evening walks and sleep", "source 1", "A second trial of evening walks",
                 "source 2", "“Evening walks did not improve sleep in older adults.”"):  # fmt: skip
        assert part in note.text
    assert sides(note.text) == (
        Side("Evening walks improved sleep in older adults.", "Evening walks and sleep", 1),
        Side("Evening walks did not improve sleep in older adults.",
             "A second trial of evening walks", 2),
    )  # fmt: skip
    assert sides("Papers disagree, somebody says.") is None


def test_a_paper_on_something_else_does_not_disagree() -> None:
    assert disagreements([said("Honey bees avoid lit meadows at night [3].", 3)], SOURCES) == ()


def test_a_sentence_that_cites_both_papers_has_told_of_both() -> None:
    sentence = said("Evening walks improved sleep in one trial and not in another [1][2].", 1, 2)
    assert disagreements([sentence], SOURCES) == ()


def test_figures_of_another_study_are_not_set_against_each_other() -> None:
    assert disagreements([said("Seventy adults took part in evening walks [1].", 1)], SOURCES) == ()


def test_notes_are_few() -> None:
    many = [said(f"Evening walks improved sleep in older adults, part {n} [1].", 1)
            for n in ("one", "two", "three", "four")]  # fmt: skip
    assert len(disagreements(many, SOURCES)) <= MAX_NOTES
