"""How far work is and what became of it, as HTML: pure functions, every value escaped."""

from __future__ import annotations

from html import escape

from rag.web.jobs import Progress


def progress_html(progress: Progress) -> str:
    """A bar with its figures; one without end where the total is not known yet."""
    share = f' value="{progress.done}" max="{progress.total}"' if progress.total else ""
    line = str(progress)
    shown = escape(line[:1].upper() + line[1:])
    bar = f'<progress aria-label="{escape(progress.stage)}"{share}></progress>'
    return (
        f'<div class="progress" role="status">{bar}'
        f"<p>{shown}{'' if progress.done else '…'}</p></div>"
    )


def problem_html(text: str) -> str:
    """Why something was not done."""
    return f'<p class="problem" role="alert">{escape(text[:1].upper() + text[1:])}</p>'


def remark_html(text: str) -> str:
    """What was done, or what to do."""
    return f'<p class="remark" role="status">{escape(text)}</p>'


def counted(n: int, one: str, more: str = "") -> str:
    """``1 paper``, ``1,204 papers``."""
    return f"{n:,} {one if n == 1 else more or one + 's'}"
