from __future__ import annotations

import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import InputError
from rag.loaders import textfile
from rag.loaders.textfile import MAX_LINE, MAX_RECORD, TextFile
from rag.types import Failure

SAMPLES = {
    "utf-8": "Größe der Öfen — für “Müller”, 風と潮",
    "utf-8-sig": "Größe der Öfen",
    "utf-16": "Größe der Öfen, 風と潮",
    "utf-32": "Größe der Öfen, 風と潮",
    "cp1252": "Größe der Öfen — für “Müller”, naïve",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "cp1251": "Ветер и опоздание приливов у берегов",
    "koi8_r": "Ветер и опоздание приливов у берегов",
    "cp1253": "Ο άνεμος και η καθυστέρηση της παλίρροιας",
    "gb18030": "风与潮汐的迟到以及港口的观测，在不同的季节里",
    "cp932": "この研究では、九つの港で潮位を毎時測定し、風の影響を調べた。",
}


class Endless(io.RawIOBase):
    """A gigabyte without a line end, and a count of what was read of it."""

    def __init__(self, start: bytes = b"") -> None:
        self.start, self.left = start, 10**9

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        piece = self.start or b"x" * min(len(buffer), self.left)
        self.start = b""
        self.left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def lines(file: TextFile) -> tuple[list[str], list[Failure]]:
    failures: list[Failure] = []
    return [line for _, line in file.lines(failures.append)], failures


@pytest.mark.parametrize("encoding", SAMPLES)
def test_character_sets_are_recognised(encoding):
    text = SAMPLES[encoding]
    file = TextFile("x", io.BytesIO(f"plain\n{text}\r\n{text}".encode(encoding)))
    assert file.head.replace("\r", "") == f"plain\n{text}\n{text}"
    assert lines(file) == (["plain", text, text], [])


def test_the_declaration_of_xml_names_the_character_set():
    text = '<?xml version="1.0" encoding="ISO-8859-5"?><a>Ћ</a>'
    assert TextFile("x", io.BytesIO(text.encode("iso-8859-5"))).text() == text


def test_stray_bytes_in_utf8_are_read_as_windows_wrote_them():
    content = "Größe\n".encode() * 20 + "“Öfen”\n".encode("cp1252")
    assert lines(TextFile("x", io.BytesIO(content)))[0][-1] == "“Öfen”"


def test_line_ends_of_all_systems():
    for end in ("\n", "\r\n", "\r"):
        assert lines(TextFile.of("x", end.join("abc")))[0] == ["a", "b", "c"]


@settings(deadline=None)
@given(st.text(min_size=1), st.integers(1, 9))
def test_pieces_joined_are_the_text(text, size):
    if not text.isascii() or not {"\0", "\r"} & set(text):
        text = text.replace("\0", "0").replace("\r", "").lstrip("\ufeff") or "x"
        stream = TextFile.of("x", text).stream()
        assert "".join(iter(lambda: stream.read(size), "")) == text


def test_a_line_too_long_is_reported_and_the_next_one_read():
    content = b"a\n" + b"x" * (MAX_LINE + 1) + b"\nb\n"
    found, [failure] = lines(TextFile("x", io.BytesIO(content)))
    assert found == ["a", "b"]
    assert failure.where == "x:2"
    assert failure.reason.startswith("expected a line of at most")


def test_a_line_of_a_gigabyte_is_given_up_without_reading_it():
    source = Endless(b"a\n")
    file = TextFile("x", io.BufferedReader(source))
    tracemalloc.start()
    with pytest.raises(InputError, match="line 2 does not end within"):
        lines(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert source.left > 9e8
    assert peak < 4 * MAX_LINE


def test_a_record_too_long_is_refused_and_the_count_starts_anew_with_each():
    stream = TextFile("x", io.BufferedReader(Endless())).stream()
    with pytest.raises(InputError, match="expected records of at most"):
        while stream.read():
            pass
    stream = TextFile("x", io.BufferedReader(Endless())).stream()
    for _ in range(3 * MAX_RECORD // 65536):
        assert stream.read()
        stream.next_record()


def test_a_text_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(textfile, "MAX_TEXT", 10**6)
    with pytest.raises(InputError, match="1,000,000"):
        TextFile("x", io.BufferedReader(Endless())).text()
    assert json.loads(TextFile.of("x", "[1]").text()) == [1]
