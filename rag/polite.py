"""Requests to a public service at the pace that it asks for, tried again where that may help."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from rag import __version__
from rag.errors import FetchError, InputError
from rag.loaders.xmltree import local, parse
from rag.settings import Settings
from rag.text import brief

if TYPE_CHECKING:
    from httpx import Response

_LONGEST = 64 * 2**20  # bytes of one answer; a hundred records have one megabyte
_PATIENCE = 120.0  # seconds: a service that asks for a longer pause is left alone
_BACKOFF = 5.0  # seconds before the second attempt, doubled for each further one
_SLOWEST = 10  # times the timeout, which counts from byte to byte: the whole answer
_TAGS = re.compile(r"<[^<>]*>")

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service sent back."""

    data: bytes

    def xml(self, root: str) -> Element:
        """The document, whose root is to be ``root``.

        Raises:
            FetchError: it is none, or another one.
        """
        try:
            document = parse(self.data)
        except InputError as error:
            raise FetchError(str(error)) from error
        if local(document) != root:
            raise FetchError(f"expected <{root}>, found <{local(document)}>")
        return document


class Polite:
    """A client of one service. Not for threads: the pace is kept by waiting."""

    def __init__(
        self, name: str, pause: float, settings: Settings, tell: Callable[[str], None]
    ) -> None:
        """Make the client; nothing is sent.

        Args:
            name: the service, for messages.
            pause: seconds from one request to the next.
            settings: how long to wait for an answer, and how often to try again.
            tell: called with lines for people.
        """
        self._name, self._pause, self._tell = name, pause, tell
        self._timeout, self._retries = settings.timeout, settings.retries
        self._asked: float | None = None

    def __enter__(self) -> Polite:
        import httpx

        self._http = httpx.Client(
            timeout=self._timeout, headers={"User-Agent": f"footnote-rag/{__version__}"}
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(
        self, url: str, params: Mapping[str, object], check: Callable[[Answer], Value]
    ) -> tuple[Value, bytes]:
        """What ``check`` makes of the answer, and the answer as it came.

        ``check`` raises ``FetchError`` for an answer that may be better the next time, and
        another error for one that will not.

        Raises:
            FetchError: no attempt brought an answer that passes ``check``.
        """
        wait = _BACKOFF
        for left in range(self._retries, -1, -1):
            try:
                answer = self._ask(url, params)
                return check(answer), answer.data
            except _RefusedError as error:
                fault: FetchError = error
                pause = error.pause or wait
            except FetchError as error:
                fault, pause = error, wait
            if not left or pause > _PATIENCE:
                raise FetchError(self._given_up(fault, pause)) from fault
            self._tell(f"{self._name} answered with {fault}; trying again in {pause:.0f} s")
            time.sleep(pause)
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def _given_up(self, fault: FetchError, pause: float) -> str:
        if pause > _PATIENCE:
            return f"{self._name} asks to be left alone for {pause:.0f} s; run this again then"
        return (
            f"{self._name} answered with {fault}, {self._retries + 1} times; run this again later"
        )

    def _ask(self, url: str, params: Mapping[str, object]) -> Answer:
        import httpx

        self._keep_pace(url)
        end = time.monotonic() + _SLOWEST * self._timeout
        try:
            with self._http.stream("GET", url, params=dict(params)) as response:  # type: ignore[arg-type]
                data = bytearray()
                for piece in response.iter_bytes():
                    data += piece
                    if len(data) > _LONGEST:
                        raise InputError(f"{self._name} sent more than {_LONGEST:,} bytes at once")
                    if time.monotonic() > end:
                        raise FetchError(f"no end within {_SLOWEST * self._timeout:g} s")
        except httpx.TimeoutException as error:
            raise FetchError(f"nothing within {self._timeout:g} s") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise FetchError(f"no whole answer ({brief(error)})") from error
        except httpx.InvalidURL as error:
            raise InputError(f"{url} is no address ({error}); correct the setting") from error
        _require_success(self._name, response, bytes(data))
        return Answer(bytes(data))

    def _keep_pace(self, url: str) -> None:
        if self._asked is None:
            self._tell(f"your query goes to {self._name} ({urlsplit(url).hostname})")
        else:
            time.sleep(max(0.0, self._asked + self._pause - time.monotonic()))
        self._asked = time.monotonic()


class _RefusedError(FetchError):
    """An answer with an error status after which it may be tried again."""

    def __init__(self, message: str, pause: float) -> None:
        super().__init__(message)
        self.pause = pause
        """Seconds that the service asks to wait, 0 if it asks for none."""


def _require_success(name: str, response: Response, data: bytes) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        pause = _seconds(response.headers.get("Retry-After", ""))
        raise _RefusedError(f"{status} {response.reason_phrase}".strip(), pause)
    if status != 200:
        said = brief(_TAGS.sub(" ", data[:2_000].decode("utf-8", "replace"))) or "nothing more"
        raise InputError(f"{name} refused the request ({status}: {said}); correct the query")


def _seconds(retry_after: str) -> float:
    """A ``Retry-After`` in seconds, which may be given as a date; 0 if it is neither."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
