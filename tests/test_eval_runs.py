from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import runs
from rag.errors import InputError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def written(tmp_path, *lines: str):
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_line_of_ours_and_a_short_one_of_theirs(tmp_path):
    ours = {
        "id": 7, "text": "A [1].", "refused": False, "refusal": None, "model": "m",
        "sources": [{"n": 1, "paper_id": "p", "title": "T", "url": "", "year": None, "text": "A."}],
        "retrieved": [{"paper_id": "q", "title": "Q", "score": 0.5}], "strange": 1,
    }  # fmt: skip
    path = written(
        tmp_path,
        json.dumps(ours),
        '{"id": "b", "text": "B.", "sources": [{"paper_id": "x"}, {"paper_id": "x"}]}',
    )
    lines = runs.read_run(path)
    assert lines["7"].ranked == ("q",) and lines["7"].numbered[0].text == "A."
    assert lines["b"].ranked == ("x",) and [s.n for s in lines["b"].numbered] == [1, 2]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", r"run\.jsonl:2: expected an answer as rag run writes it.*no JSON object"),
        ("[1]", "no JSON object"),
        ('{"text": "x"}', "id: Field required"),
        ('{"id": "", "text": "x"}', "id: "),
        ('{"id": "b"}', "expected text or error, found neither"),
        ('{"id": "b", "text": "x", "sources": [{"n": "one"}]}', r"sources\.0\.n: "),
        ('{"id": "a", "text": "x"}', "expected each id once, found 'a' again"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, expected):
    with pytest.raises(InputError, match=expected):
        runs.read_run(written(tmp_path, '{"id": "a", "text": "x"}', line))


def test_a_run_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        runs.read_run(tmp_path / "none.jsonl")
    path = tmp_path / "latin.jsonl"
    path.write_bytes('{"id": "ä"}'.encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8"):
        runs.read_run(path)


def test_times_are_no_part_of_a_hash():
    row = {"id": "a", "timings": {"total": 1.0}, "items": [{"timings": {"x": 2}, "y": 1}]}
    other = {"items": [{"y": 1, "timings": {"x": 3}}], "id": "a"}
    assert runs.content_hash([row]) == runs.content_hash([other])
    assert runs.content_hash([row]) != runs.content_hash([row | {"id": "b"}])


@given(json_values)
def test_nothing_but_times_is_left_out(value):
    assert runs.untimed({"kept": value}) == {"kept": runs.untimed(value)}
    assert runs.untimed({"timings": value}) == {}


def test_a_meta_that_is_spoilt_is_none(tmp_path):
    run = tmp_path / "run.jsonl"
    assert runs.read_meta(run) is None
    runs.meta_path(run).write_text("[1")
    assert runs.read_meta(run) is None
    runs.meta_path(run).write_text("[1]")
    assert runs.read_meta(run) is None
