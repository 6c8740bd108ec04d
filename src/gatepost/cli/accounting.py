"""Accounting: a client that writes down every acknowledgement and holds the server to it.

Every request carries an idempotency key, and what it stores carries a mark, so that its effects
can be counted in the database file: one for each acknowledged request, never two for any.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from enum import StrEnum
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import msgspec

BATCH_ITEMS = 10
REPEAT_OLD, REPEAT_NEWEST = 0.1, 0.1
"""Shares of requests that repeat an acknowledged one, or the one sent last."""
ANSWER_S = 30.0


class Kind(StrEnum):
    """What a request asks for."""

    EVENT = "event"
    BATCH = "batch"
    IDENTITY = "identity"


PATHS = {
    Kind.EVENT: "/v1/events",
    Kind.BATCH: "/v1/events/batch",
    Kind.IDENTITY: "/v1/identify",
}


class Answer(msgspec.Struct, frozen=True):
    """A whole reply; half of one counts as none."""

    status: int
    body: bytes


class Wire:
    """One keep-alive connection. Whatever breaks it is a ConnectionError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take both ends of an open connection."""
        self._reader = reader
        self._writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, host: str, port: int) -> AsyncIterator[Wire]:
        """Connect; hangs up at the end."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ask(self, method: str, path: str, key: str, body: bytes, *more: str) -> Answer:
        """Send one request and read its reply; `more` are further header lines."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", *more]
        try:
            async with asyncio.timeout(ANSWER_S):
                self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
                head = await self._reader.readuntil(b"\r\n\r\n")
                content = await self._reader.readexactly(_length(head))
        except (OSError, EOFError) as error:
            raise ConnectionResetError("no whole reply") from error
        return Answer(int(head[9:12]), content)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class Promise:
    """One request and what its first acknowledgement said."""

    __slots__ = ("first", "ids", "kind", "number")

    def __init__(self, kind: Kind, number: int) -> None:
        """Make a request that was not sent yet; its number makes it unique."""
        self.kind = kind
        self.number = number
        self.first: bytes | None = None
        """A digest of the first acknowledgement's body, to hold every repeat against."""
        self.ids: tuple[str, ...] = ()
        """The ids the acknowledgement gave, one for each mark."""

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"{self.kind}-{self.number}"

    def marks(self) -> list[str]:
        """What tells each of its effects in the database."""
        if self.kind is Kind.BATCH:
            return [f"{self.key}/{item}" for item in range(BATCH_ITEMS)]
        return [self.key]

    def body(self) -> bytes:
        """The same bytes at every repeat."""
        if self.kind is Kind.IDENTITY:
            return msgspec.json.encode({"user_id": self.key, "properties": {"n": self.number}})
        events = [_event(mark, self.number) for mark in self.marks()]
        return msgspec.json.encode(events if self.kind is Kind.BATCH else events[0])


def _event(mark: str, number: int) -> dict[str, Any]:
    channel = f"selftest-{number % 7}"
    return {"channelName": channel, "title": "Selftest", "metadata": {"mark": mark}}


class Problem(msgspec.Struct, frozen=True):
    """A broken promise: `lost`, `doubled`, `changed` (a repeat's answer) or `refused`."""

    kind: str
    mark: str
    detail: str = ""


