"""Two workers share the deliveries, and are killed in turn at full load: what was to be delivered
is delivered or logged as failed, and only what was under way comes twice, with the same id.

`DELIVERY_KILLS=30` makes it a long run.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests import plain
from tests.chaos.books import Books
from tests.chaos.client import Client, Load, press
from tests.chaos.cluster import WORK, Cluster, Node
from tests.delivery.receiver import Receiver, answers
from tests.server import Tenant
from tests.waiting import wait_for

CLIENTS = 8
KILLS = int(os.environ.get("DELIVERY_KILLS", "3"))
BETWEEN = 150
"""Requests that come between two kills."""
AT_ONCE = 256
END_S = 90.0
OPEN = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'waiting', 'sending')"
UNTOLD = "SELECT count(*) FROM events WHERE seq > (SELECT max(seq) FROM outbox_marks)"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster") as running:
        yield running


@pytest.fixture
def workers(cluster: Cluster, tmp_path: Path) -> Iterator[list[Node]]:
    env = {name: value for name, value in cluster.worker.env.items() if name != "GATEPOST_DATA"}
    with Node(tmp_path, "worker-2", env=env, role=WORK) as second:
        yield [cluster.worker, second]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.mark.once
@pytest.mark.timeout(240 + 30 * KILLS)
def test_workers_that_are_killed_lose_nothing(
    cluster: Cluster, workers: list[Node], receiver: Receiver
) -> None:
    front, books = cluster.servers[0], Books()
    tenant = front.make_tenant(limit="off")
    healthy = listen(front, tenant, receiver, 200)
    refusing = listen(front, tenant, receiver, 400)

    def client() -> Client:
        return Client(cluster.servers, tenant.key.secret, books)

    with Load(client, press, clients=CLIENTS, pause_s=0.02, seed=1):
        for kill in range(KILLS):
            enough = len(receiver.got) + BETWEEN
            wait_for(partial(_has_got, receiver, enough), "deliveries", END_S)
            workers[kill % len(workers)].restart_after_kill()
    wait_for(lambda: not int(front.query(UNTOLD)[0][0]), "all events to be told", END_S)
    wait_for(lambda: not int(front.query(OPEN)[0][0]), "all deliveries to end", END_S)
    stored = set(books.acknowledged.values())
    for path, state in ((healthy, "succeeded"), (refusing, "failed")):
        ids = message_ids(receiver, path)
        assert stored <= set(ids)
        assert all(len(names) == 1 for names in ids.values()), "one event under several ids"
        assert len(ids) == ended(front, path, state)
    more = len(receiver.got) - int(front.query("SELECT count(*) FROM attempts")[0][0])
    assert 0 <= more <= KILLS * AT_ONCE


def _has_got(receiver: Receiver, number: int) -> bool:
    return len(receiver.got) >= number


def listen(node: Node, tenant: Tenant, receiver: Receiver, status: int) -> str:
    """An endpoint that is told of everything, once; its receiver's path."""
    url, path = receiver.place(answers(status))
    answer = plain.post(
        f"{node.address}/v1/endpoints",
        json={"url": url, "retry": "once", "name": path},
        headers={"Authorization": f"Bearer {tenant.key.secret}"},
    )
    assert answer.status_code == 201, answer.text
    return path


def message_ids(receiver: Receiver, path: str) -> dict[str, Counter[str]]:
    """The message ids under which each event has come."""
    found: dict[str, Counter[str]] = {}
    for one in receiver.at(path):
        event = json.loads(one.body)["data"]["id"]
        found.setdefault(event, Counter())[str(one.header("webhook-id"))] += 1
    return found


def ended(node: Node, name: str, state: str) -> int:
    """Deliveries to an endpoint that ended so."""
    query = (
        "SELECT count(*) FROM deliveries d JOIN endpoints e ON e.account_id = d.account_id"
        " AND e.id = d.endpoint_id WHERE e.name = ? AND d.state = ?"
    )
    return int(node.query(query, name, state)[0][0])
