"""LaTeX in titles, names and abstracts, as the text that it prints.

Abstracts are often plain text put into a LaTeX field as it was: "43%", "$5 to $9", "~50". Where
TeX would read a comment, a formula or a space there, the characters stand for themselves.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pylatexenc.latex2text import LatexNodes2Text

_TELLING = re.compile(r"[\\{}$~]|--|``|''")
_ESCAPED = re.compile(r"\\([%&#_$])")
_ESCAPED_MARK = re.compile(r"\\[\\{}$]")
_MATH = re.compile(r"(?<!\\)\$")
# A formula: it has a macro in it, or is one as Pandoc knows them: no space inside its dollars,
# no digit after the closing one.
_DOLLAR = re.compile(
    r"(?<!\\)(?:(\$\$?(?:[^$\\]*\\[a-zA-Z][^$]*|(?=[^\s$])[^$]*(?<=[^\s\\])(?=\$+(?!\d)))\$\$?)|\$)"
)
_LITERAL = re.compile(r"(?<!\\)([%&#])")
_ABOUT = re.compile(r"(?<!\S)~(?=[\d.$\\])|(?<=[(\[])~(?=\d)")
_ACCENT = re.compile(r"\\(?:[a-zA-Z]|['`^\"~=.])$")
# The parser does not know these to have an argument.
_HREF = re.compile(r"\\href\s*\{[^{}]*\}")
_SHIFTED = re.compile(r"(\d?)\\text(super|sub)script\s*(?=\{)")
# As letters of the alphabet, so that a search for "O(n)" finds them.
_PLAIN = "mathcal mathbb mathbf mathit mathfrak mathsf mathtt mathscr bm boldsymbol url".split()
_SILENT = "cite citep citet input include bf it em sc sl tt rm sf small footnotesize".split()


def latex_to_text(text: str) -> str:
    """``text`` on one line, without LaTeX; what cannot be read as LaTeX stays as it is."""
    if _TELLING.search(text) or "\\" in text:
        text = _DOLLAR.sub(lambda match: match[1] or r"\$", text)
        text = _ABOUT.sub(r"\\textasciitilde{}", _LITERAL.sub(r"\\\1", text))
        text = _SHIFTED.sub(_shift, _HREF.sub("", text))
        text = "".join(map(_fragment_to_text, _fragments(text)))
    return " ".join(text.split())


def _shift(match: re.Match[str]) -> str:
    """Only after a digit must a shifted figure be marked: 10^5 is not 105."""
    return match[1] and match[1] + ("^" if match[2] == "super" else "_")


def _fragments(text: str) -> list[str]:
    """``text`` in pieces that can be read alone: words, and what braces and dollars join.

    The parser takes 7 microseconds for every character; most words need none of it.
    """
    made: list[str] = []
    open_pieces: list[str] = []
    depth = dollars = 0
    for piece in re.split(r"(\s+)", text):
        open_pieces.append(piece)
        if "{" in piece or "}" in piece or "$" in piece:
            bare = _ESCAPED_MARK.sub("", piece)
            depth += bare.count("{") - bare.count("}")
            dollars += bare.count("$")
        if depth <= 0 and dollars % 2 == 0 and not _awaits_letter(open_pieces):
            made.append("".join(open_pieces))
            open_pieces, depth = [], 0
    return [*made, "".join(open_pieces)]


def _awaits_letter(pieces: list[str]) -> bool:
    """Whether they end in an accent whose letter is yet to come, as in ``\\v S``."""
    last = pieces[-2] if pieces[-1].isspace() and len(pieces) > 1 else pieces[-1]
    return bool(_ACCENT.search(last))


@lru_cache(4096)
def _fragment_to_text(piece: str) -> str:
    if not _TELLING.search(piece):
        return piece
    simple = _ESCAPED.sub(r"\1", piece)
    if not _MATH.search(piece) and not _TELLING.search(simple.replace("$", "")):
        return simple
    try:
        return str(_converter().latex_to_text(piece))
    except Exception:  # the parser raises errors of many kinds for what is no LaTeX
        return simple


@lru_cache(1)
def _converter() -> LatexNodes2Text:
    from pylatexenc.latex2text import (
        LatexNodes2Text,
        MacroTextSpec,
        get_default_latex_context_db,
    )

    context = get_default_latex_context_db()
    context.add_context_category(
        "abstracts",
        prepend=True,
        macros=[
            *(MacroTextSpec(name, simplify_repl="%s") for name in _PLAIN),
            *(MacroTextSpec(name, simplify_repl="") for name in _SILENT),
        ],
    )
    context.set_unknown_macro_spec(MacroTextSpec("", simplify_repl=_unknown))
    return LatexNodes2Text(latex_context=context, math_mode="text")


def _unknown(node: Any, l2tobj: LatexNodes2Text) -> str:
    """The text of a macro's arguments; without any, the macro: it could stand for a figure."""
    arguments = [part for part in node.nodeargd.argnlist if part] if node.nodeargd else []
    return str(l2tobj.nodelist_to_text(arguments)) if arguments else str(node.latex_verbatim())
