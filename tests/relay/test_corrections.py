"""Quotas that are set or corrected while requests are on their way to an upstream."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.dialects.native.wire import data_of
from tests.relay.tenant import Tenant
from tests.relay.upstream import Exchange
from tests.waiting import wait_for

COUNT = 3


class Gate:
    """An upstream's behaviour: nothing is answered until it is open."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.read()
        assert await asyncio.to_thread(self._open.wait, 30)
        await exchange.answer(self._status, b"{}")


@pytest.fixture(params=[200, 500])
def status(request: pytest.FixtureRequest) -> int:
    """What the upstream answers at last."""
    return int(request.param)


class Waiting:
    """Requests for a customer that wait at the upstream."""

    def __init__(self, tenant: Tenant, customer: str, gate: Gate) -> None:
        self._gate = gate
        route = tenant.route(gate, customer="required")
        self._pool = ThreadPoolExecutor(COUNT)
        headers = {"X-Customer-ID": customer}
        self._sent = [
            self._pool.submit(tenant.send, route.path, headers=headers) for _ in range(COUNT)
        ]
        wait_for(lambda: len(tenant.upstream.seen[route.there]) == COUNT, "all to arrive")

    def answers(self) -> list[httpx2.Response]:
        self._gate.open()
        return [one.result() for one in self._sent]

    def close(self) -> None:
        self._gate.open()
        self._pool.shutdown()


@pytest.fixture
def customer(tenant: Tenant) -> str:
    return tenant.customer({"metric": "requests", "limit": 10})


@pytest.fixture
def waiting(tenant: Tenant, customer: str, status: int) -> Iterator[Waiting]:
    sent = Waiting(tenant, customer, Gate(status))
    yield sent
    sent.close()


def test_a_correction_meanwhile_loses_none_of_them(
    tenant: Tenant, customer: str, waiting: Waiting, status: int
) -> None:
    assert tenant.used(customer) == COUNT
    body = {"requests": 2, "reason": "meanwhile"}
    path = f"/v1/customers/{customer}/adjustments"
    data_of(tenant.admin.send("POST", path, body), 201)
    assert tenant.used(customer) == COUNT + 2
    assert {one.status_code for one in waiting.answers()} == {status}
    kept = COUNT if status == 200 else 0
    wait_for(lambda: tenant.used(customer) == kept + 2, "what has become of them")
    data_of(tenant.admin.send("POST", path, {"requests": -1, "reason": "after"}), 201)
    assert tenant.used(customer) == kept + 1


def test_nor_does_a_quota_that_is_set_anew(
    tenant: Tenant, customer: str, waiting: Waiting, status: int
) -> None:
    quota = {"metric": "requests", "limit": 5, "period": "month", "mode": "hard"}
    path = f"/v1/customers/{customer}/quota"
    assert data_of(tenant.admin.send("PUT", path, quota), 200)["used"] == COUNT
    assert {one.status_code for one in waiting.answers()} == {status}
    kept = COUNT if status == 200 else 0
    wait_for(lambda: tenant.used(customer) == kept, "what has become of them")
