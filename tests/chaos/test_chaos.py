"""Four servers and a worker under load while everything they stand on dies, again and again."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.books import Books, Outage
from tests.chaos.client import Client, Load, account, ask, press
from tests.chaos.cluster import COUNTED, RECOVERY_S, Cluster
from tests.chaos.faults import Fault, schedule, strike
from tests.waiting import wait_for

SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(10**6)))
LONG_S = float(os.environ.get("CHAOS_SECONDS", "0"))
"""0: every fault once. Else rounds of all faults until the time is up."""
CALM = 60
"""Successes between a recovery and the next fault."""
LIMIT, SECONDS = 20, 2


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as running:
        yield running


def show(problems: list[str]) -> str:
    return "\n".join([f"seed {SEED}, {len(problems)} problems", *problems[:30]])


@pytest.mark.timeout(240 + 2 * LONG_S)
def test_whatever_dies_no_promise_is_broken(cluster: Cluster) -> None:
    chance = random.Random(SEED)
    books, limited = Books(), Books()
    main = cluster.servers[0].make_tenant(plan=COUNTED)
    narrow = cluster.servers[0].make_tenant(limit=f"{LIMIT}/{SECONDS}s")

    reader = cluster.servers[0].make_key(narrow.account, narrow.project)

    def auditor() -> Client:
        return Client(cluster.servers, reader.secret, limited)

    def client() -> Client:
        return Client(cluster.servers, main.key.secret, books)

    def presser() -> Client:
        return Client(cluster.servers, narrow.key.secret, limited)

    faults: list[Fault] = []
    outages: list[Outage] = []
    began = time.monotonic()
    with (
        Load(client, account, clients=16, pause_s=0.1, seed=SEED),
        Load(presser, press, clients=8, pause_s=0.1, seed=SEED),
    ):
        calm(books)
        while not faults or time.monotonic() - began < LONG_S:
            for act in schedule(chance):
                fault = strike(cluster, act, chance)
                faults.append(fault)
                recover(cluster, books, fault)
                if fault.valkey:
                    ended = time.monotonic()
                    outages.append(Outage(fault.began, ended, 3 * LIMIT))
                calm(books)
    print(f"seed {SEED}: {len(books.acknowledged)} events, {len(faults)} faults")
    for fault in faults:
        print(fault)
    slow = sorted(books.answers, key=lambda one: one.asked - one.answered)[:5]
    print(*slow, sep="\n")
    print(limited.most_admitted(SECONDS))

    for kept in (books, limited):
        assert not kept.unexpected(), show(kept.unexpected())
        assert not kept.hung(), show(kept.hung())
        assert not kept.broken_off(cluster.servers), show(kept.broken_off(cluster.servers))
    problems = books.audit(ask(client, Client.stored))
    assert not problems, show(problems)
    assert books.acknowledged.keys() == books.orders
    problems = limited.audit(ask(auditor, Client.stored))
    assert not problems, show(problems)
    assert ask(client, Client.counted) == [len(books.orders)]
    problems = limited.exceeded(LIMIT, SECONDS, outages)
    assert not problems, show(problems)


def recover(cluster: Cluster, books: Books, fault: Fault) -> None:
    """Every server has answered a request that came after the fault, and soon."""
    for node in cluster.servers:
        wait_for(
            lambda name=node.name: books.newest.get(name, 0.0) > fault.healed,
            f"a success of {node.name} after: {fault} (seed {SEED})",
            RECOVERY_S,
        )
    cluster.until_shared()


def calm(books: Books) -> None:
    """Let the load go on undisturbed for a while."""
    enough = len(books.acknowledged) + CALM
    wait_for(lambda: len(books.acknowledged) >= enough, "calm load", RECOVERY_S)
