"""Every counter equals a recount of what was acknowledged, though the server is killed in between.

`RECOUNT_REQUESTS=100000` makes it a long run.
"""

import asyncio
import random
from collections import Counter
from itertools import chain, repeat

import httpx2
import pytest

from tests import plain
from tests.process.killing import CLIENTS, LONG_S, REQUESTS, kill_now_and_then
from tests.server import Server, unique

NAMES = [f"event {number}" for number in range(12)]
TAGS = [f"tag-{number}" for number in range(20)]
ANY_TIME = "from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"


class Log:
    """What clients were told is counted."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.left = REQUESTS

    @property
    def done(self) -> int:
        return self.names.total()

    def write(self, name: str, tags: list[str]) -> None:
        self.names[name] += 1
        self.tags.update(tags)


@pytest.mark.timeout(2 * LONG_S)
async def test_counters_equal_the_clients_own_log(alone: Server) -> None:
    tenant = alone.make_tenant(limit="off")
    made = alone.cli("aggregator", "create", "recounted", "--account", tenant.account)
    log, chance = Log(), random.Random(REQUESTS)
    limits = httpx2.Limits(max_connections=CLIENTS)
    async with plain.AsyncClient(timeout=30, limits=limits) as http:
        http.headers["Authorization"] = f"Bearer {tenant.key.secret}"
        clients = [send_all(http, alone, made["id"], log) for _ in range(CLIENTS)]
        await asyncio.gather(*clients, kill_now_and_then(alone, lambda: log.done, REQUESTS, chance))
        assert log.done == REQUESTS
        assert await counted(http, alone, made["id"], "event") == log.names
        assert await counted(http, alone, made["id"], "tag") == log.tags
    sent = "SELECT sum(units) FROM usage_lines WHERE route = 'GET /api/event'"
    assert int(alone.query(sent)[0][0]) == REQUESTS


async def send_all(http: httpx2.AsyncClient, server: Server, aggregator: str, log: Log) -> None:
    """Send events as long as any are left, each until it is acknowledged."""
    while log.left:
        log.left -= 1
        chance = random.Random(log.left)
        name, tags = chance.choice(NAMES), chance.sample(TAGS, chance.randrange(4))
        params = {"_id": aggregator, "name": name} | dict.fromkeys(tags, "")
        headers = {"Idempotency-Key": unique("event")}
        for pause_s in chain([0], repeat(0.05)):
            await asyncio.sleep(pause_s)
            if await accepted(http, server, params, headers):
                break
        log.write(name, tags)


async def accepted(
    http: httpx2.AsyncClient, server: Server, params: dict[str, str], headers: dict[str, str]
) -> bool:
    try:
        answer = await http.get(f"{server.address}/api/event", params=params, headers=headers)
    except httpx2.TransportError:
        return False
    assert answer.status_code in {200, 503}, answer.text
    return answer.status_code == 200


async def counted(
    http: httpx2.AsyncClient, server: Server, aggregator: str, group_by: str
) -> Counter[str]:
    url = f"{server.address}/v1/aggregators/{aggregator}/report?{ANY_TIME}&groupBy={group_by}"
    answer = await http.get(url)
    data = answer.raise_for_status().json()["data"]
    assert data["total"] == REQUESTS
    found: Counter[str] = Counter()
    for row in data["rows"]:
        found[row[group_by]] += row["count"]
    return found
