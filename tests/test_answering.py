from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from rag import answering
from rag.answering import MAX_PAPER, WEIGHTS, Answering, Relevance
from rag.errors import ModelError
from rag.sentences import sentence_spans

KNEES = (
    "A network for knee scans",
    "Torn ligaments are often missed. The network was trained on 80 knee MRI scans from two "
    "hospitals. It found torn ligaments more often than two residents did. Small cartilage "
    "lesions were missed.",
)
POULTRY = ("Poultry", "Vaccination of hens was cheap and safe. It was tried on 12 farms.")
ASKED = "How many knee scans was the network trained on?"
ULTRASOUND = "How many ultrasound scans of the knee was the network trained on?"


@pytest.fixture(scope="module")
def model() -> Answering:
    return Answering()


@pytest.fixture(scope="module")
def found(model: Answering) -> Relevance:
    return model.read(ASKED, [KNEES])[0]


def test_the_paper_that_answers_and_its_sentence_stand_out(
    model: Answering, found: Relevance
) -> None:
    (elsewhere,) = model.read(ASKED, [POULTRY])
    assert found.answered > 0.5 > elsewhere.answered
    assert max(range(4), key=found.sentences.__getitem__) == 1


def test_a_detail_that_the_paper_lacks_is_marked(model: Answering, found: Relevance) -> None:
    (other,) = model.read(ULTRASOUND, [KNEES])
    assert other.answered < found.answered
    low, high, _ = max(other.lacking, key=lambda word: word[2])
    assert ULTRASOUND[low:high] == "ultrasound"


def test_words_are_the_questions_own_and_all_shares_probabilities(found: Relevance) -> None:
    words = [ASKED[low:high] for low, high, _ in found.lacking]
    assert words == ASKED.rstrip("?").split()
    shares = [found.answered, *found.sentences, *(share for *_, share in found.lacking)]
    assert all(0 <= share <= 1 for share in shares)
    assert len(found.sentences) == len(sentence_spans(KNEES[1]))


def test_a_papers_result_does_not_depend_on_the_papers_beside_it(
    model: Answering, found: Relevance
) -> None:
    assert model.read(ASKED, [POULTRY, KNEES, KNEES]) == [
        *model.read(ASKED, [POULTRY]), found, found,
    ]  # fmt: skip
    assert model.read(ASKED, []) == []


def test_threads_share_one_model(found: Relevance) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda _: answering.read(ASKED, [KNEES, POULTRY])[0], range(8))
    assert set(results) == {found}


def test_a_long_abstract_is_read_to_its_end(model: Answering, found: Relevance) -> None:
    filler = "Hens were weighed twice a day in all of the farms that took part. " * 60
    (late,) = model.read(ASKED, [(KNEES[0], filler + KNEES[1])])
    assert len(late.sentences) == 64
    assert max(range(64), key=late.sentences.__getitem__) == 61
    assert late.answered > 0.5


def test_windows_overlap_and_hold_every_sentence_whole(model: Answering) -> None:
    text = "Hens were weighed twice a day in all of the farms that took part. " * 60
    windows = list(model._windows("A title " * 200, text))
    assert sorted({n for window in windows for n in window.numbers}) == list(range(60))
    for one, two in pairwise(windows):
        assert len(set(one.numbers) & set(two.numbers)) == answering.OVERLAP
    for window in windows:
        assert len(model._model[0].encode(window.text).ids) <= MAX_PAPER
        texts = {window.text[low:high] for low, high in window.spans}
        assert texts == {"Hens were weighed twice a day in all of the farms that took part."}


def test_a_paper_lacks_only_what_all_of_its_windows_lack() -> None:
    one = Relevance(0.2, (0.1, 0.3), ((0, 4, 0.9), (5, 9, 0.1)))
    two = Relevance(0.7, (0.8, 0.2), ((0, 4, 0.2), (5, 9, 0.4)))
    windows = [(answering.Window("", numbers, ()), found)
               for numbers, found in ((range(2), one), (range(1, 3), two))]  # fmt: skip
    assert answering.best(windows) == Relevance(0.7, (0.1, 0.8, 0.2), ((0, 4, 0.2), (5, 9, 0.1)))


def test_any_text_is_taken(model: Answering) -> None:
    odd = ["", " ", "\ud800", "[PAD] [SEP]", "x" * 5000, "word " * 2000, "日本語", "One. Two."]
    for question in odd:
        results = model.read(question, [(text, text) for text in odd])
        for text, one in zip(odd, results, strict=True):
            assert len(one.sentences) == len(sentence_spans(text))
            shares = [one.answered, *one.sentences, *(share for *_, share in one.lacking)]
            assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize("content", [None, b"no weights", WEIGHTS.read_bytes()[:1000]])
def test_missing_or_damaged_weights_are_a_clear_error(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "some.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"some\.safetensors cannot be read: .*install"):
        Answering(path).read("A question?", [KNEES])
