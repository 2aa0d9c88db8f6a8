"""What the answering model learns from: papers, each with questions about it.

Our own questions lie in ``eval/questions``; they speak of public abstracts, which are read from
where ``data`` says, and of abstracts of our own in ``eval/claims``.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rag.sentences import sentence_spans

from . import frames
from .examples import all_abstracts, lines, spans_of

QUESTIONS = Path(__file__).parent.parent / "questions" / "training.jsonl"
Spans = tuple[tuple[int, int], ...]
UNKNOWN = -1
ANSWERED, STRANGER = "answered", "stranger"
_CONCLUDING = 2
"""Sentences before the authors' conclusion that may answer their question, too."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what its paper has on it."""

    text: str
    kind: str
    answered: int
    """1, 0 or ``UNKNOWN``."""
    found: tuple[int, ...] | None
    """The sentences that answer, from 0; None where it is not known which."""
    lacking: Spans | None
    """The characters that the paper lacks or contradicts; None where it is not known which."""
    perhaps: tuple[int, ...] = ()
    """Sentences that may answer or not."""


@dataclass(frozen=True, slots=True)
class Paper:
    """A title and an abstract with the questions that are put to it."""

    id: str
    title: str
    text: str
    questions: tuple[Question, ...]

    @property
    def sentences(self) -> list[tuple[int, int]]:
        """The spans of the abstract's sentences, in the abstract."""
        return sentence_spans(self.text)


def asked(data: Path, path: Path = QUESTIONS) -> list[Paper]:
    """Our own questions: six a paper, most of them in minimal pairs."""
    abstracts = all_abstracts(data)
    questions: dict[str, list[Question]] = {}
    for row in lines(path):
        answered = row["label"] == ANSWERED
        spans = spans_of(row["question"], row["missing"])
        found = tuple(n - 1 for n in row["sentences"])
        question = Question(row["question"], row["label"], int(answered), found, spans)
        questions.setdefault(row["source"], []).append(question)
    return [Paper(id_, *abstracts[id_], tuple(rows)) for id_, rows in questions.items()]


def pubmedqa(data: Path) -> list[Paper]:
    """Papers that ask a question and answer it in their conclusion.

    The title, which is the question itself, is left out.
    """
    papers = []
    for row in lines(data / "pubmedqa" / "dev.jsonl"):
        before = len(sentence_spans(row["abstract"]))
        text = f"{row['abstract']} {row['conclusion']}"
        found = tuple(range(before, len(sentence_spans(text))))
        perhaps = tuple(range(max(0, before - _CONCLUDING), before))
        question = Question(row["question"], "pubmedqa", 1, found, (), perhaps)
        papers.append(Paper(f"pubmedqa:{row['pmid']}", "", text, (question,)))
    return papers


def scifact(data: Path) -> list[Paper]:
    """SciFact's training claims as statements that are looked for, with their rationales.

    A cited abstract without evidence has the subject of the claim and not what it asks for.
    """
    corpus = {row["_id"]: row for row in lines(data / "scifact" / "corpus.jsonl")}
    papers: dict[str, list[Question]] = {}
    for row in lines(data / "scifact" / "claims_train.jsonl"):
        for cited in map(str, row["cited"]):
            evidence = row["evidence"].get(cited)
            chosen = {n for group in evidence["sentences"] for n in group} if evidence else set()
            found = _as_spans(corpus[cited]["sentences"], chosen)
            question = Question(row["claim"], "scifact", int(bool(evidence)), found, None)
            papers.setdefault(cited, []).append(question)
    return [
        Paper(f"scifact:{i}", corpus[i]["title"], " ".join(corpus[i]["sentences"]), tuple(rows))
        for i, rows in papers.items()
    ]


def _as_spans(sentences: Sequence[str], chosen: Collection[int]) -> tuple[int, ...]:
    """The numbers of our sentences that hold more than half of a chosen one of theirs."""
    ours = sentence_spans(" ".join(sentences))
    found, at = set(), 0
    for n, sentence in enumerate(sentences):
        end = at + len(sentence)
        if n in chosen:
            found |= {k for k, (a, b) in enumerate(ours) if min(b, end) - max(a, at) > (b - a) / 2}
        at = end + 1
    return tuple(sorted(found))


_WHICH = ("which", "what", "which one", "…")
_HOW_MANY = ("how many", "what number of", "how much", "what")
_SHARE = ("what percentage", "how many per cent", "what share")
_WHETHER = ("Is it true that", "Did they find that", "Was it shown that", "Do we know whether",
            "is there evidence that", "Does the paper say if", "Tell me whether", "")  # fmt: skip


def made(pool: Sequence[Mapping[str, Any]], chance: random.Random, number: int) -> Paper:
    """A document of some findings with questions in the frames' other wordings."""
    chosen = chance.sample(list(pool), 5)
    stated = chosen[: chance.randint(3, 4)]
    fillings: list[tuple[Mapping[str, Any], frames.Values]] = []
    for frame in stated:
        values = frames.values_of(frame, chance)
        fillings.append((frame, values))
        if chance.random() < 0.4:
            fillings.append((frame, frames.values_of(frame, chance, values)))
    chance.shuffle(fillings)
    sentences = [frames.fill(chance.choice(f["says"]), v)[0] for f, v in fillings]
    questions: list[Question] = []
    for n, (frame, values) in enumerate(fillings):
        others = {value for f, v in fillings if f is frame for value in v.values()}
        questions += _of_finding(frame, values, others, n, chance)
    absent = chosen[-1]
    values = frames.values_of(absent, chance)
    questions += [replace(q, answered=0, found=(), lacking=None, kind="absent")
                  for q in _of_finding(absent, values, set(), 0, chance)[:2]]  # fmt: skip
    chance.shuffle(questions)
    text = " ".join(sentences)
    if len(sentence_spans(text)) != len(sentences):
        return made(pool, chance, number)
    return Paper(f"frame{number}", "", text, tuple(questions[:10]))