class Books:
    """Everything asked for and everything promised."""

    def __init__(self, kinds: Sequence[Kind] = tuple(Kind)) -> None:
        """Start empty; `kinds` are asked for in turn, events far more often than others."""
        self.promises: list[Promise] = []
        self.acknowledged: list[Promise] = []
        self.repeated = 0
        self.answered = asyncio.Event()
        """Set at every answer; whoever waits for the next one clears it."""
        self.problems: dict[tuple[str, str], Problem] = {}
        self._others = [kind for kind in kinds if kind is not Kind.EVENT]

    def new(self) -> Promise:
        """Make the next request: one in ten is no single event."""
        number = len(self.promises)
        others = self._others if number % 10 == 0 else []
        kind = others[number // 10 % len(others)] if others else Kind.EVENT
        promise = Promise(kind, number)
        self.promises.append(promise)
        return promise

    def next(self) -> Promise:
        """Choose what a client sends now: mostly new requests, some repeats of older ones."""
        chance = random.random()  # noqa: S311 # no secret hangs on it
        if chance < REPEAT_OLD and self.acknowledged:
            self.repeated += 1
            return random.choice(self.acknowledged)  # noqa: S311 # no secret hangs on it
        if chance < REPEAT_OLD + REPEAT_NEWEST and self.promises:
            # Most likely still under way on another connection.
            self.repeated += 1
            return self.promises[-1]
        return self.new()

    def unanswered(self) -> list[Promise]:
        """Requests without an acknowledgement so far: they may have had their effect or not."""
        return [promise for promise in self.promises if promise.first is None]

    def settle(self, promise: Promise, answer: Answer) -> None:
        """Write an answer down, or hold it against the first one."""
        self.answered.set()
        if answer.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            detail = f"{answer.status} {answer.body[:200].decode(errors='replace')}"
            self._report(Problem("refused", promise.key, detail))
            return
        digest = blake2b(b"%d %b" % (answer.status, answer.body), digest_size=16).digest()
        if promise.first is None:
            promise.first = digest
            promise.ids = _ids(answer.body)
            self.acknowledged.append(promise)
        elif promise.first != digest:
            self._report(Problem("changed", promise.key, answer.body[:200].decode()))

    def audit(self, stored: Mapping[str, Sequence[str]]) -> None:
        """Compare with what is stored: each mark's ids, as the API writes them."""
        for mark, ids in stored.items():
            if len(ids) > 1:
                self._report(Problem("doubled", mark, ", ".join(ids)))
        for promise in self.acknowledged:
            for mark, given in zip(promise.marks(), promise.ids, strict=True):
                if given not in stored.get(mark, ()):
                    self._report(Problem("lost", mark, given))

    def missing(self, promise: Promise, detail: str) -> None:
        """Write down that the API does not show what it acknowledged."""
        self._report(Problem("lost", promise.key, detail))

    def count(self, kind: str) -> int:
        """Count the problems of one kind."""
        return sum(problem.kind == kind for problem in self.problems.values())

    def _report(self, problem: Problem) -> None:
        self.problems.setdefault((problem.kind, problem.mark), problem)


def _ids(body: bytes) -> tuple[str, ...]:
    data = msgspec.json.decode(body)["data"]
    return tuple(item["id"] for item in data["results"]) if "results" in data else (data["id"],)


class Client:
    """Some connections that keep a server busy and its books."""

    def __init__(self, books: Books, host: str, port: int, key: str) -> None:
        """Aim at a server; nothing is sent yet."""
        self._books = books
        self._host = host
        self._port = port
        self._key = key

    async def settle_unanswered(self, connections: int) -> None:
        """Repeat, with its key, every request whose answer a crash swallowed."""
        waiting = self._books.unanswered()
        self._books.repeated += len(waiting)
        tasks = [self._send_all(waiting[lane::connections]) for lane in range(connections)]
        await asyncio.gather(*tasks)

    async def load(self) -> None:
        """Send on one connection until it breaks."""
        try:
            async with Wire.open(self._host, self._port) as wire:
                while True:
                    await self._send(wire, self._books.next())
        except ConnectionError:
            return

    async def spot_check(self, count: int) -> None:
        """Read some acknowledged events back through the API."""
        events = [one for one in self._books.acknowledged if one.kind is Kind.EVENT]
        async with Wire.open(self._host, self._port) as wire:
            for promise in random.sample(events, min(count, len(events))):
                path = f"{PATHS[Kind.EVENT]}/{promise.ids[0]}"
                answer = await wire.ask("GET", path, self._key, b"")
                if answer.status != HTTPStatus.OK or promise.key.encode() not in answer.body:
                    self._books.missing(promise, f"GET answers {answer.status}")

    async def _send_all(self, promises: Sequence[Promise]) -> None:
        if not promises:
            return
        async with Wire.open(self._host, self._port) as wire:
            for promise in promises:
                await self._send(wire, promise)

    async def _send(self, wire: Wire, promise: Promise) -> None:
        header = f"Idempotency-Key: {promise.key}"
        path = PATHS[promise.kind]
        answer = await wire.ask("POST", path, self._key, promise.body(), header)
        self._books.settle(promise, answer)
