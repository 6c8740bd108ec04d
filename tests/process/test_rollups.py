"""Counters are moved on while events come in for times long past, and the server is killed."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.process.killing import kill_now_and_then
from tests.server import Server, unique
from tests.waiting import wait_for

BATCHES = 200
SIZE = 20
CLIENTS = 8
WAIT_S = 60.0
CHANNELS = ["orders", "sign-ups", "visits"]
TAGS = [f"tag-{number}" for number in range(20)]
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 300
RANGE = "from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as running:
        yield running


class Log:
    """What clients were told is stored, by the tag, and by the month."""

    def __init__(self) -> None:
        self.tags: Counter[str] = Counter()
        self.months: Counter[int] = Counter()
        self.left = BATCHES
        self.done = 0

    def write(self, events: list[dict[str, Any]]) -> None:
        self.done += 1
        for event in events:
            self.tags.update(event["tags"])
            self.months[datetime.fromisoformat(event["timestamp"]).month] += 1


@pytest.mark.timeout(240)
async def test_reports_equal_the_clients_own_log(server: Server) -> None:
    tenant = server.make_tenant(limit="off")
    log, chance = Log(), random.Random(3)
    async with plain.AsyncClient(timeout=30) as http:
        http.headers["Authorization"] = f"Bearer {tenant.key.secret}"
        path = f"/v1/projects/{tenant.project}"
        answer = await http.patch(f"{server.address}{path}", json={"counting": True})
        answer.raise_for_status()
        clients = [send_all(http, server, log) for _ in range(CLIENTS)]
        await asyncio.gather(*clients, kill_now_and_then(server, lambda: log.done, BATCHES, chance))
        await check(http, server, log)
        await asyncio.to_thread(wait_for, lambda: not live(server), "all to be moved", WAIT_S)
        await check(http, server, log)


async def send_all(http: httpx2.AsyncClient, server: Server, log: Log) -> None:
    """Send batches as long as any are left, each until it is acknowledged."""
    while log.left:
        log.left -= 1
        events, headers = batch(random.Random(log.left)), {"Idempotency-Key": unique("batch")}
        for pause_s in chain([0], repeat(0.05)):
            await asyncio.sleep(pause_s)
            if await accepted(http, server, events, headers):
                break
        log.write(events)


def batch(chance: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "channelName": chance.choice(CHANNELS),
            "title": "Long ago",
            "tags": [chance.choice(TAGS)],
            "timestamp": (FIRST + timedelta(days=DAYS * chance.random())).isoformat(),
        }
        for _ in range(SIZE)
    ]


async def accepted(
    http: httpx2.AsyncClient,
    server: Server,
    events: list[dict[str, Any]],
    headers: dict[str, str],
) -> bool:
    url = f"{server.address}/v1/events/batch"
    try:
        answer = await http.post(url, json={"events": events}, headers=headers)
    except httpx2.TransportError:
        return False
    assert answer.status_code in {200, 503}, answer.text
    return answer.status_code == 200


async def check(http: httpx2.AsyncClient, server: Server, log: Log) -> None:
    tags = await stats(http, server, "groupBy=tag")
    assert {row["tag"]: row["count"] for row in tags["rows"]} == log.tags
    months = await stats(http, server, "bucket=month")
    found = {at: row["count"] for at, row in enumerate(months["rows"], 1) if row["count"]}
    assert found == log.months
    assert tags["total"] == months["total"] == BATCHES * SIZE


async def stats(http: httpx2.AsyncClient, server: Server, query: str) -> dict[str, Any]:
    answer = await http.get(f"{server.address}/v1/stats?{RANGE}&{query}")
    found: dict[str, Any] = answer.raise_for_status().json()["data"]
    return found


def live(server: Server) -> int:
    return int(server.query("SELECT count(*) FROM aggregator_counts")[0][0])
