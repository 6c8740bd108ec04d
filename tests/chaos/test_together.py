"""Four servers, and nothing dies: one limit for all of them, and revocations known to all."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import httpx2
import pytest

from tests import plain
from tests.chaos.books import Books
from tests.chaos.client import Client, Load, press
from tests.chaos.cluster import Cluster, Node
from tests.server import Key, Tenant
from tests.waiting import wait_for

CLIENTS = 64
LIMIT, SECONDS = 40, 3
FULL_WINDOWS = 3
REVOKED_S = 2.0
PAUSE_S = 0.02
BELLS = b"gatepost:bells"
"""What only the connections of signals ever say to Valkey."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(cluster: Cluster) -> Tenant:
    return cluster.servers[0].make_tenant()


# Limits


@pytest.mark.once
def test_four_servers_admit_no_more_than_one_limit_in_any_window(cluster: Cluster) -> None:
    books = Books()
    tenant = cluster.servers[0].make_tenant(limit=f"{LIMIT}/{SECONDS}s")

    def client() -> Client:
        return Client(cluster.servers, tenant.key.secret, books)

    with Load(client, press, clients=CLIENTS, pause_s=0, seed=1):
        enough = FULL_WINDOWS * LIMIT
        wait_for(lambda: len(books.acknowledged) >= enough, "full windows", 30)
    assert not books.exceeded(LIMIT, SECONDS)
    assert books.most_admitted(SECONDS) == LIMIT, "the limit is used to the full"
    assert not books.unexpected()
    assert {one.node for one in books.answers if one.event} == {
        node.name for node in cluster.servers
    }


# Revocation


@dataclass
class Uses:
    """What each server said to a key, and when it was asked."""

    admitted: dict[str, float] = field(default_factory=dict)
    """Server → when the newest admitted request was sent."""
    refused: dict[str, float] = field(default_factory=dict)
    """Server → when the first refusal arrived."""

    async def watch(self, http: httpx2.AsyncClient, node: Node, key: Key) -> None:
        """Use the key on one server all the time, until it is refused for long enough."""
        while time.monotonic() < self.refused.get(node.name, float("inf")) + 2 * REVOKED_S:
            asked = time.monotonic()
            answer = await http.get(f"{node.address}/v1/ping", headers=bearer(key))
            assert answer.status_code in (200, 401)
            if answer.status_code == 200:
                self.admitted[node.name] = asked
            else:
                self.refused.setdefault(node.name, time.monotonic())
            await asyncio.sleep(PAUSE_S)


@pytest.mark.once
@pytest.mark.parametrize("signals", ["work", "have just fallen silent", "are known to be silent"])
async def test_a_deleted_key_is_refused_everywhere_within_two_seconds(
    cluster: Cluster, owner: Tenant, signals: str
) -> None:
    key = make(cluster.servers[0], owner)
    uses = Uses()
    with ExitStack() as stack:
        stack.callback(cluster.until_shared)
        if signals != "work":
            stack.enter_context(cluster.valkey_road.stalled(BELLS))
        if signals == "are known to be silent":
            await asyncio.to_thread(until_silent, cluster)
        http = plain.AsyncClient(timeout=10)
        async with http, asyncio.TaskGroup() as group:
            for node in cluster.servers:
                group.create_task(uses.watch(http, node, key))
            await asyncio.to_thread(until_used, cluster, uses)
            path = f"{cluster.servers[0].address}/v1/keys/{key.id}"
            gone = await http.delete(path, headers=bearer(owner.key))
            told = time.monotonic()
    assert gone.status_code == 200
    first = cluster.servers[0].name
    assert uses.admitted[first] < told, "where it was deleted, that holds at once"
    late = {name: at - told for name, at in uses.admitted.items() if at > told + REVOKED_S}
    assert not late
    assert max(uses.refused.values()) < told + REVOKED_S


def make(node: Node, owner: Tenant) -> Key:
    answer = plain.post(
        f"{node.address}/v1/keys",
        json={"name": "short-lived"},
        headers=bearer(owner.key),
    )
    made = answer.json()["data"]
    return Key(made["id"], made["key"])


def bearer(key: Key) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.secret}"}


def until_silent(cluster: Cluster) -> None:
    """All servers have noticed that they are rung no more."""
    for node in cluster.servers:
        silent = partial(lambda one: one.metric("gatepost_signals_connected") == 0, node)
        wait_for(silent, f"{node.name} to notice")


def until_used(cluster: Cluster, uses: Uses) -> None:
    """The key was admitted everywhere, so that every server has it in its cache."""
    names = {node.name for node in cluster.servers}
    wait_for(lambda: uses.admitted.keys() == names, "uses everywhere")
