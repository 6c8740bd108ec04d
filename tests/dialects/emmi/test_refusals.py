"""Why a data request is refused: each check in its turn, and what the answer tells."""

import contextlib
import time
from functools import partial
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.dialects.emmi.wire import ECHO, NOBODY, Account, an_entity, data_of, faults, refused
from tests.dialects.native.wire import at_once
from tests.server import Server, unique
from tests.waiting import wait_for

NO_JSON = b"{"
XML = {"Content_Type": "application/xml"}


def suspend(account: Account) -> None:
    account.server.cli("account", "set-status", account.id, "inactive")


def hard(account: Account, customer: str, limit: int, metric: str = "units") -> None:
    quota = {"metric": metric, "limit": limit, "period": "month", "mode": "hard"}
    data_of(account.send("PUT", f"/customers/{customer}/quota", quota))


# Rows 1 and 2: the key


@pytest.mark.parametrize("key", [None, ""])
def test_row_1_no_key(account: Account, key: str | None) -> None:
    suspend(account)
    refused(account.ask("desk-a", NO_JSON, key=key, **XML), 401, "missing_api_key")


def test_row_2_wrong_keys_are_told_alike(account: Account) -> None:
    gone = account.make_key()
    account.server.cli("key", "delete", gone.id, "--account", account.id)
    ended = account.make_key()
    account.server.cli("key", "disable", ended.id, "--account", account.id)
    texts = set()
    for key in ("nonsense", "emmi_sk_" + "a" * 64, gone.secret, ended.secret):
        answer = account.ask("desk-a", NO_JSON, key=key, **XML)
        body = refused(answer, 401, "invalid_api_key")
        texts.add(str(body["error"]))
        assert key not in answer.text
        assert not any(name.startswith("x-ratelimit") for name in answer.headers)
    assert len(texts) == 1


def test_row_2_only_the_header_counts(account: Account) -> None:
    bearer = f"Bearer {account.key.secret}"
    customer = account.register()["customer_id"]
    answer = account.ask(customer, key=None, Authorization=bearer)
    refused(answer, 401, "missing_api_key")
    path = f"{ECHO}?api_key={account.key.secret}"
    refused(account.send("POST", path, {}, key=None), 401, "missing_api_key")


def test_spaces_around_a_header_do_not_matter(account: Account) -> None:
    """Written by hand: the usual client sends none."""
    customer = account.register()["customer_id"]
    host = urlsplit(account.server.address).netloc
    headers = {
        "X-Api-KEY": f"  {account.key.secret}\t",
        "x-customer-id": f" \t{customer.upper()} ",
        "Content-Type": "application/json",
    }
    with contextlib.closing(HTTPConnection(host, timeout=30)) as connection:
        connection.request("POST", f"{account.prefix}{ECHO}", b"{}", headers)
        assert connection.getresponse().status == 200


@pytest.mark.parametrize("kind", ["native", "native-test", "emitkit", "eventicat", "notifykit"])
def test_a_key_of_another_format_works_too(account: Account, kind: str) -> None:
    made = account.server.make_key(account.id, None, key_format=kind)
    data_of(account.send("GET", "/customers", key=made.secret))


def test_many_wrong_keys_from_one_address(
    tmp_path_factory: pytest.TempPathFactory, http: httpx2.Client
) -> None:
    env = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "2"}
    with Server(tmp_path_factory.mktemp("strict") / "data", env=env) as strict:
        account = Account(strict, http)
        refused(account.send("GET", "/customers", key="nonsense"), 401, "invalid_api_key")
        refused(account.send("GET", "/customers", key=None), 401, "missing_api_key")
        over = account.send("GET", "/customers", key="nonsense")
        refused(over, 429, "rate_limit_exceeded")
        assert over.headers["x-ratelimit-limit"] == "2"
        assert 1 <= int(over.headers["retry-after"]) <= 60
        data_of(account.send("GET", "/customers"))


# Rows 3 and 4: the account


def test_row_3_a_suspended_account(account: Account) -> None:
    narrow = account.make_key(limit="1/60s")
    data_of(account.send("GET", "/customers", key=narrow.secret))
    suspend(account)

    def told() -> bool:
        return account.ask("desk-a", NO_JSON).status_code == 403

    wait_for(told, "the account to be known as suspended")
    refused(account.ask("desk-a", NO_JSON, **XML), 403, "account_suspended")
    refused(account.ask("desk-a", NO_JSON, key=narrow.secret), 403, "account_suspended")
    refused(account.send("GET", "/customers"), 403, "account_suspended")


