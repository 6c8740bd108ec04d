"""What was to be delivered is delivered or logged as failed, whatever dies: an accounting receiver,
and a server that is killed at full load. `DELIVERY_EVENTS=50000` makes it a long run.
"""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Got, Receiver, answers
from tests.server import Server, unique
from tests.waiting import wait_for

EVENTS = int(os.environ.get("DELIVERY_EVENTS", "1500"))
LONG_S = 60 + EVENTS / 50
BATCH = 25
SENDERS = 4
KILLS = 3
AT_ONCE = 64

ENDS = {"healthy": ("succeeded", 200), "refusing": ("failed", 400)}
"""How deliveries to each kind of endpoint end: state, and last status."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    env = NEAR | {"GATEPOST_DELIVERIES_AT_ONCE": str(AT_ONCE)}
    with Server(tmp_path / "data", env=env) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


class Books:
    """Ids of the events that were acknowledged, by channel."""

    def __init__(self) -> None:
        self.events: dict[str, str] = {}


@pytest.mark.timeout(2 * LONG_S)
async def test_nothing_is_lost_and_nothing_is_sent_twice_without_need(
    server: Server, receiver: Receiver
) -> None:
    tenant, books = server.make_tenant(limit="off"), Books()
    async with plain.AsyncClient(timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {tenant.key.secret}"
        paths = await listeners(http, server, receiver)
        channels = sorted(paths)
        senders = [send(http, server, channels, books, number) for number in range(SENDERS)]
        await asyncio.gather(*senders, kill_now_and_then(server, books, receiver, paths))
    assert len(books.events) == EVENTS
    await asyncio.to_thread(wait_for, lambda: not open_ones(server), "ends", LONG_S)
    assert once_each(server, books)
    sent = {channel: receiver.at(path) for channel, path in paths.items()}
    for channel, got in sent.items():
        mine = {event for event, where in books.events.items() if where == channel}
        check(server, channel, got, mine)
    attempts = int(server.query("SELECT count(*) FROM attempts")[0][0])
    more = sum(map(len, sent.values())) - attempts
    assert 0 <= more <= KILLS * AT_ONCE, "more unlogged attempts than can have been under way"


async def listeners(http: httpx2.AsyncClient, server: Server, receiver: Receiver) -> dict[str, str]:
    """An endpoint for each kind of receiver; paths by channel."""
    behaviours = {
        "healthy": answers(200),
        "refusing": answers(400),
    }
    paths = {}
    for channel, does in behaviours.items():
        url, path = receiver.place(does)
        body = {"url": url, "types": [f"event.{channel}"], "retry": "once"}
        answer = await http.post(f"{server.address}/v1/endpoints", json=body)
        assert answer.status_code == 201, answer.text
        paths[channel] = path
    return paths


async def send(
    http: httpx2.AsyncClient, server: Server, channels: Sequence[str], books: Books, number: int
) -> None:
    """Send this client's share, each batch until it is acknowledged."""
    chance = random.Random(number)
    for _ in range(EVENTS // BATCH // SENDERS):
        names = chance.choices(channels, [20, 1], k=BATCH)
        events = [
            {"channelName": name, "title": "told", "eventId": unique("event")} for name in names
        ]
        results = await acknowledged(http, server, {"events": events})
        books.events |= {one["id"]: name for one, name in zip(results, names, strict=True)}


async def acknowledged(
    http: httpx2.AsyncClient, server: Server, body: dict[str, Any]
) -> list[dict[str, Any]]:
    for pause_s in chain([0], repeat(0.05)):
        await asyncio.sleep(pause_s)
        try:
            answer = await http.post(f"{server.address}/v1/events/batch", json=body)
        except httpx2.TransportError:
            continue
        if answer.status_code == 503:
            continue
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["results"]
        return found
    raise AssertionError("repeat never ends")


async def kill_now_and_then(
    server: Server, books: Books, receiver: Receiver, paths: dict[str, str]
) -> None:
    """Kill the server amid events and deliveries, and start it again."""
    healthy = paths["healthy"]
    for part in range(1, KILLS + 1):
        places = EVENTS * part // (KILLS + 1)

        def far_enough(places: int = places) -> bool:
            return len(books.events) >= places and len(receiver.at(healthy)) >= places // 4

        await asyncio.to_thread(wait_for, far_enough, "load", LONG_S)
        server.kill()
        await asyncio.to_thread(server.start)


def open_ones(server: Server) -> int:
    """Events that were not told yet, and deliveries that have not ended."""
    behind = "SELECT count(*) FROM events WHERE seq > (SELECT max(seq) FROM outbox_marks)"
    query = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'waiting', 'sending')"
    return int(server.query(behind)[0][0]) + int(server.query(query)[0][0])


def once_each(server: Server, books: Books) -> bool:
    """Whether each event has become one message, and each message one delivery."""
    told = [bytes(raw).hex() for (raw,) in server.query("SELECT event_id FROM messages")]
    assert Counter(f"event_{one}" for one in told) == dict.fromkeys(books.events, 1)
    pairs = server.query("SELECT message_id, count(*) FROM deliveries GROUP BY message_id")
    return len(pairs) == len(told) and {int(number) for _, number in pairs} == {1}


def check(server: Server, channel: str, got: Sequence[Got], mine: set[str]) -> None:
    """What came for a channel is what was acknowledged, under one message id for each event."""
    ids: dict[str, set[str]] = {}
    for one in got:
        event = json.loads(one.body)["data"]["id"]
        ids.setdefault(event, set()).add(str(one.header("webhook-id")))
    assert all(len(names) == 1 for names in ids.values()), "one event under several message ids"
    state, status = ENDS[channel]
    ended = server.query(
        "SELECT d.state, d.status, m.event_id FROM deliveries d JOIN messages m"
        " ON m.account_id = d.account_id AND m.id = d.message_id WHERE m.type = ?",
        f"event.{channel}",
    )
    reached = {f"event_{bytes(raw).hex()}" for one, _, raw in ended if one == "succeeded"}
    failed = {f"event_{bytes(raw).hex()}" for one, _, raw in ended if one == "failed"}
    assert (reached if state == "succeeded" else failed) == mine == set(ids)
    assert {found for _, found, _ in ended} == {status}
