"""A node of a shared library in a process of its own: says in JSON what it is asked on its input.

``python -m tests.shared_node URL FOLDER``, then lines such as ``search WORDS``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rag.errors import RagError
from rag.library import Library
from rag.settings import Settings
from tests.fakes import HashEmbedder


def node(url: str, folder: Path, **changes: Any) -> Library:
    """A library on the server, with its copy in the folder."""
    settings = Settings(store=folder, chroma_url=url, _env_file=None, **changes)
    return Library(settings, HashEmbedder())


class Process:
    """The other side: starts the process, asks it, ends it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.shared_node", url, str(folder)],
            cwd=Path(__file__).parent.parent, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def send(self, verb: str, argument: object = "") -> None:
        assert self.child.stdin
        self.child.stdin.write(f"{verb} {argument}\n")
        self.child.stdin.flush()

    def ask(self, verb: str, argument: object = "") -> Any:
        self.send(verb, argument)
        return self.read()

    def read(self) -> Any:
        assert self.child.stdout
        return json.loads(self.child.stdout.readline())

    def kill(self) -> None:
        self.child.kill()
        self.child.communicate()


def main(url: str, folder: str) -> None:
    """Answer until the input ends."""
    with node(url, Path(folder)) as library:
        for line in sys.stdin:
            verb, _, argument = line.strip().partition(" ")
            try:
                if verb == "search":
                    reply: Any = [hit.paper.id for hit in library.search(argument, 3)]
                elif verb == "ingest":
                    reply = library.ingest(argument, lambda done, _: print(done, flush=True)).added
                else:
                    reply = list(library.remove([argument]).removed)
            except RagError as error:
                reply = str(error)
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
