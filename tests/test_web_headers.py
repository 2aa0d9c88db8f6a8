from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator

import pytest

from rag import resources
from rag.library import Library
from rag.web.headers import inline_hashes
from tests.serving import get, served, small_library


def digest(script: bytes) -> str:
    return f" 'sha256-{b64encode(hashlib.sha256(script).digest()).decode()}'"


def test_inline_scripts_are_named_and_files_are_not() -> None:
    page = b"<script>a()</script><script src='x'></script>\n<script data-x>\nb()\n</script>"
    assert inline_hashes(page) == digest(b"a()") + digest(b"\nb()\n")
    assert inline_hashes(b"<script>a()</script><script>a()</script>") == digest(b"a()")
    assert inline_hashes(b"none") == ""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with small_library(tmp_path_factory.mktemp("headers")) as opened:
        yield opened


def test_the_page_allows_its_own_scripts_and_no_others(library: Library) -> None:
    with served(library) as address:
        page = get(address)
        policy = page.headers["content-security-policy"]
        scripts = policy.partition("script-src")[2].partition(";")[0]
        assert "'unsafe-inline'" not in scripts and scripts.count("'sha256-") >= 4
        assert inline_hashes(page.content) in scripts
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        script = resources.path("eval/page/page.js").read_bytes()
        assert digest(script) in scripts  # a report stands in a frame of the page
        other = get(f"{address}config").headers
        assert "sha256" not in other["content-security-policy"]
        assert other["x-content-type-options"] == "nosniff"
        assert other["referrer-policy"] == "same-origin"