def test_row_4_too_many_requests(account: Account) -> None:
    hasty = account.make_key(limit="2/60s").secret
    for remaining in ("1", "0"):
        answer = account.send("GET", "/customers", key=hasty)
        data_of(answer)
        assert answer.headers["x-ratelimit-limit"] == "2"
        assert answer.headers["x-ratelimit-remaining"] == remaining
    over = account.ask("desk-a", NO_JSON, key=hasty, **XML)
    refused(over, 429, "rate_limit_exceeded")
    assert 1 <= int(over.headers["retry-after"]) <= 60
    assert over.headers["x-ratelimit-remaining"] == "0"
    assert int(over.headers["x-ratelimit-reset"]) >= time.time()


def test_the_plan_is_what_an_account_gets(server: Server, http: httpx2.Client) -> None:
    account = Account(server, http, plan="emmi")
    account.key = account.make_key(limit=None)
    answer = account.send("GET", "/customers")
    assert answer.headers["x-ratelimit-limit"] == "600"


# Rows 5 to 8: the customer


def test_rows_5_to_8_come_before_the_body(account: Account) -> None:
    made = account.register()["customer_id"]
    refused(account.ask(None, NO_JSON, **XML), 400, "missing_customer_id")
    refused(account.ask("desk-a", NO_JSON, **XML), 400, "invalid_customer_id")
    refused(account.ask(NOBODY, NO_JSON, **XML), 404, "customer_not_found")
    hard(account, made, 0)
    data_of(account.send("PATCH", f"/customers/{made}", {"status": "inactive"}))
    refused(account.ask(made, NO_JSON, **XML), 403, "customer_inactive")
    data_of(account.send("PATCH", f"/customers/{made}", {"status": "active"}))
    refused(account.ask(made, NO_JSON, **XML), 429, "quota_exceeded")


def test_row_8_a_customer_that_has_ended(account: Account) -> None:
    made = account.register()["customer_id"]
    data_of(account.ask(made))
    assert account.send("DELETE", f"/customers/{made}").status_code == 204
    refused(account.ask(made), 404, "customer_not_found")


# Row 9: the quota


@pytest.mark.parametrize("metric", ["requests", "units"])
def test_row_9_comes_before_the_body(account: Account, metric: str) -> None:
    made = account.register()["customer_id"]
    hard(account, made, 2, metric)
    for left in ("1", "0"):
        answer = account.ask(made)
        data_of(answer)
        assert answer.headers["x-quota-limit"] == "2"
        assert answer.headers["x-quota-remaining"] == left
        assert int(answer.headers["x-quota-reset"]) > time.time()
    for body, headers in ((None, {}), (NO_JSON, {}), (b"<x/>", XML), ([1], {})):
        over = account.ask(made, body, **headers)
        refused(over, 429, "quota_exceeded")
        assert int(over.headers["retry-after"]) >= 1
        assert over.headers["x-quota-limit"] == "2"
        assert over.headers["x-quota-remaining"] == "0"
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= set(
            over.headers
        )


def test_row_9_a_request_that_does_not_fit_takes_nothing(account: Account) -> None:
    made = account.register()["customer_id"]
    hard(account, made, 5)
    data_of(account.ask(made, [an_entity()] * 3))
    over = account.ask(made, [an_entity()] * 3)
    refused(over, 429, "quota_exceeded")
    assert over.headers["x-quota-remaining"] == "2"
    data_of(account.ask(made, [an_entity()] * 2))
    assert account.used(made)[:2] == (2, 5)


def test_row_9_a_neighbour_that_is_refused_takes_nothing(account: Account) -> None:
    bodies: list[Any] = [[5]] * 15 + [an_entity()]

    def ask(at: int, customer: str) -> httpx2.Response:
        return account.ask(customer, bodies[at])

    for _ in range(20):
        customer = account.register()["customer_id"]
        hard(account, customer, 1)
        answers = at_once(len(bodies), partial(ask, customer=customer))
        assert answers[-1].status_code == 200, answers[-1].text


# Rows 10 and 11: the body


@pytest.mark.parametrize(
    "kind", ["application/xml", "text/plain", "application/x-www-form-urlencoded", ""]
)
def test_row_10a_a_body_that_is_not_called_json(account: Account, kind: str) -> None:
    made = account.register()["customer_id"]
    for path in (ECHO, "/customers"):
        answer = account.send("POST", path, NO_JSON, customer=made, Content_Type=kind)
        refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/geo+json"]
)
def test_row_10a_kinds_that_are_json(account: Account, kind: str) -> None:
    made = account.register()["customer_id"]
    data_of(account.ask(made, Content_Type=kind))


