"""The page's server under many readers: ``make bench-serve``.

A real ``rag chat`` in a process of its own, over made-up papers, one for each reader. Every reader
asks about its own paper, by the page's API and by ``/v1`` in turn, and looks whether the answer is
its own: another reader's figure in it is cross-talk. Once with the extractive writer, and once
with a model server that takes its time for each word.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

import rag

from .metrics import quantile

READERS = 20
RAG = [
    sys.executable, "-c",
    f"import sys; sys.path.insert(0, {str(Path(rag.__file__).parent.parent)!r}); "
    "from rag.cli import main; main()",
]  # fmt: skip
WORD = 0.02
"""Seconds that the slow model takes for a word."""
NAMES = [
    a + b for a in ("Bar", "Cor", "Del", "Fen", "Gal") for b in ("oxan", "imide", "ulin", "yth")
]


def figure(reader: int) -> int:
    """The figure that only this reader's paper has."""
    return 211 + 7 * reader


def paper(reader: int) -> dict[str, str]:
    """A paper about the reader's own substance."""
    name = NAMES[reader]
    return {
        "id": f"p{reader}",
        "title": f"{name} in mussel farms",
        "abstract": f"We tested {name} on mussel farms. {name} raised the growth of mussels by "
        f"{figure(reader)} grams in a year. No mussels died.",
    }


def question(reader: int) -> str:
    """What the reader asks."""
    return f"By how many grams did {NAMES[reader]} raise the growth of mussels?"


@dataclass
class Outcome:
    """What the readers met; threads add to it."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed: int = 0
    """Answers with another reader's figure, or without one's own."""
    memory: list[int] = field(default_factory=list)
    """The server's resident memory in MB, once a second."""


# --- readers ----------------------------------------------------------------------------


def by_page(web: httpx.Client, asked: str) -> str:
    """The answer's text, by the page's queue."""
    event = web.post("/gradio_api/call/ask", json={"data": [asked, ""]}).raise_for_status()
    got = web.get(f"/gradio_api/call/ask/{event.json()['event_id']}").raise_for_status().text
    kind, _, data = got.rpartition("event: ")[2].partition("\ndata: ")
    if kind != "complete":
        raise ValueError(f"{kind}: {data[:200]}")
    text: str = json.loads(data)[0]["text"]
    return text


def by_v1(web: httpx.Client, asked: str) -> str:
    """The answer's text, streamed by ``/v1``."""
    body = {
        "model": "footnote-library", "stream": True,
        "messages": [{"role": "user", "content": asked}],
    }  # fmt: skip
    text = ""
    with web.stream("POST", "/v1/chat/completions", json=body) as reply:
        reply.raise_for_status()
        for line in reply.iter_lines():
            if line.startswith("data: {"):
                event = json.loads(line[6:])
                if "error" in event:
                    raise ValueError(event["error"]["message"])
                text += event["choices"][0]["delta"].get("content") or ""
    return text


def is_own(text: str, reader: int) -> bool:
    """Whether an answer has the reader's figure and nobody else's."""
    has = [str(figure(other)) in text for other in range(READERS)]
    return has[reader] and sum(has) == 1


def read(address: str, reader: int, until: float, outcome: Outcome) -> None:
    """One reader: asks, waits, looks, asks again."""
    turn = reader
    with httpx.Client(base_url=address, timeout=120) as web:
        while time.monotonic() < until:
            begun = time.monotonic()
            try:
                text = (by_page, by_v1)[turn % 2](web, question(reader))
            except (httpx.HTTPError, ValueError, KeyError) as error:
                outcome.errors.append(f"{type(error).__name__}: {error}")
                time.sleep(0.2)
            else:
                outcome.seconds.append(time.monotonic() - begun)
                outcome.mixed += not is_own(text, reader)
            turn += 1


