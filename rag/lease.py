"""The right to write to a shared library: one holder at a time, by the server's clock.

A lease is a collection: of all who make one of that name, the server lets one win. It ends when
it is given back, or by itself when its holder has not renewed it for a while.
"""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
from contextlib import suppress

from rag.errors import StoreBusyError, StoreError
from rag.remote import LONGEST_WAIT, Collection, Server

_NAME = "footnote-writer"
LASTS = 45.0
"""Seconds after its last renewal that a lease ends."""
_RENEW = 10.0  # seconds from one renewal to the next


class Lease:
    """One node's claim to a library."""

    def __init__(self, server: Server, node: str) -> None:
        """``node`` names the folder whose lock the caller holds, among all folders anywhere."""
        self._server = server
        self._node, self._owner = node, f"process {os.getpid()} on {platform.node()}"
        self._id = ""
        self._renewed = 0.0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Take the lease, or that of a process of this node that has ended.

        Raises:
            StoreBusyError: another node's process holds it.
        """
        mark = uuid.uuid4().hex
        while True:
            begun = time.monotonic()
            made = self._server.create(_NAME, self._facts(mark))
            found = made or self._server.collection(_NAME)
            if found and found.metadata.get("mark") == mark:  # also if the answer was lost
                break
            if found:
                self._end(found)
        self._id, self._renewed = found.id, begun
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, args=(mark, self._over), daemon=True)
        self._thread.start()

    def require(self) -> None:
        """Make sure that a request which is sent now ends while the lease lasts.

        Raises:
            StoreError: it was lost; nothing may be written.
        """
        if not self._id or time.monotonic() - self._renewed > LASTS - LONGEST_WAIT:
            raise StoreError(
                f"this process has lost its turn to write to the library at {self._server.url} "
                "(it was stopped for too long, or the server was); run the command again"
            )

    def release(self) -> None:
        """Give the lease back; a server that cannot be reached ends it by itself."""
        self._over.set()
        if self._thread:
            self._thread.join()
        held, self._id = self._id, ""
        if held:
            with suppress(StoreError):
                self._server.drop_id(held)

    def _end(self, found: Collection) -> None:
        """Make room where the holder is no more."""
        left = float(found.metadata.get("until", 0)) - self._server.time()
        # The caller has the lock of the folder: who held it for that folder has ended.
        if found.metadata.get("node") != self._node and left > 0:
            raise StoreBusyError(
                f"{found.metadata.get('owner', 'another process')} is writing to the library at "
                f"{self._server.url}; wait until it is done (if it was killed: {left:.0f} s)"
            )
        self._server.drop_id(found.id)

    def _facts(self, mark: str) -> dict[str, str | int | float | bool]:
        until = self._server.time() + LASTS
        return {"mark": mark, "node": self._node, "owner": self._owner, "until": until}

    def _keep(self, mark: str, over: threading.Event) -> None:
        while not over.wait(_RENEW):
            begun = time.monotonic()
            if begun - self._renewed > LASTS:
                break  # another may have it by now
            with suppress(StoreError):  # the next attempt may reach the server
                self._server.describe(self._id, self._facts(mark))
                found = self._server.collection(_NAME)
                if found is None or found.id != self._id:
                    break
                self._renewed = begun
        else:
            return
        self._renewed = float("-inf")
