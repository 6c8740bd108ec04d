"""Four servers and a worker under load while everything they stand on dies, again and again.

`CHAOS_SECONDS=600` makes it a long run, `CHAOS_SEED` repeats a schedule.
"""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.books import Books, Outage
from tests.chaos.client import CARELESS, Client, Load, account, ask, press
from tests.chaos.cluster import COUNTED, RECOVERY_S, Cluster
from tests.chaos.faults import Fault, schedule, strike
from tests.server import Key
from tests.waiting import wait_for

SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(10**6)))
LONG_S = float(os.environ.get("CHAOS_SECONDS", "0"))
CALM = 50
"""Successes between a recovery and the next fault."""
LIMIT, SECONDS = 8, 2
WIPED = 3 * LIMIT
"""N by the server, N by the local shares, N by the server that came back empty."""


class Party:
    """Clients with one key and one set of books, and a key without limits to audit them."""

    def __init__(
        self, cluster: Cluster, name: str, *, plan: str = "unlimited", limit: str = "off"
    ) -> None:
        self.books = Books(name)
        self._servers = cluster.servers
        server = cluster.servers[0]
        tenant = server.make_tenant(plan=plan, limit=limit)
        self._key = tenant.key
        self._auditor = server.make_key(tenant.account, tenant.project)

    def client(self) -> Client:
        return self._with(self._key)

    def auditor(self) -> Client:
        return self._with(self._auditor)

    def _with(self, key: Key) -> Client:
        return Client(self._servers, key.secret, self.books)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as running:
        yield running


@contextmanager
def under_load(careful: Party, careless: Party) -> Iterator[None]:
    """The careful repeat what was not answered; the careless press on a limit."""
    with (
        Load(careful.client, account, clients=16, pause_s=0.1, seed=SEED),
        Load(careless.client, press, clients=8, pause_s=0.1, seed=SEED),
    ):
        yield


@pytest.mark.once
@pytest.mark.timeout(240 + 2 * LONG_S)
def test_whatever_dies_no_promise_is_broken(cluster: Cluster) -> None:
    careful = Party(cluster, "careful", plan=COUNTED, limit="100000/60s")
    careless = Party(cluster, CARELESS, limit=f"{LIMIT}/{SECONDS}s")
    chance = random.Random(SEED)
    outages: list[Outage] = []
    print(f"CHAOS_SEED={SEED}")
    with under_load(careful, careless):
        calm(careful.books)
        for act in schedule(chance, LONG_S):
            fault = strike(cluster, act, chance)
            until_recovered(cluster, careful.books, fault)
            if fault.wiped:
                outages.append(Outage(fault.began, time.monotonic(), WIPED))
            calm(careful.books)

    for party in (careful, careless):
        books = party.books
        assert not books.unexpected(), "only 2xx, 409, 429 and 503 with Retry-After"
        assert not books.broken_off(cluster.servers), "cut off by nobody but the dead"
        assert not books.hung(), "nobody waited for long"
        assert not books.audit(ask(party.auditor, Client.stored)), "nothing lost or done twice"
    assert careful.books.acknowledged.keys() == careful.books.orders, "all was done in the end"
    assert ask(careful.auditor, Client.counted) == [len(careful.books.orders)], "charged once each"
    assert not careless.books.exceeded(LIMIT, SECONDS, outages), "limits held, within their bound"
    assert careless.books.most_admitted(SECONDS) > LIMIT / 2, "somebody pressed on them"


def until_recovered(cluster: Cluster, books: Books, fault: Fault) -> None:
    """Every server has answered a request that came after the fault, and soon."""
    for node in cluster.servers:
        served = partial(books.served, node, fault.healed)
        wait_for(served, f"a success of {node.name} after: {fault}", RECOVERY_S)
    if fault.wiped:
        cluster.until_shared()
    took_s = time.monotonic() - fault.healed
    print(f"{fault}: recovered after {took_s:.1f} s, {len(books.acknowledged)} acknowledged")


def calm(books: Books) -> None:
    """Let the load go on undisturbed for a while."""
    enough = len(books.acknowledged) + CALM
    wait_for(lambda: len(books.acknowledged) >= enough, "calm load", RECOVERY_S)
