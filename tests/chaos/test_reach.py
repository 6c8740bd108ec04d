"""A server that falls silent is given up, a slow one is waited for; all connections learn it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from threading import Thread

import psycopg
import pytest
import sqlalchemy

from gatepost.storage.postgres.connection import CONNECT_S
from gatepost.storage.postgres.reach import PROBE_S, SILENT_S, Away, Reach
from tests.postgres import Postgres
from tests.proxy import Proxy
from tests.waiting import wait_for

GIVEN_UP_S = SILENT_S + CONNECT_S + 1.5
ALL_LOST = (sqlalchemy.exc.DBAPIError, psycopg.Error)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres(settings={"max_connections": "8"}) as running:
        yield running


@pytest.fixture
def road(postgres: Postgres) -> Iterator[Proxy]:
    with Proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def reach(postgres: Postgres, road: Proxy) -> Iterator[Reach]:
    made = Reach(road.by_way_of(postgres.url))
    yield made
    made.close()


def ask(sql: sqlalchemy.Connection, statement: str = "SELECT 1") -> object:
    return sql.exec_driver_sql(statement).scalar()


@pytest.mark.once
def test_a_slow_answer_is_waited_for(reach: Reach) -> None:
    with reach.connect() as sql:
        slow = f"SELECT 'done' FROM pg_sleep({2.5 * SILENT_S})"
        assert ask(sql, slow) == "done"


@pytest.mark.once
def test_a_server_that_takes_no_further_connection_is_not_silent(
    reach: Reach, postgres: Postgres
) -> None:
    with reach.connect() as sql, ExitStack() as others:
        fill(postgres, others)
        with pytest.raises(psycopg.OperationalError, match="FATAL"):
            psycopg.connect(postgres.url)
        assert ask(sql, f"SELECT 'done' FROM pg_sleep({1.5 * SILENT_S})") == "done"


@pytest.mark.once
def test_a_silent_server_is_given_up(reach: Reach, road: Proxy) -> None:
    with reach.connect() as sql:
        began = time.monotonic()
        with road.stalled(), pytest.raises(sqlalchemy.exc.OperationalError, match="silent"):
            ask(sql)
        assert SILENT_S < time.monotonic() - began < GIVEN_UP_S


@pytest.mark.once
def test_while_one_tries_others_do_not_wait(reach: Reach, road: Proxy) -> None:
    with road.stalled():
        trying = Thread(target=wait_for, args=(partial(connects, reach), "a connection", 30))
        trying.start()
        wait_for(lambda: reach._trying, "a second try, after one has failed")
        began = time.monotonic()
        with pytest.raises(Away):
            reach.connect()
        assert time.monotonic() - began < PROBE_S
    trying.join()
    assert connects(reach)


@pytest.mark.once
def test_it_is_found_again_soon(reach: Reach, road: Proxy) -> None:
    with road.cut(), pytest.raises(ALL_LOST):
        reach.connect()
    began = time.monotonic()
    wait_for(lambda: connects(reach), "a connection")
    assert time.monotonic() - began < 1 + PROBE_S


def fill(postgres: Postgres, others: ExitStack) -> None:
    """Take all connections that are left."""
    with suppress(psycopg.OperationalError):
        while True:
            others.enter_context(psycopg.connect(postgres.url))


def connects(reach: Reach) -> bool:
    try:
        reach.connect().close()
    except ALL_LOST:
        return False
    return True