@pytest.mark.parametrize("body", [NO_JSON, b"", b"\xff", b"[1,]", b"nothing", b"[" * 50_000])
def test_row_10b_a_body_that_is_not_json(account: Account, body: bytes) -> None:
    made = account.register()["customer_id"]
    refused(account.ask(made, body), 400, "invalid_json")
    refused(account.send("POST", "/customers", body), 400, "invalid_json")
    refused(account.send("PATCH", f"/customers/{made}", body), 400, "invalid_json")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([], [""]),
        (17, [""]),
        ("text", [""]),
        ([1, {}, "x"], ["[0]", "[2]"]),
        ({"entity_info": 1}, ["entity_info"]),
        ([{}, {"entity_info": {"name": 7}}], ["[1].entity_info.name"]),
        ([{"entity_info": {"identifier": 1, "asset_type": []}, "data": 5}],
         ["[0].entity_info.identifier", "[0].entity_info.asset_type", "[0].data"]),
    ],
)  # fmt: skip
def test_row_11_what_is_no_entity(account: Account, body: object, expected: list[str]) -> None:
    made = account.register()["customer_id"]
    assert faults(account.ask(made, body)) == expected


def test_row_11_so_much_is_told_and_no_more(account: Account) -> None:
    made = account.register()["customer_id"]
    assert len(faults(account.ask(made, [1] * 5000))) == 100


def test_what_is_refused_is_an_error_of_the_customer_and_no_unit(account: Account) -> None:
    made = account.register()["customer_id"]
    data_of(account.ask(made))
    refused(account.ask(made, NO_JSON), 400, "invalid_json")
    refused(account.ask(made, [1, 2, 3]), 422, "validation_error")

    def figures() -> tuple[int, int, int] | None:
        found = account.used(made)
        return found if found[2] == 2 else None

    assert wait_for(figures, "what was refused") == (1, 1, 2)


# Beside the rows


def test_a_key_needs_the_right(account: Account) -> None:
    made = account.register()["customer_id"]
    place = f"/customers/{made}"
    for scope, allowed in (
        ("data:write", {"POST" + ECHO}),
        ("customers:read", {"GET/customers", "GET" + place}),
        ("usage:read", {"GET/usage", f"GET{place}/usage", f"GET{place}/usage/requests"}),
        ("customers:write", {"PATCH" + place}),
    ):
        key = account.make_key(scope=scope).secret
        for method, path in (
            ("POST", ECHO),
            ("GET", "/customers"),
            ("GET", place),
            ("PATCH", place),
            ("GET", "/usage"),
            ("GET", f"{place}/usage"),
            ("GET", f"{place}/usage/requests"),
        ):
            body: Any = {} if method in {"POST", "PATCH"} else None
            answer = account.send(method, path, body, key=key, customer=made)
            if method + path in allowed:
                assert answer.status_code == 200, answer.text
            else:
                refused(answer, 403, "forbidden")


def test_a_body_that_is_too_large(account: Account) -> None:
    made = account.register()["customer_id"]
    answer = account.ask(made, b'["' + b"x" * 1_048_576 + b'"]')
    refused(answer, 413, "payload_too_large")


def test_no_answer_is_kept(account: Account) -> None:
    for answer in (
        account.send("GET", "/customers"),
        account.send("GET", "/customers", key=None),
        account.send("PUT", "/customers"),
        account.send("GET", "/health"),
    ):
        assert answer.headers["cache-control"] == "no-store"


# Repeats


def test_a_repeat_is_served_and_counted_once(account: Account) -> None:
    made, turn = account.register()["customer_id"], unique("turn")
    body = [an_entity(year=2025), an_entity(year=2026)]
    first = account.ask(made, body, Idempotency_Key=turn)
    again = account.ask(made, body, Idempotency_Key=turn)
    assert data_of(first) == data_of(again)
    assert "x-idempotent-replay" not in first.headers
    assert again.headers["x-idempotent-replay"] == "true"
    assert account.used(made) == (1, 2, 0)
    other = account.ask(made, an_entity(), Idempotency_Key=turn)
    refused(other, 409, "idempotency_key_reused")


def test_another_customers_repeat_is_none(account: Account) -> None:
    one, other = account.register()["customer_id"], account.register()["customer_id"]
    turn = unique("turn")
    for customer in (one, other):
        assert "x-idempotent-replay" not in account.ask(customer, Idempotency_Key=turn).headers
        assert account.used(customer) == (1, 1, 0)
