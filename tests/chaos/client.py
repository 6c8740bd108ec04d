"""Clients that store events, repeat what was not answered, and write everything down."""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import cycle
from typing import Any, Self

import httpx2

from tests import plain
from tests.chaos.books import STORED, Answer, Books
from tests.chaos.cluster import Node

GIVE_UP_S = 20.0
"""Well beyond what any answer may take, so that a hang is seen as one."""
AGAIN_S = 0.1
END_S = 60.0
PAGE = 100
MOVES = ("new", "again", "twins", "misuse", "read")
SHARES = (75, 8, 5, 4, 8)
"""Of a hundred moves of a client."""


class Client:
    """Talks to the nodes in turn, with one key, and keeps the books."""

    def __init__(self, nodes: Sequence[Node], secret: str, books: Books) -> None:
        self.books = books
        self._turn = cycle(nodes)
        self._secret = secret
        self._http: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        self._http = plain.AsyncClient(timeout=GIVE_UP_S, limits=limits)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._http is not None
        await self._http.aclose()

    async def store(self, order: str) -> Answer:
        """Ask node after node, always with the same key, until there is a final answer."""
        while True:
            answer = await self.post(order)
            if answer.final:
                return answer
            await asyncio.sleep(answer.retry_after_s or AGAIN_S)

    async def post(self, order: str, title: str | None = None, *, keyed: bool = True) -> Answer:
        body = {"channelName": f"chaos-{len(order) % 3}", "title": title or order}
        headers = {"Idempotency-Key": order} if keyed else {}
        return await self._ask(order, "POST", "/v1/events", headers=headers, json=body)

    async def read(self, order: str) -> Answer:
        """Read an acknowledged order's event, wherever it is this one's turn."""
        return await self._ask(order, "GET", f"/v1/events/{self.books.acknowledged[order]}")

    async def stored(self) -> list[tuple[str, str]]:
        """All events that the API shows, page by page: (id, title)."""
        found: list[tuple[str, str]] = []
        query = {"limit": str(PAGE)}
        while True:
            page = (await self._fetch("/v1/events", query))["data"]
            found += [(event["id"], event["title"]) for event in page["events"]]
            if page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]

    async def counted(self) -> list[int]:
        """What the quotas of the key's account say was used."""
        key = (await self._fetch("/v1/keys/current", {}))["data"]
        return [quota["used"] for quota in key["quotas"]]

    async def _fetch(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        assert self._http is not None
        url = next(self._turn).address + path
        answer = await self._http.get(url, params=query, headers=self._bearer())
        return dict(answer.raise_for_status().json())

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._secret}"}

    async def _ask(self, order: str, method: str, path: str, **more: Any) -> Answer:
        assert self._http is not None
        node = next(self._turn)
        headers = self._bearer() | more.pop("headers", {})
        asked = time.monotonic()
        try:
            reply = await self._http.request(method, node.address + path, headers=headers, **more)
        except httpx2.TransportError as error:
            fault = f"{type(error).__name__} {error}"
            answer = Answer(order, node.name, asked, time.monotonic(), 0, fault=fault)
        else:
            answer = _read(order, node.name, asked, reply)
        self.books.note(answer)
        return answer


def _read(order: str, node: str, asked: float, reply: httpx2.Response) -> Answer:
    stored = reply.status_code in STORED
    later = reply.headers.get("retry-after")
    return Answer(
        order,
        node,
        asked,
        time.monotonic(),
        reply.status_code,
        event=reply.json()["data"]["id"] if stored else None,
        retry_after_s=float(later) if later else None,
        fault="" if stored else reply.text[:200],
    )


CARELESS = "careless"
"""The name of orders that come without an idempotency key."""
Work = Callable[[Client, random.Random], Awaitable[None]]


async def account(client: Client, chance: random.Random) -> None:
    """One move: mostly a new order, sometimes one that tries the promises about repeats."""
    books = client.books
    (move,) = chance.choices(MOVES, SHARES)
    if move == "twins":
        order = books.order()
        await asyncio.gather(client.store(order), client.store(order))
    elif move == "new" or not books.acknowledged:
        await client.store(books.order())
    else:
        order = chance.choice(list(books.acknowledged)[-200:])
        await _revisit(client, move, order)


async def _revisit(client: Client, move: str, order: str) -> None:
    if move == "again":
        await client.store(order)
    elif move == "read":
        await client.read(order)
    else:
        answer = await client.post(order, title=f"not {order}")
        if answer.status in STORED:
            client.books.problems.append(f"another body was taken for a repeat: {answer}")


async def press(client: Client, _chance: random.Random) -> None:
    """One move of somebody who minds no refusal: a new order, sent once and without a key, so that
    nothing but the server itself keeps it from being stored twice.
    """
    await client.post(client.books.order(), keyed=False)


class Load:
    """Some clients at work in a thread of their own, until the end of the `with` block.

    At the end each finishes its move, so that what it has begun is settled. `where` is entered
    by the thread: a network namespace, if need be.
    """

    def __init__(
        self,
        make: Callable[[], Client],
        work: Work,
        *,
        clients: int,
        pause_s: float,
        seed: int,
        where: AbstractContextManager[object] | None = None,
    ) -> None:
        """`pause_s` is the mean pause between two moves of a client; 0 for none."""
        self._make = make
        self._work = work
        self._chances = [random.Random(f"{seed} {number}") for number in range(clients)]
        self._pause_s = pause_s
        self._where = where or nullcontext()
        self._over = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join(END_S)
        if self._thread.is_alive():
            raise AssertionError(f"clients are still waiting after {END_S} s")
        if self._fault is not None:
            raise self._fault

    def _main(self) -> None:
        try:
            with self._where:
                asyncio.run(self._run())
        except BaseException as fault:  # noqa: BLE001 # it is raised in the thread that waits
            self._fault = fault

    async def _run(self) -> None:
        async with self._make() as client, asyncio.TaskGroup() as group:
            for chance in self._chances:
                group.create_task(self._client(client, chance))

    async def _client(self, client: Client, chance: random.Random) -> None:
        while not self._over.is_set():
            await self._work(client, chance)
            await asyncio.sleep(chance.uniform(0, 2 * self._pause_s))


def ask(make: Callable[[], Client], question: Callable[[Client], Awaitable[Any]]) -> Any:
    """One answer, from a client of its own."""

    async def run() -> Any:
        async with make() as client:
            return await question(client)

    return asyncio.run(run())
