"""A hard quota of N units grants exactly N, whatever happens: 64 clients, and a server that is
killed in between. `QUOTA_UNITS=100000` makes it a long run.
"""

import asyncio
import os
import random
from itertools import chain, repeat
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.server import Server, unique
from tests.waiting import wait_for

UNITS = int(os.environ.get("QUOTA_UNITS", "1200"))
LONG_S = 60 + UNITS / 50
CLIENTS = 64
KILLS = 4
COST_MAX = 3


class Log:
    """What clients were told: units that were granted, and how many checks were refused."""

    def __init__(self) -> None:
        self.granted = 0
        self.requests = 0
        self.refused = 0
        self.broken = 0


@pytest.mark.timeout(2 * LONG_S)
async def test_a_quota_is_granted_exactly(alone: Server) -> None:
    tenant = alone.make_tenant(limit="off")
    log, chance = Log(), random.Random(UNITS)
    limits = httpx2.Limits(max_connections=CLIENTS)
    async with plain.AsyncClient(timeout=30, limits=limits) as http:
        http.headers["Authorization"] = f"Bearer {tenant.key.secret}"
        customer = await made_customer(http, alone)
        key = await made_key(http, alone, customer)
        clients = [spend(http, alone, key["key"], log, number) for number in range(CLIENTS)]
        await asyncio.gather(*clients, kill_now_and_then(alone, log, chance))
        assert log.granted == UNITS
        assert log.broken, "no kill has met any client"
        last = await checked(http, alone, {"key": key["key"], "cost": 1, "dryRun": True})
        assert (last["reason"], last["quotas"][0]["remaining"]) == ("quota_exceeded", 0)
    assert usage_of(alone, key, 200) == (log.requests, UNITS)
    assert usage_of(alone, key, 429) == (log.refused, 0)
    used = alone.query("SELECT quota, used FROM quota_usage ORDER BY quota")
    assert [int(units) for _, units in used] == [UNITS, UNITS], used


async def made_customer(http: httpx2.AsyncClient, server: Server) -> str:
    """A customer with a hard quota that never refuses: it is charged with the key's."""
    customer = await asked(http, server, "POST", "customers", {"identifier": unique("customer")})
    quota = {"metric": "units", "limit": 10 * UNITS, "period": "month", "mode": "hard"}
    await asked(http, server, "PUT", f"customers/{customer['id']}/quota", quota)
    return str(customer["id"])


async def made_key(http: httpx2.AsyncClient, server: Server, customer: str) -> dict[str, Any]:
    quota = {"limit": UNITS, "period": "month"}
    body = {"name": "spender", "quota": quota, "customerId": customer}
    return await asked(http, server, "POST", "gate/keys", body)


async def asked(
    http: httpx2.AsyncClient, server: Server, method: str, path: str, body: dict[str, Any]
) -> dict[str, Any]:
    answer = await http.request(method, f"{server.address}/v1/{path}", json=body)
    return dict(answer.raise_for_status().json()["data"])


async def spend(
    http: httpx2.AsyncClient, server: Server, secret: str, log: Log, number: int
) -> None:
    """Spend units until there is not one left, each check repeated until it is answered."""
    chance, cost = random.Random(number), COST_MAX
    while True:
        ask: dict[str, Any] = {"key": secret, "cost": chance.randint(1, cost)}
        headers = {"Idempotency-Key": unique("check")}
        found = await persisted(http, server, ask, headers, log)
        if found["allowed"]:
            log.granted += ask["cost"]
            log.requests += 1
            continue
        assert found["reason"] == "quota_exceeded"
        log.refused += 1
        if ask["cost"] == 1:
            return
        cost = 1  # what is left in the end is less than some would take


async def persisted(
    http: httpx2.AsyncClient,
    server: Server,
    ask: dict[str, Any],
    headers: dict[str, str],
    log: Log,
) -> dict[str, Any]:
    for pause_s in chain([0], repeat(0.05)):
        await asyncio.sleep(pause_s)
        try:
            return await checked(http, server, ask, headers)
        except httpx2.TransportError:
            log.broken += 1
        except httpx2.HTTPStatusError as refusal:
            if refusal.response.status_code != 503:
                raise
    raise AssertionError("repeat never ends")


async def checked(
    http: httpx2.AsyncClient,
    server: Server,
    ask: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    answer = await http.post(f"{server.address}/v1/gate/check", json=ask, headers=headers)
    return dict(answer.raise_for_status().json()["data"])


async def kill_now_and_then(server: Server, log: Log, chance: random.Random) -> None:
    """Kill the server at random places of the run, and start it again."""
    for place in sorted(chance.sample(range(UNITS // 10, UNITS * 9 // 10), KILLS)):
        await asyncio.to_thread(wait_for, lambda place=place: log.granted >= place, "load", LONG_S)
        server.kill()
        await asyncio.to_thread(server.start)


def usage_of(server: Server, key: dict[str, Any], status: int) -> tuple[int, int]:
    """Requests and units that were metered of a gate key."""
    (found,) = server.query(
        "SELECT sum(requests), sum(units) FROM usage_lines WHERE key_id = ? AND status = ?",
        bytes.fromhex(key["id"].removeprefix("gatekey_")),
        status,
    )
    return int(found[0]), int(found[1])
