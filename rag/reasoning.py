"""What some models think aloud before they answer, kept out of the answer."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


class AfterReasoning:
    """A reply that arrives in pieces, without the ``<think>`` block that it begins with.

    However the reply is cut, the text is the same; a block that never ends leaves none. Only
    the reply's beginning is looked at: later tags are text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, piece: str) -> str:
        """Add a piece; return the text of the answer that is certain now."""
        if self._state == "answer":
            return piece
        self._held += piece
        if self._state == "start":
            begun = self._held.lstrip()
            if begun != _OPEN and _OPEN.startswith(begun):
                return ""  # white space, or what may become the tag
            self._state = "reasoning" if begun.startswith(_OPEN) else "answer"
        if self._state == "reasoning":
            _, closed, after = self._held.partition(_CLOSE)
            if not closed:
                self._held = self._held[-len(_CLOSE) :]  # enough for a tag that is cut in two
                return ""
            self._held, self._state = after, "answer"
        return self.close()

    def close(self) -> str:
        """The text that was held back and is no reasoning after all."""
        held, self._held = self._held, ""
        return "" if self._state == "reasoning" else held
