"""What a relayed request costs: reserved before, settled by the answer, nothing for a failure."""

import asyncio
import contextlib
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.ports import free_port
from tests.relay.tenant import Route, Tenant
from tests.relay.upstream import Behaviour, Exchange
from tests.server import Server, unique
from tests.waiting import wait_for

AMPLE = {"metric": "units", "limit": 1000}


def answering(status: int) -> Behaviour:
    async def answer(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(status, b"{}")

    return answer


async def stalling(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.gone()


async def hanging_up(exchange: Exchange) -> None:
    await exchange.read()
    exchange.writer.close()


async def babbling(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.send(b"this is no HTTP\r\n\r\n")
    exchange.writer.close()


async def breaking_in_the_head(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Le")
    exchange.writer.close()


async def switching(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.head(101, "Upgrade: h2c", "Connection: Upgrade")


@pytest.fixture
def customer(tenant: Tenant) -> str:
    return tenant.customer(AMPLE)


def named(customer: str, **more: str) -> dict[str, str]:
    return {"X-Customer-ID": customer, **more}


@pytest.mark.parametrize(
    ("status", "units"), [(200, 3), (201, 3), (202, 3), (301, 0), (404, 0), (422, 0), (500, 0)]
)
def test_a_success_is_charged_and_nothing_else(
    tenant: Tenant, customer: str, status: int, units: int
) -> None:
    route = tenant.route(answering(status), units="array")
    answer = tenant.send(route.path, b"[1, 2, 3]", named(customer))
    assert answer.status_code == status
    assert tenant.used(customer) == units
    assert answer.headers["X-Quota-Remaining"] == str(1000 - units)
    assert tenant.metered(f"POST {route.path}") == [(status, 1, units)]
    assert tenant.holds() == 0


@pytest.mark.parametrize(
    "does", [hanging_up, babbling, breaking_in_the_head, switching], ids=lambda one: one.__name__
)
def test_an_upstream_that_fails_costs_nothing(
    tenant: Tenant, customer: str, does: Behaviour
) -> None:
    route = tenant.route(does, units="array")
    answer = tenant.send(route.path, b"[1, 2, 3]", named(customer))
    refusal_of(answer, 502, "upstream_failed", "Upstream failed")
    failed_for_nothing(tenant, route, customer, 502)


def test_an_upstream_that_is_down_costs_nothing(tenant: Tenant, customer: str) -> None:
    path = f"/{unique('down')}"
    tenant.declare("POST", path, f"http://127.0.0.1:{free_port()}/", units="array")
    answer = tenant.send(path, b"[1, 2, 3]", named(customer))
    refusal_of(answer, 502, "upstream_failed", "Upstream failed")
    failed_for_nothing(tenant, Route("", path, path), customer, 502)


def test_an_upstream_that_does_not_answer_costs_nothing(tenant: Tenant, customer: str) -> None:
    route = tenant.route(stalling, units="array", timeoutSeconds=0.3)
    answer = tenant.send(route.path, b"[1, 2, 3]", named(customer))
    refusal_of(answer, 504, "upstream_timeout", "Upstream timeout")
    assert tenant.seen(route).hung_up.wait(10)
    failed_for_nothing(tenant, route, customer, 504)


def failed_for_nothing(tenant: Tenant, route: Route, customer: str, status: int) -> None:
    assert tenant.used(customer) == 0
    assert tenant.holds() == 0
    name = f"POST {route.path}"
    assert wait_for(lambda: tenant.metered(name), "the line of the failure") == [(status, 1, 0)]
    wait_for(lambda: tenant.admin.get("/v1/refusals")["refusals"], "the refusal")


def test_without_quotas_it_is_metered_all_the_same(tenant: Tenant) -> None:
    customer = tenant.customer()
    good, bad = tenant.route(answering(200)), tenant.route(answering(500))
    for route in (good, bad):
        tenant.send(route.path, headers=named(customer))
        tenant.send(route.path)
    assert tenant.metered(f"POST {good.path}") == [(200, 2, 2)]
    assert tenant.metered(f"POST {bad.path}") == [(500, 2, 0)]


@pytest.mark.parametrize(
    ("rule", "body", "units"),
    [
        ("1", b"not json", 1),
        ("array", b"[]", 0),
        ("array", b"[1, [2, 3]]", 2),
        ("array", b'{"a": 1}', 1),
        ("/items", b'{"items": [1, 2, 3, 4]}', 4),
        ("/a/1/n", b'{"a": [{}, {"n": 12}]}', 12),
        ("/x~1y/~0", b'{"x/y": {"~": 5.0}}', 5),
    ],
)
def test_units(tenant: Tenant, rule: str, body: bytes, units: int) -> None:
    route = tenant.route(units=rule)
    assert tenant.send(route.path, body).status_code == 200
    assert tenant.seen(route).body == body
    assert tenant.metered(f"POST {route.path}") == [(200, 1, units)]


@pytest.mark.parametrize(
    ("rule", "body", "path"),
    [
        ("array", b"", []),
        ("array", b"[1", []),
        ("array", b"7", []),
        ("/n", b"[1]", ["n"]),
        ("/n", b'{"n": "7"}', ["n"]),
        ("/n", b'{"n": -1}', ["n"]),
        ("/n", b'{"n": true}', ["n"]),
        ("/n", b'{"n": 1.5}', ["n"]),
        ("/n", b'{"n": 1e300}', ["n"]),
        ("/a/01", b'{"a": [1, 2]}', ["a", "01"]),
    ],
)
def test_a_body_that_does_not_fit_is_not_forwarded(
    tenant: Tenant, rule: str, body: bytes, path: list[str]
) -> None:
    route = tenant.route(units=rule)
    answer = tenant.send(route.path, body)
    assert problems_of(answer) == [path]
    assert not tenant.upstream.seen[route.there]


def test_a_body_that_is_no_json_is_another_type(tenant: Tenant) -> None:
    route = tenant.route(units="array")
    answer = tenant.send(route.path, b"[1]", {"Content-Type": "text/plain"})
    refusal_of(answer, 415, "unsupported_media_type", "Unsupported media type")


@pytest.mark.parametrize("rule", ["1", "array"])
def test_a_body_has_a_bound(tenant: Tenant, rule: str) -> None:
    route = tenant.route(units=rule)
    answer = tenant.send(route.path, b"[" + b" " * 10_485_760 + b"]")
    refusal_of(answer, 413, "payload_too_large", "Payload too large")
    large = b"[" + b" " * 10_485_000 + b"1]"
    assert tenant.send(route.path, large).status_code == 200
    assert len(tenant.upstream.seen[route.there][-1].body) == len(large)


def test_customers(tenant: Tenant) -> None:
    required, ignored = tenant.route(customer="required"), tenant.route(customer="ignored")
    missing = tenant.send(required.path)
    refusal_of(missing, 400, "customer_missing", "Customer missing")
    wrong = tenant.send(required.path, headers=named("customer_" + "0" * 32))
    refusal_of(wrong, 404, "not_found", "Not found")
    assert not tenant.upstream.seen[required.there]
    answer = tenant.send(ignored.path, headers=named("nonsense"))
    assert answer.status_code == 200
    assert tenant.seen(ignored).header("x-gatepost-customer") is None


# Quotas


def test_a_hard_quota_is_exact_however_many_come(tenant: Tenant) -> None:
    """64 at once, three quarters of them served by an upstream that fails now and then."""
    customer, served = tenant.customer({"metric": "units", "limit": 100}), Counter[str]()

    async def moody(exchange: Exchange) -> None:
        await exchange.read()
        served["all"] += 1
        await exchange.answer(500 if served["all"] % 4 == 0 else 200, b"{}")

    route = tenant.route(moody, units="/n", customer="required")

    got, deadline = Counter[int](), time.monotonic() + 60

    def hammer(_: int) -> None:
        """What is reserved by requests that will fail is free again later."""
        while got[200] < 33 and time.monotonic() < deadline:
            got[tenant.send(route.path, b'{"n": 3}', named(customer)).status_code] += 1

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(hammer, range(64)))
    assert set(got) <= {200, 429, 500}
    assert got[200] == 33
    assert tenant.used(customer) == 99
    assert tenant.holds() == 0
    metered = {status: (count, units) for status, count, units in metered_of(tenant, route)}
    assert metered[200] == (33, 99)
    spent = tenant.send(route.path, b'{"n": 3}', named(customer))
    refusal_of(spent, 429, "quota_exceeded", "Quota exceeded")
    assert tenant.send(route.path, b'{"n": 1}', named(customer)).status_code in {200, 500}


def metered_of(tenant: Tenant, route: Route) -> list[tuple[int, int, int]]:
    return tenant.metered(f"POST {route.path}")


def test_a_quota_of_requests_counts_successes(tenant: Tenant) -> None:
    customer = tenant.customer({"metric": "requests", "limit": 2})
    good, bad = tenant.route(units="array"), tenant.route(answering(503), units="array")
    for _ in range(3):
        assert tenant.send(bad.path, b"[1, 2]", named(customer)).status_code == 503
    statuses = [tenant.send(good.path, b"[1, 2]", named(customer)).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_soft_quota_is_counted_and_never_refuses(tenant: Tenant) -> None:
    customer = tenant.customer({"metric": "units", "limit": 2, "mode": "soft"})
    route, bad = tenant.route(units="array"), tenant.route(answering(500), units="array")
    tenant.send(bad.path, b"[1, 2, 3]", named(customer))
    for _ in range(2):
        assert tenant.send(route.path, b"[1, 2, 3]", named(customer)).status_code == 200
    assert tenant.used(customer) == 6


def test_a_plan_that_counts_data_is_charged(
    relay: Server, make_other: Callable[..., Tenant]
) -> None:
    plan = unique("plan")
    relay.cli("plan", "set", plan, "--quota", "data=5:data:month")
    other = make_other(plan=plan)
    route, bad = other.route(units="array"), other.route(answering(500), units="array")
    statuses = [
        other.send(one.path, b"[1, 2]").status_code for one in (bad, route, bad, route, route, bad)
    ]
    assert statuses == [500, 200, 500, 200, 429, 429]
    assert other.holds() == 0


def test_a_request_on_its_way_has_its_units_reserved(tenant: Tenant) -> None:
    go = tenant.upstream.event()

    async def waiting(exchange: Exchange) -> None:
        await exchange.read()
        await go.wait()
        await exchange.answer(200, b"{}")

    customer = tenant.customer({"metric": "units", "limit": 3})
    route = tenant.route(waiting, units="array", customer="required")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(tenant.send, route.path, b"[1, 2]", named(customer))
        wait_for(lambda: tenant.upstream.seen[route.there], "the request there")
        assert tenant.holds() == 1
        second = tenant.send(route.path, b"[1, 2]", named(customer))
        assert second.status_code == 429
        go.set()
        assert first.result().status_code == 200
    assert tenant.used(customer) == 2


@pytest.mark.once
def test_what_cannot_be_charged_is_not_passed_on(tenant: Tenant) -> None:
    """Another process keeps the database to itself while the upstream answers."""
    go = tenant.upstream.event()

    async def waiting(exchange: Exchange) -> None:
        await exchange.read()
        await go.wait()
        await exchange.answer(200, b"precious")

    route = tenant.route(waiting)
    with (
        ThreadPoolExecutor(1) as pool,
        contextlib.closing(sqlite3.connect(tenant.server.data / "gatepost.db")) as other,
    ):
        flight = pool.submit(tenant.send, route.path)
        wait_for(lambda: tenant.upstream.seen[route.there], "the request there")
        other.execute("BEGIN IMMEDIATE")
        go.set()
        answer = flight.result()
        other.rollback()
    refusal_of(answer, 503, "unavailable", "Service unavailable")
    assert "precious" not in answer.text
    assert wait_for(lambda: metered_of(tenant, route), "the line of the refusal") == [(503, 1, 0)]


# Clients that leave


def test_a_client_that_leaves_ends_the_request_for_nothing(tenant: Tenant, customer: str) -> None:
    route = tenant.route(stalling, units="array")
    connection = open_request(tenant, route, customer)
    wait_for(lambda: tenant.upstream.seen[route.there], "the request there")
    assert tenant.used(customer) == 3
    connection.close()
    assert tenant.seen(route).hung_up.wait(10)
    wait_for(lambda: tenant.used(customer) == 0, "the reservation given back")
    assert tenant.holds() == 0
    assert metered_of(tenant, route) == []


def test_a_client_that_leaves_after_the_head_is_charged(tenant: Tenant, customer: str) -> None:
    async def begun(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.head(200, "Content-Length: 1000")
        await exchange.send(b"x")
        await exchange.gone()

    route = tenant.route(begun, units="array")
    connection = open_request(tenant, route, customer)
    assert connection.recv(12) == b"HTTP/1.1 200"
    connection.close()
    assert tenant.seen(route).hung_up.wait(10)
    assert tenant.used(customer) == 3
    assert metered_of(tenant, route) == [(200, 1, 3)]


def open_request(tenant: Tenant, route: Route, customer: str) -> socket.socket:
    host, port = tenant.server.address.removeprefix("http://").split(":")
    lines = [f"POST {route.path} HTTP/1.1", "Host: x", "Content-Length: 9"]
    lines += [f"Authorization: Bearer {tenant.admin.wire.key}", f"X-Customer-ID: {customer}"]
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall("\r\n".join((*lines, "", "[1, 2, 3]")).encode())
    return connection


# Idempotency keys


def test_a_repeat_is_served_and_counted_once(tenant: Tenant, customer: str) -> None:
    route = tenant.route(units="array")
    once = named(customer, **{"Idempotency-Key": unique("once")})
    answers = [tenant.send(route.path, b"[1, 2]", once) for _ in range(3)]
    assert [one.status_code for one in answers] == [200] * 3
    assert len(tenant.upstream.seen[route.there]) == 3
    assert tenant.used(customer) == 2
    assert metered_of(tenant, route) == [(200, 1, 2)]
    other = tenant.route(units="array")
    assert tenant.send(other.path, b"[1, 2]", once).status_code == 200
    assert tenant.used(customer) == 4


def test_a_failure_leaves_its_key_free(tenant: Tenant, customer: str) -> None:
    failures = [500, 502, 200]

    async def improving(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(failures.pop(0), b"{}")

    route = tenant.route(improving)
    once = named(customer, **{"Idempotency-Key": unique("once")})
    assert [tenant.send(route.path, headers=once).status_code for _ in range(3)] == [500, 502, 200]
    assert tenant.used(customer) == 1
    assert metered_of(tenant, route) == [(200, 1, 1), (500, 1, 0), (502, 1, 0)]


def test_repeats_at_once_are_counted_once(tenant: Tenant, customer: str) -> None:
    async def slow(exchange: Exchange) -> None:
        await exchange.read()
        await asyncio.sleep(0.05)
        await exchange.answer(200, b"{}")

    route = tenant.route(slow, units="array")
    once = named(customer, **{"Idempotency-Key": unique("once")})
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(tenant.send, route.path, b"[1, 2]", once) for _ in range(16)]
    assert {one.result().status_code for one in answers} == {200}
    assert tenant.used(customer) == 2
    assert metered_of(tenant, route) == [(200, 1, 2)]
    assert tenant.holds() == 0


def test_a_repeat_is_served_although_the_quota_is_spent(tenant: Tenant) -> None:
    customer = tenant.customer({"metric": "units", "limit": 2})
    route = tenant.route(units="array")
    once = named(customer, **{"Idempotency-Key": unique("once")})
    assert tenant.send(route.path, b"[1, 2]", once).status_code == 200
    assert tenant.send(route.path, b"[1, 2]", named(customer)).status_code == 429
    assert tenant.send(route.path, b"[1, 2]", once).status_code == 200
    assert tenant.used(customer) == 2


def test_single_requests_of_customers_are_kept(tenant: Tenant) -> None:
    customer = tenant.customer()
    route = tenant.route()
    answer = tenant.send(route.path, headers=named(customer))
    rows: Any = tenant.server.query(
        "SELECT route, status, units, response_bytes FROM usage_requests WHERE request_id = ?",
        answer.headers["X-Request-ID"],
    )
    assert [tuple(row) for row in rows] == [
        (f"POST {route.path}", 200, 1, int(answer.headers["Content-Length"]))
    ]
    shown = tenant.admin.wire.get(f"/v1/customers/{customer}/usage")
    assert data_of(shown, 200)["totals"]["requests"] == 1
