from __future__ import annotations

import gradio as gr
import pytest
from starlette.requests import Request

from rag.web.visitors import NOBODY, Visitor, is_id, new_id, note, visitor, visitor_of


def test_the_visitor_is_found_in_starlettes_request_and_in_gradios() -> None:
    scope = {"type": "http", "headers": []}
    note(scope, Visitor("ada", "10.0.0.7", user=True))
    for request in (Request(scope), gr.Request(Request(scope))):
        assert visitor(request) == "ada"
        assert visitor_of(request).counted_as == "user ada"


@pytest.mark.parametrize("request_", [None, gr.Request(), Request({"type": "http"})])
def test_without_a_server_there_is_one_visitor(request_: object) -> None:
    assert visitor(request_) == NOBODY


def test_who_has_no_login_is_counted_by_address() -> None:
    assert Visitor(new_id(), "10.0.0.7").counted_as == Visitor(new_id(), "10.0.0.7").counted_as
    # A user cannot take an address's name.
    assert Visitor("address 1", "", user=True).counted_as != Visitor("x", "1").counted_as


def test_an_id_is_a_files_name_and_nothing_else_is_an_id() -> None:
    assert is_id(new_id()) and new_id() != new_id()
    for odd in ("", "..", "../../etc/passwd", "a" * 21, "a" * 23, "a" * 21 + "/", "a" * 22 + "\n"):
        assert not is_id(odd), odd
