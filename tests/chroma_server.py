"""A real Chroma server on a free port of the loopback, stopped by its process id."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest


class ChromaServer:
    """``chroma run`` on a folder; it may be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = Path(sys.executable).with_name("chroma")
        self.process = subprocess.Popen(
            [command, "run", "--path", self._folder, "--host", "127.0.0.1",
             "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/api/v2/heartbeat", timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, "chroma run has ended"
                time.sleep(0.1)
        raise AssertionError("chroma run does not answer")

    def kill(self) -> None:
        """Stop it at once, whatever it is doing."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def empty(self) -> None:
        """Delete all collections."""
        from rag.remote import Server
        from rag.settings import Settings

        server = Server(Settings(chroma_url=self.url, _env_file=None))
        for found in server._ask("GET", server._base):
            server.drop(found["name"])
        server.close()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """One server for the whole run: starting one takes a second."""
    folder = tmp_path_factory.mktemp("chroma")
    server = ChromaServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def chroma(running: ChromaServer) -> Iterator[ChromaServer]:
    """The server, up and empty."""
    if running.process is None or running.process.poll() is not None:
        running.start()
    yield running
    if running.process.poll() is not None:
        running.start()
    running.empty()
