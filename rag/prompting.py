"""What a model is told: the texts of ``prompts/`` with numbered, neutralised sources.

Everything that comes from a paper or a person is data. It is put between tags that it can
neither close nor open, and it holds nothing that could pass for a citation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Template

from rag import resources
from rag.injection import instruction_spans
from rag.sentences import without_markers
from rag.text import clean
from rag.types import Removed, Source, Turn

NO_ANSWER = "NO_ANSWER"
"""A model's whole reply, or a repaired line's, where the sources hold no answer."""

CLAIM_LIMIT = 2_000
"""Characters of a claim that a model is asked to judge."""

Message = dict[str, str]
"""``role`` and ``content``, as the chat protocol has them."""

_HISTORY_TURNS = 6
# One odd record or message must not crowd the others out of a small model's context.
_ABSTRACT_LIMIT = 8_000
_TITLE_LIMIT = 600
_QUESTION_LIMIT = 8_000
_TURN_LIMIT = 1_500

_OPENING = dict.fromkeys(map(ord, "＜﹤‹〈〈⟨˂ᐸ❮❰"), "<")
_CLOSING = dict.fromkeys(map(ord, "＞﹥›〉〉⟩˃ᐳ❯❱"), ">")
# "p < 0.05" stays readable: before a figure the sign cannot begin a tag.
_TAG_OPEN = re.compile(r"<(?!\s*=?\s*\.?[0-9])")
_TAG_CLOSE = re.compile(r">(?!\s*=?\s*\.?[0-9])")
_MARKER = re.compile(
    r"( ?)[\[【［](?=[^\]】］]{0,200}\d)((?:[\d\s,;&^†–—-]|and|sources?){1,80})[\]】］]",
    re.IGNORECASE,
)


def build_prompt(
    question: str, sources: Sequence[Source], history: Sequence[Turn]
) -> list[Message]:
    """The messages that ask for a draft: the rules, then sources, conversation, question."""
    user = _fill(
        "answer_user",
        sources="\n".join(_source(source) for source in sources),
        conversation=_conversation(history),
        question=neutralise(question, _QUESTION_LIMIT),
    )
    return [_message("system", resources.prompt("answer_system")), _message("user", user)]


def repair_prompt(
    question: str, sources: Sequence[Source], draft: str, faults: Sequence[Removed]
) -> list[Message]:
    """The messages that ask for one corrected line per rejected sentence, in their order."""
    rejected = "\n".join(
        _fill("rejected", n=n, sentence=_escape(fault.text), reason=_escape(fault.reason))
        for n, fault in enumerate(faults, 1)
    )
    return [
        *build_prompt(question, sources, ()),
        _message("assistant", clean(draft)),
        _message("user", _fill("repair_user", rejected=rejected)),
    ]


def condense_prompt(question: str, history: Sequence[Turn]) -> list[Message]:
    """The messages that ask for ``question`` rewritten to stand without ``history``."""
    user = _fill(
        "condense_user",
        conversation=_conversation(history),
        question=neutralise(question, _QUESTION_LIMIT),
    )
    return [_message("system", resources.prompt("condense_system")), _message("user", user)]


def judge_prompt(
    claims: Sequence[tuple[str, Sequence[int]]], sources: Sequence[Source]
) -> list[Message]:
    """The messages that ask for a verdict on each claim, numbered from 1.

    Args:
        claims: the text of each and the numbers of its sources; at most ``CLAIM_LIMIT``
            characters, since a claim whose end is cut off is another claim.
        sources: what the claims cite, each once, under its number.
    """
    user = _fill(
        "judge_user",
        sources="\n".join(_source(source) for source in sources),
        claims="\n".join(
            _fill("claim", n=n, sources=" ".join(map(str, cited)), text=_escape(text))
            for n, (text, cited) in enumerate(claims, 1)
        ),
    )
    return [_message("system", resources.prompt("judge")), _message("user", user)]


def propose_prompt(source: Source) -> list[Message]:
    """The messages that ask for questions to test answers on ``source`` with."""
    user = _fill("propose_user", source=_source(source))
    return [_message("system", resources.prompt("propose")), _message("user", user)]


def neutralise(text: str, limit: int) -> str:
    """``text`` on one line of at most about ``limit`` characters, as plain data.

    Control, bidirectional and other invisible characters are gone, angle brackets that could
    belong to a tag are escaped, and ``[3]`` became ``(3)``.
    """
    return _escape(without_markers(_MARKER.sub(r"\1(\2)", _one_line(text)[:limit])))


def _source(source: Source) -> str:
    title = _marked(source.title[:_TITLE_LIMIT])
    abstract = _marked(source.text[:_ABSTRACT_LIMIT])
    return _fill("source", n=source.n, title=title, abstract=abstract)


def _marked(text: str) -> str:
    """A source's text as plain data, its instructions between tags that say what they are.

    They are shown, not cut out: a model that sees them marked is less likely to take what the
    rules missed for its own orders (Hines et al., 2024, arXiv:2403.14720).
    """
    pieces, done = [], 0
    for start, end in instruction_spans(text):
        pieces.append(neutralise(text[done:start], len(text)))
        pieces.append(_fill("not_research", text=neutralise(text[start:end], len(text))))
        done = end
    return " ".join(filter(None, [*pieces, neutralise(text[done:], len(text))]))


def _conversation(history: Sequence[Turn]) -> str:
    # Inside one message, not as messages: some chat templates accept only strict alternation,
    # and a forged assistant turn has no more weight than any other text.
    return "\n".join(_turn(turn) for turn in history[-_HISTORY_TURNS:])


def _turn(turn: Turn) -> str:
    content = _one_line(turn.content)
    if turn.role == "assistant":  # the numbers of an earlier answer belong to other sources
        content = _MARKER.sub("", content)
    return f"{turn.role.capitalize()}: {neutralise(content, _TURN_LIMIT)}"


def _escape(text: str) -> str:
    line = _one_line(text).translate(_OPENING | _CLOSING)
    return _TAG_CLOSE.sub("&gt;", _TAG_OPEN.sub("&lt;", line))


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _fill(name: str, **values: object) -> str:
    return Template(resources.prompt(name).strip()).substitute(values)


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content.strip()}
