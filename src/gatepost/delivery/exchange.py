"""One connection to a receiver, and the exchanges on it: a request, an answer within bounds.

It does what webhooks need of HTTP/1.1 (RFC 9112) and nothing else: one request at a time, no
redirects, no decompression. Parsing is httptools'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import httptools

HEAD_BYTES_MAX = 65_536
BODY_BYTES_MAX = 65_536
ANSWER_BYTES_MAX = 1_048_576
"""With all that is around a body: its chunks, and what trails them."""
BODY_S = 5.0
"""The status says how it went; so long the body may take that is only kept for the log."""
INTERIM_MAX = 16
CONTINUE = range(100, 200)
SWITCHED = 101
MEASURED = {"content-length", "transfer-encoding"}
"""Headers that say where a body ends; without them it ends with the connection."""


class Lost(Exception):  # noqa: N818 # it names what happened
    """The connection ended before an answer; `began` says whether one had begun."""

    def __init__(self, *, began: bool, broken: bool) -> None:
        """Hold both; `broken` means that it did not end as connections should."""
        super().__init__()
        self.began = began
        self.broken = broken


class NotHttp(Exception):  # noqa: N818 # it names what came
    """What came is no answer in HTTP."""


class Most(NamedTuple):
    """How much of an answer is read: bytes of its body, bytes in all, and seconds for the body."""

    body: int = BODY_BYTES_MAX
    whole: int = ANSWER_BYTES_MAX
    seconds: float = BODY_S


FOR_THE_LOG = Most()


class Got(NamedTuple):
    """An answer, of its body as much as is worth keeping. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


class Exchange(asyncio.Protocol):
    """A connection. It is `free` between exchanges, as long as it stays open."""

    def __init__(self) -> None:
        """Not connected yet."""
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._parser: Any = None
        self._answer: asyncio.Future[Got] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._most = FOR_THE_LOG
        self._open = False
        self.idle_since = 0.0

    @property
    def free(self) -> bool:
        """Whether a request can be sent now."""
        return self._open and self._answer is None

    def ask(self, request: bytes, until: float, most: Most = FOR_THE_LOG) -> asyncio.Future[Got]:
        """Send a request; the answer comes, or Lost, NotHttp, or TimeoutError at a moment of the
        loop's clock.
        """
        self._answer = self._loop.create_future()
        self._until = until
        self._most = most
        self._interim = 0
        self._begin()
        self._timer = self._loop.call_at(until, self._expire)
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Hang up."""
        self._open = False
        if self._transport is not None:
            self._transport.abort()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._bytes = self._body_bytes = 0
        self._status = 0
        self._began = self._complete = self._whole = False

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport
        self._open = True

    def data_received(self, data: bytes) -> None:
        """Something has come: of the answer, or, if there is no request, of no use."""
        if self._answer is None:
            self.close()
            return
        self._began = True
        self._bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(NotHttp())
        else:
            if not self._status and self._bytes > HEAD_BYTES_MAX:
                self._end(NotHttp())
            elif self._bytes > self._most.whole:
                self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has hung up: that may be how the body ends."""
        self._open = False
        if self._answer is None:
            return
        if self._status:
            self._whole = exc is None and not self._headers.keys() & MEASURED
            self._finish()
        else:
            self._end(Lost(began=self._began, broken=exc is not None))

    # The parser's side

    def on_message_begin(self) -> None:
        """An answer begins; one that nobody has asked for makes the connection useless."""
        if self._answer is None:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; what trails a body is of no use."""
        if self._status:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is here."""
        status = self._parser.get_status_code()
        if status not in CONTINUE and self._answer is not None:
            self._status = status
            self._limit(min(self._loop.time() + self._most.seconds, self._until))

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > self._most.body:
            self._finish()

    def on_message_complete(self) -> None:
        """All of an answer is here, or an interim one, which another one follows."""
        if self._status:
            self._whole = True
            self._complete = self._parser.should_keep_alive()
            self._finish()
            return
        self._interim += 1
        if self._interim > INTERIM_MAX or self._parser.get_status_code() == SWITCHED:
            self._end(NotHttp())
        self._headers.clear()

    # The end

    def _limit(self, until: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(until, self._expire)

    def _expire(self) -> None:
        if self._status:
            self._finish()
        else:
            self._end(TimeoutError())

    def _finish(self) -> None:
        whole = self._whole and self._body_bytes <= self._most.body
        body = b"".join(self._body)[: self._most.body]
        self._end(Got(self._status, self._headers, body, whole))

    def _end(self, with_: Got | Exception) -> None:
        answer, self._answer = self._answer, None
        if self._timer is not None:
            self._timer.cancel()
        if answer is None:
            return
        if not self._complete:
            self.close()
        self.idle_since = self._loop.time()
        if answer.done():
            return
        if isinstance(with_, Got):
            answer.set_result(with_)
        else:
            answer.set_exception(with_)
