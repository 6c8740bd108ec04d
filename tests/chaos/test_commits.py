"""Connections that break while a commit is under way."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests import plain
from tests.chaos.cluster import Node
from tests.postgres import Postgres
from tests.proxy import Ambush, Proxy
from tests.server import Key
from tests.waiting import wait_for

PEPPER = {"GATEPOST_PEPPER": "a secret that all the processes of a test share"}
GIVEN_UP = "the database went away while it was committing"
ALONE = ["alone 0", "alone 1"]
"""One for each writer; what comes meanwhile gathers."""
GROUP = [f"grouped {number}" for number in range(6)]
FIRST = "first"
"""Makes the channel: those alone would wait for each other there, and then race the group."""

COMMIT = Ambush(b"grouped", b"COMMIT\0")


@contextmanager
def writers_held(url: str) -> Iterator[None]:
    """Who stores an event waits at the last statement before its commit."""
    with psycopg.connect(url) as holder:
        holder.execute("LOCK TABLE usage_lines IN EXCLUSIVE MODE")
        yield


def send(node: Node, key: Key, title: str) -> int:
    """Store an event without an idempotency key; the status."""
    return plain.post(
        f"{node.address}/v1/events",
        json={"channelName": "commits", "title": title},
        headers={"Authorization": f"Bearer {key.secret}"},
        timeout=60,
    ).status_code


@pytest.mark.once
@pytest.mark.timeout(120)
def test_a_commit_whose_end_nobody_learns_is_not_carried_out_again(tmp_path: Path) -> None:
    """The server commits, then falls silent; nobody may do it all again when it is back."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        road = stack.enter_context(Proxy(postgres.port))
        url = postgres.create_database()
        env = {"GATEPOST_DATABASE_URL": road.by_way_of(url), **PEPPER}
        node = Node(tmp_path, "server", env=env)
        node.cli("migrate")
        key = stack.enter_context(node).make_tenant().key
        assert send(node, key, FIRST) == 201
        pool = stack.enter_context(ThreadPoolExecutor(len(ALONE + GROUP)))
        with ExitStack() as silence:
            with writers_held(url):
                alone = []
                for number, title in enumerate(ALONE, 1):
                    alone.append(pool.submit(send, node, key, title))
                    wait_for(partial(waits, postgres, number), "a busy writer")
                group = [pool.submit(send, node, key, title) for title in GROUP]
                wait_for(lambda: node.metric("gatepost_writer_queue") >= len(GROUP), "a group")
                silence.enter_context(road.stalled(after=COMMIT))
            wait_for(lambda: GIVEN_UP in node.output(), "the server to give up", 30)
        assert [one.result() for one in alone] == [201] * len(ALONE)
        assert {one.result() for one in group} == {503}
        titles = Counter(title for (title,) in node.query("SELECT title FROM events"))
        assert titles == Counter([FIRST, *ALONE, *GROUP])


def waits(postgres: Postgres, number: int) -> bool:
    """Whether so many sessions wait for a lock."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return postgres.execute(count) == [(number,)]


@pytest.mark.once
def test_a_process_frozen_in_the_middle_of_a_transaction_carries_it_out_again(
    tmp_path: Path,
) -> None:
    """PostgreSQL ends a session that holds its locks in silence."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        url = postgres.create_database()
        node = Node(tmp_path, "server", env={"GATEPOST_DATABASE_URL": url, **PEPPER})
        node.cli("migrate")
        key = stack.enter_context(node).make_tenant().key
        pool = stack.enter_context(ThreadPoolExecutor(1))
        with writers_held(url):
            stored = pool.submit(send, node, key, "frozen")
            wait_for(partial(waits, postgres, 1), "a busy writer")
            os.kill(node.pid, signal.SIGSTOP)
        try:
            wait_for(lambda: "idle-in-transaction timeout" in postgres.output(), "the end", 20)
        finally:
            os.kill(node.pid, signal.SIGCONT)
        assert stored.result() == 201
        assert node.query("SELECT title FROM events") == [("frozen",)]
