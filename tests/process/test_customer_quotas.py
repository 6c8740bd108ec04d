"""Customers' quotas over two processes, one of which is killed: so many are admitted, and each
threshold is told once.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.backends import postgres
from tests.server import Server
from tests.waiting import wait_for

pytestmark = pytest.mark.once

PEPPER = {"GATEPOST_PEPPER": "a secret that all the processes of a test share"}
THRESHOLDS = list(range(10, 101, 10))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two processes that answer and work, on one database."""
    env = PEPPER | {"GATEPOST_DATABASE_URL": postgres().create_database()}
    one, two = Server(tmp_path / "one", env=env), Server(tmp_path / "two", env=env)
    one.cli("migrate")
    with one, two:
        yield one, two


class Account:
    """An account that nothing else limits, and one customer of it."""

    def __init__(self, server: Server) -> None:
        self._headers = {"Authorization": f"Bearer {server.make_tenant().key.secret}"}
        made = self.send(server, "POST", "/v1/customers", {"identifier": "acme"})
        self.path = f"/v1/customers/{made.json()['data']['id']}"
        self._for = {"X-Customer-ID": made.json()["data"]["id"]}

    def send(self, server: Server, method: str, path: str, body: Any = None) -> httpx2.Response:
        with plain.Client(headers=self._headers, timeout=30) as client:
            return client.request(method, server.address + path, json=body)

    def ask(self, server: Server) -> int:
        """The status of an event that is sent for the customer; 0 when nobody answers."""
        event = {"channelName": "all", "title": "t"}
        with suppress(httpx2.HTTPError):
            address = f"{server.address}/v1/events"
            headers = self._headers | self._for
            return plain.post(address, json=event, headers=headers, timeout=30).status_code
        return 0

    def limit(self, server: Server, limit: int) -> None:
        body = {"metric": "requests", "limit": limit, "period": "month", "mode": "hard"}
        answer = self.send(server, "PUT", f"{self.path}/quota", body | {"thresholds": THRESHOLDS})
        assert answer.status_code == 200, answer.text

    def used(self, server: Server) -> int:
        found = self.send(server, "GET", f"{self.path}/quota").json()["data"]
        return int(found["used"])

    def told(self, server: Server) -> list[int]:
        found = self.send(server, "GET", "/v1/events?channel=usage&limit=100").json()["data"]
        return sorted(one["metadata"]["threshold"] for one in found["events"])


@pytest.fixture
def account(pair: tuple[Server, Server]) -> Account:
    return Account(pair[0])


def test_two_processes_admit_so_many_together(
    pair: tuple[Server, Server], account: Account
) -> None:
    account.limit(pair[0], 40)
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda at: account.ask(pair[at % 2]), range(96)))
    assert (statuses.count(201), statuses.count(429)) == (40, 56)
    assert account.used(pair[1]) == 40
    wait_for(lambda: account.told(pair[1]) == THRESHOLDS, "all thresholds")


def test_a_process_that_is_killed_takes_no_notice_with_it(
    pair: tuple[Server, Server], account: Account
) -> None:
    one, two = pair
    account.limit(one, 100)
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(account.ask, pair[at % 2]) for at in range(160)]
        wait_for(lambda: account.told(two), "the first threshold")
        one.kill()
        statuses = [each.result() for each in asked]
    assert set(statuses) <= {201, 429, 0}
    while account.ask(two) == 201:
        pass
    assert account.used(two) == 100
    wait_for(lambda: len(account.told(two)) >= len(THRESHOLDS), "all thresholds")
    assert account.told(two) == THRESHOLDS


def test_a_quota_that_one_process_sets_counts_what_the_other_does_meanwhile(
    pair: tuple[Server, Server], account: Account
) -> None:
    one, two = pair
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(account.ask, two) for _ in range(200)]
        wait_for(lambda: sum(each.done() for each in asked) > 20, "requests")
        account.limit(one, 1000)
        assert {each.result() for each in asked} == {201}
    wait_for(lambda: account.used(one) == 200, "all of them to be counted", timeout_s=60)


def test_what_was_reached_before_a_kill_is_told_after_it(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    with server:
        account = Account(server)
        account.limit(server, 10)
        assert [account.ask(server) for _ in range(10)] == [201] * 10
        server.kill()
        server.start()
        wait_for(lambda: account.told(server) == THRESHOLDS, "all thresholds")
