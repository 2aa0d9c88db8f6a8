"""What a reader asks for with the buttons under an answer, as the browser sends it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, get_args

Act = Literal["retry", "edit", "cancel", "up", "down"]


@dataclass(frozen=True, slots=True)
class Wish:
    """An act on the exchange ``turn``, counted from 1; 0 where it is on none."""

    act: Act
    turn: int = 0


def read_wish(text: str, turns: int) -> Wish | None:
    """The wish in a browser's JSON; None: it is none, or of an exchange that is not there."""
    try:
        given = json.loads(text)
        act, turn = given["act"], given["turn"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if act not in get_args(Act) or type(turn) is not int:
        return None
    fits = turn == 0 if act == "cancel" else 1 <= turn <= turns
    return Wish(act, turn) if fits else None