def load(address: str, pid: int, seconds: float) -> Outcome:
    """All readers at once for so many seconds."""
    outcome, until = Outcome(), time.monotonic() + seconds
    readers = [
        threading.Thread(target=read, args=(address, number, until, outcome))
        for number in range(READERS)
    ]
    for each in readers:
        each.start()
    while any(each.is_alive() for each in readers):
        outcome.memory.append(resident(pid))
        time.sleep(1)
    return outcome


def resident(pid: int) -> int:
    """A process's memory in MB; 0 where there is no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


# --- servers ----------------------------------------------------------------------------


@contextmanager
def slow_model() -> Iterator[str]:
    """A model server that says the first source's second sentence, word by word."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = body["messages"][-1]["content"]
            reader = next(n for n, name in enumerate(NAMES) if f"{name} raise the" in asked)
            said = f"{NAMES[reader]} raised the growth of mussels by {figure(reader)} grams [1]."
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for word in said.split(" "):
                time.sleep(WORD)
                self._event({"content": word + " "}, None)
            self._event({}, "stop")
            self.wfile.write(b"data: [DONE]\n\n")

        def _event(self, delta: dict[str, str], finish: str | None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            event = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "slow",
                     "choices": [choice]}  # fmt: skip
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()

        def log_message(self, *_args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        http.server_close()


@contextmanager
def page(store: Path, *options: str) -> Iterator[tuple[str, int, float]]:
    """A page's address, its process, and the seconds until it was there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begun = time.monotonic()
    process = subprocess.Popen(
        [*RAG, "chat", "--no-browser", "--port", str(port), "--store", str(store), *options],
        cwd=store.parent,  # where its settings are, in .env
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        while not _there(address):
            if process.poll() is not None or time.monotonic() - begun > 600:
                raise RuntimeError("rag chat did not start; run it by hand to see why")
            time.sleep(0.1)
        yield address, process.pid, time.monotonic() - begun
    finally:
        process.terminate()
        process.wait(30)


def _there(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


# --- the table --------------------------------------------------------------------------


def row(name: str, outcome: Outcome, started: float) -> str:
    """A line of the table."""
    times = outcome.seconds or [0.0]
    # What the first requests load is no growth.
    settled = outcome.memory[len(outcome.memory) // 4 :] or [0]
    return (
        f"| {name} | {started:.1f} | {len(outcome.seconds)} | {len(outcome.errors)} | "
        f"{outcome.mixed} | {quantile(times, 0.5):.2f} | {quantile(times, 0.95):.2f} | "
        f"{settled[0]} | {settled[-1]} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns 1 where anything failed or was mixed up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60, help="for each writer (%(default)s)")
    seconds = parser.parse_args(arguments).seconds
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        store, source = Path(folder) / "library", Path(folder) / "papers.jsonl"
        source.write_text("".join(json.dumps(paper(n)) + "\n" for n in range(READERS)))
        subprocess.run([*RAG, "ingest", str(source), "--store", str(store)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        print(f"{READERS} readers, {seconds:g} s for each writer\n")
        print(
            "| writer | start s | answers | errors | mixed up | p50 s | p95 s | MB then | MB now |"
        )
        print("|---|---|---|---|---|---|---|---|---|", flush=True)
        with page(store) as (address, pid, started):
            outcomes.append(load(address, pid, seconds))
            print(row("extractive", outcomes[-1], started), flush=True)
        with slow_model() as url:
            settings = f"OPENAI_BASE_URL={url}\nOPENAI_API_KEY=k\n"
            (store.parent / ".env").write_text(settings)
            with page(store, "--model", "slow") as (address, pid, started):
                outcomes.append(load(address, pid, seconds))
                print(row(f"model, {WORD * 1000:.0f} ms a word", outcomes[-1], started), flush=True)
    for error in sorted({each for outcome in outcomes for each in outcome.errors})[:5]:
        print(error, file=sys.stderr)
    return int(any(o.errors or o.mixed or not o.seconds for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