def _of_finding(
    frame: Mapping[str, Any],
    values: frames.Values,
    others: Collection[str],
    n: int,
    chance: random.Random,
) -> list[Question]:
    """Questions that the finding answers, with one detail altered, and beside the point."""
    made_of = [t for t in (*frame["true"], *frame["says"]) if len(set(frames.SLOT.findall(t))) > 1]
    questions = []
    if made_of:
        wording = chance.choice(made_of)
        slots = sorted(set(frames.SLOT.findall(wording)))
        sought, altered = chance.sample(slots, 2)
        text, _ = _in_place(frame, wording, sought, values, chance)
        questions.append(Question(text, "wh", 1, (n,), ()))
        other = frames.values_of(frame, chance, dict(enumerate(sorted(others))))[altered]  # type: ignore[arg-type]
        if other not in others:
            wrong = {**values, altered: other}
            text, spans = _in_place(frame, wording, sought, wrong, chance, altered)
            questions.append(Question(text, "altered", 0, (n,), spans))
    wording = chance.choice((*frame["true"], *frame["opposite"]))
    if frames.SLOT.search(wording):
        questions.append(Question(_whether(wording, values, chance), "whether", 1, (n,), ()))
    beside = chance.choice(frame["beside"])
    questions.append(Question(_whether(beside, values, chance), "beside", 0, (), None))
    return questions


def _whether(wording: str, values: frames.Values, chance: random.Random) -> str:
    text, _ = frames.fill(wording, values)
    start = chance.choice(_WHETHER)
    if start and text[1:2].islower():
        text = text[0].lower() + text[1:]
    return f"{start} {text.rstrip('.')}?".strip()


def _in_place(
    frame: Mapping[str, Any],
    wording: str,
    sought: str,
    values: frames.Values,
    chance: random.Random,
    marked: str = "",
) -> tuple[str, Spans]:
    """The wording with a question word in the place of a slot, and where the marked one stands."""
    number = isinstance(frame["slots"][sought], dict)
    asked_for = f"{{{sought}}}"
    if number and f"{asked_for}%" in wording:
        wording = wording.replace(f"{asked_for}%", asked_for)
        word = chance.choice(_SHARE)
    else:
        word = chance.choice(_HOW_MANY if number else _WHICH)
    text, spans = frames.fill(wording, {**values, sought: word}, [marked])
    return text.rstrip(".") + chance.choice(("?", "?", "")), spans


def varied(paper: Paper, chance: random.Random) -> Paper:
    """The paper as it is, without its title, or without the sentences that answer a question.

    What is asked for and no longer stated is not answered any more, with all else in place.
    """
    drawn = chance.random()
    if drawn < 0.5:
        return paper if drawn > 0.07 else replace(paper, title="")
    answers = [q.found for q in paper.questions if q.answered == 1 and q.found]
    if not answers:
        return paper
    gone = set(chance.choice(answers))
    spans = paper.sentences
    rest = [n for n in range(len(spans)) if n not in gone]
    gone |= set(chance.sample(rest, min(len(rest) // 3, chance.randint(0, 2))))
    kept = [n for n in range(len(spans)) if n not in gone]
    if len(kept) < 3:
        return paper
    text = " ".join(paper.text[a:b] for a, b in (spans[n] for n in kept))
    if len(sentence_spans(text)) != len(kept):
        return paper
    place = {old: new for new, old in enumerate(kept)}
    return replace(paper, text=text, questions=tuple(_left(q, place) for q in paper.questions))


def _left(question: Question, place: Mapping[int, int]) -> Question:
    """The question's labels where only some sentences are left, at other places."""
    if question.found is None:
        return replace(question, answered=UNKNOWN, lacking=None)
    found = tuple(place[n] for n in question.found if n in place)
    perhaps = tuple(place[n] for n in question.perhaps if n in place)
    answered, lacking = question.answered, question.lacking
    if answered == 1 and len(found) < len(question.found):
        answered, lacking = (UNKNOWN if found or perhaps else 0), None
    return replace(question, found=found, perhaps=perhaps, answered=answered, lacking=lacking)


def strangers(papers: Sequence[Paper], count: int, chance: random.Random) -> Iterator[Paper]:
    """Each paper with questions of others, half of them those that are nearest to it.

    Only questions that name their subject well enough for search to find their own paper first:
    what "how many patients were there?" asks for, most papers have.
    """
    from rag.minilm import MiniLM

    model = MiniLM()
    own = [(n, q) for n, p in enumerate(papers) for q in p.questions if q.answered == 1]
    near = (
        model.encode([q.text for _, q in own])
        @ model.encode([f"{p.title} {p.text}" for p in papers]).T
    )
    named = [k for k, (n, _) in enumerate(own) if near[k].argmax() == n]
    for n, paper in enumerate(papers):
        order = [k for k in np.argsort(-near[:, n])[:60] if own[k][0] != n and k in set(named)]
        drawn = chance.sample(order, min(len(order), count // 2)) + chance.sample(named, count)
        others = [own[k][1] for k in dict.fromkeys(drawn) if own[k][0] != n][:count]
        more = [Question(q.text, STRANGER, 0, (), None) for q in others]
        yield replace(paper, questions=(*paper.questions, *more))
