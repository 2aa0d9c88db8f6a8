"""How long the page takes to start: ``make bench-start``.

A real ``rag chat`` in a process of its own: the first start ever, which loads the sample, and
one with the sample there. Seconds until a browser is told that it starts, until the page is there
and until a first question is answered; and the processor's seconds until the page was there,
which other work on the machine changes less.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from .bench_serve import RAG, by_page

ASKED = "How many CT scans does Merlin use?"
_PATIENCE = 300


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; nan where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until(answers: Callable[[], bool], begun: float) -> float:
    """Seconds since ``begun`` when ``answers`` is true."""
    while not answers():
        if time.monotonic() - begun > _PATIENCE:
            raise RuntimeError("rag chat did not start; run it by hand to see why")
        time.sleep(0.02)
    return time.monotonic() - begun


def status(address: str) -> int:
    """What a browser gets at the address; 0: nobody is there."""
    try:
        return httpx.get(address, headers={"accept": "text/html"}).status_code
    except httpx.HTTPError:
        return 0


def start(home: Path) -> list[float]:
    """The figures of one start in a data folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    begun = time.monotonic()
    process = subprocess.Popen(
        [*RAG, "chat", "--no-browser", "--port", str(port)],
        cwd=home, stderr=subprocess.DEVNULL,
        env={"XDG_DATA_HOME": str(home), "PATH": os.defpath, "HOME": str(home)},
    )  # fmt: skip
    try:
        told = until(lambda: status(address) in (503, 200), begun)
        there = until(lambda: status(address) == 200, begun)
        used = cpu_seconds(process.pid)
        with httpx.Client(base_url=address, timeout=_PATIENCE) as web:
            asked = time.monotonic()
            by_page(web, ASKED)
        return [told, there, used, time.monotonic() - asked]
    finally:
        process.terminate()
        process.wait(30)


def main() -> int:
    """Print the table."""
    print("| start | told s | page s | page, processor s | first answer s |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        for name in ("the first ever", "the sample is there", "once more"):
            cells = " | ".join(f"{value:.1f}" for value in start(Path(home)))
            print(f"| {name} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
