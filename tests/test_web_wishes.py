from __future__ import annotations

import pytest

from rag.web.wishes import Wish, read_wish


def test_a_wish_is_read() -> None:
    assert read_wish('{"act": "retry", "turn": 2}', 2) == Wish("retry", 2)
    assert read_wish('{"act": "cancel", "turn": 0}', 0) == Wish("cancel", 0)


@pytest.mark.parametrize(
    "text",
    [
        *("", "null", "[]", "{}", '"up"', "[" * 100_000, '{"act": "up"}'),
        *('{"act": "up", "turn": 3}', '{"act": "up", "turn": 0}', '{"act": "up", "turn": -1}'),
        *('{"act": "up", "turn": true}', '{"act": "up", "turn": "1"}', '{"act": "x", "turn": 1}'),
        *(
            '{"act": ["up"], "turn": 1}',
            '{"act": "up", "turn": 1.0}',
            '{"act": "up", "turn": null}',
        ),
    ],
)
def test_what_is_no_wish_is_left_alone(text: str) -> None:
    assert read_wish(text, 2) is None
