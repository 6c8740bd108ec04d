"""Every figure of usage equals a recount of what was acknowledged, though the server is killed in
between. `RECOUNT_REQUESTS=100000` makes it a long run.
"""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.dialects.native.wire import an_event
from tests.process.killing import CLIENTS, LONG_S, REQUESTS, kill_now_and_then
from tests.server import Server, unique

CUSTOMERS = 6
EVENTS = "POST /v1/events"
BATCH = "POST /v1/events/batch"
CHECK = "gate:estimates"
ESTIMATES = "POST /latest/api/v1/echo-estimates"


@dataclass(frozen=True)
class Order:
    """One request to come: what is metered of it when it is acknowledged."""

    path: str
    body: Any
    customer: str | None
    endpoint: str
    units: int
    headers: dict[str, str]


@dataclass
class Log:
    """What clients were told is done: by customer and endpoint, requests and units."""

    requests: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    units: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    left: int = REQUESTS

    @property
    def done(self) -> int:
        return self.requests.total()

    def write(self, order: Order) -> None:
        self.requests[order.customer, order.endpoint] += 1
        self.units[order.customer, order.endpoint] += order.units


@pytest.mark.timeout(2 * LONG_S)
async def test_usage_equals_the_clients_own_log(alone: Server) -> None:
    tenant = alone.make_tenant(limit="off")
    log, chance = Log(), random.Random(REQUESTS)
    limits = httpx2.Limits(max_connections=CLIENTS)
    async with plain.AsyncClient(timeout=30, limits=limits) as http:
        http.headers["Authorization"] = f"Bearer {tenant.key.secret}"
        http.headers["X-API-Key"] = tenant.key.secret
        orders = Orders(await customers(http, alone), await gate_key(http, alone))
        clients = [send_all(http, alone, orders, log) for _ in range(CLIENTS)]
        killer = kill_now_and_then(alone, lambda: log.done, REQUESTS, chance)
        await asyncio.gather(*clients, killer)
        assert log.done == REQUESTS
        assert await figures(http, alone, "requests") == log.requests
        assert await figures(http, alone, "units") == +log.units
        for customer in orders.customers:
            mine = sum(count for (who, _), count in log.requests.items() if who == customer)
            assert await single(http, alone, customer) == mine


class Orders:
    """Requests at random, the same ones for the same numbers."""

    def __init__(self, known: list[str], secret: str) -> None:
        self.customers = known
        self._secret = secret

    def order(self, number: int) -> Order:
        chance = random.Random(number)
        customer = chance.choice(self.customers)
        kind = chance.randrange(4)
        if kind == 0:
            return self._event(chance.choice([customer, None]))
        if kind == 1:
            return self._batch(customer, chance.randrange(1, 6))
        if kind == 2:
            return self._check(customer, chance.randrange(4))
        return self._estimates(customer, chance.randrange(1, 8))

    def _event(self, customer: str | None) -> Order:
        headers = {} if customer is None else {"X-Customer-ID": customer}
        return Order("/v1/events", an_event(), customer, EVENTS, 1, headers)

    def _batch(self, customer: str, events: int) -> Order:
        body = {"events": [an_event() for _ in range(events)]}
        headers = {"X-Customer-ID": customer}
        return Order("/v1/events/batch", body, customer, BATCH, events, headers)

    def _check(self, customer: str, cost: int) -> Order:
        body = {"key": self._secret, "route": "estimates", "cost": cost, "customer": customer}
        return Order("/v1/gate/check", body, customer, CHECK, cost, {})

    def _estimates(self, customer: str, entities: int) -> Order:
        body = [{"entity_info": {"identifier": str(number)}} for number in range(entities)]
        digits = customer.removeprefix("customer_")
        shown = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        path = ESTIMATES.partition(" ")[2]
        return Order(path, body, customer, ESTIMATES, entities, {"X-Customer-ID": shown})


async def customers(http: httpx2.AsyncClient, server: Server) -> list[str]:
    made = []
    for _ in range(CUSTOMERS):
        body = {"identifier": unique("desk")}
        answer = await http.post(f"{server.address}/v1/customers", json=body)
        made.append(str(answer.raise_for_status().json()["data"]["id"]))
    return made


async def gate_key(http: httpx2.AsyncClient, server: Server) -> str:
    body = {"name": "an end user"}
    answer = await http.post(f"{server.address}/v1/gate/keys", json=body)
    return str(answer.raise_for_status().json()["data"]["key"])


async def send_all(http: httpx2.AsyncClient, server: Server, orders: Orders, log: Log) -> None:
    """Send requests as long as any are left, each until it is acknowledged."""
    while log.left:
        log.left -= 1
        order = orders.order(log.left)
        once = unique("once")
        for pause_s in chain([0], repeat(0.05)):
            await asyncio.sleep(pause_s)
            if await accepted(http, server, order, once):
                break
        log.write(order)


async def accepted(http: httpx2.AsyncClient, server: Server, order: Order, once: str) -> bool:
    headers = {"Idempotency-Key": once, "Content-Type": "application/json", **order.headers}
    content = json.dumps(order.body)
    try:
        url = server.address + order.path
        answer = await http.post(url, content=content, headers=headers)
    except httpx2.TransportError:
        return False
    assert answer.status_code in {200, 201, 503}, answer.text
    return answer.status_code != 503


async def figures(
    http: httpx2.AsyncClient, server: Server, name: str
) -> Counter[tuple[str | None, str]]:
    """What the server says was used, of the endpoints that were asked."""
    query = "groupBy=customer&groupBy=endpoint&limit=1000"
    answer = await http.get(f"{server.address}/v1/usage?{query}")
    rows = answer.raise_for_status().json()["data"]["rows"]
    found: Counter[tuple[str | None, str]] = Counter()
    for row in rows:
        endpoint = row["group"]["endpoint"]
        if endpoint in {EVENTS, BATCH, CHECK, ESTIMATES}:
            found[row["group"]["customer"], endpoint] += row[name]
    return +found


async def single(http: httpx2.AsyncClient, server: Server, customer: str) -> int:
    """How many single requests of a customer are listed."""
    path, found, cursor = f"/v1/customers/{customer}/usage/requests?limit=100", 0, ""
    while True:
        answer = await http.get(server.address + path + cursor)
        page = answer.raise_for_status().json()["data"]
        found += len(page["requests"])
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"
