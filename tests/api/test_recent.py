"""`/v1/requests`: the last requests of an account, to look at."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import plain
from tests.dialects.native.wire import problems_of
from tests.server import Server, Tenant, unique

Client = Any


@pytest.fixture
def tenant(server: Server) -> Tenant:
    return server.make_tenant()


@pytest.fixture
def client(server: Server, tenant: Tenant) -> Iterator[Client]:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    with plain.Client(base_url=server.address, headers=headers, timeout=30) as made:
        yield made


def seen(client: Client, query: str = "") -> list[dict[str, Any]]:
    """The last requests without those that asked for them, oldest first."""
    answer = client.get(f"/v1/requests{query}")
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]["requests"]
    return [one for one in reversed(found) if one["route"] != "GET /v1/requests"]


def test_accepted_and_refused_requests_are_seen(client: Client, tenant: Tenant) -> None:
    done = client.post("/v1/events", json={"channelName": "a", "title": "x"})
    wrong = client.post("/v1/events", json={"channelName": "a"})
    client.get("/v1/keys/nothing")
    first, second, third = seen(client)
    assert (first["requestId"], first["route"]) == (
        done.headers["x-request-id"],
        "POST /v1/events",
    )
    assert (first["status"], first["code"], first["message"]) == (201, None, None)
    assert (first["keyId"], first["projectId"]) == (tenant.key.id, tenant.project)
    assert 0 <= first["durationMs"] < 30_000
    assert (second["status"], second["code"]) == (400, "validation_error")
    assert second["requestId"] == wrong.headers["x-request-id"]
    assert (third["route"], third["status"]) == ("GET /v1/keys/{id}", 404)
    assert seen(client, "?outcome=refused") == [second, third]
    assert seen(client, "?outcome=accepted") == [first]
    assert seen(client, "?route=/V1/KEYS") == [third]
    assert seen(client, f"?keyId={tenant.key.id}") == [first, second, third]
    assert seen(client, f"?keyId=key_{'0' * 32}") == []
    assert problems_of(client.get("/v1/requests?keyId=nothing")) == [["keyId"]]


def test_only_names_of_what_is_counted_are_seen(
    server: Server, client: Client, tenant: Tenant
) -> None:
    aggregator = server.make_aggregator(tenant.account)
    value = unique("value")
    query = {"_id": aggregator, "name": "user_signup", "plan": value, "eu": ""}
    assert client.get("/api/event", params=query).status_code == 200
    del query["name"]
    assert client.get("/api/event", params=query).status_code == 400
    counted, nameless = seen(client)
    assert (counted["route"], counted["about"]) == ("GET /api/event", "user_signup eu plan")
    assert (nameless["about"], nameless["message"]) == ("", "Missing event name")
    answer = client.get("/v1/requests").text
    assert value not in answer
    assert tenant.key.secret not in answer


def test_nobody_sees_another_account_or_project(
    server: Server, client: Client, tenant: Tenant
) -> None:
    client.get("/v1/ping")
    other = server.make_tenant()
    project = server.make_project(tenant.account)
    key = server.make_key(tenant.account, project)
    for secret in (other.key.secret, key.secret):
        headers = {"authorization": f"Bearer {secret}"}
        with plain.Client(base_url=server.address, headers=headers) as stranger:
            assert seen(stranger) == []
    assert [one["route"] for one in seen(client)] == ["GET /v1/ping"]


def test_a_hundred_are_kept(client: Client) -> None:
    for _ in range(110):
        client.get("/v1/ping")
    found = client.get("/v1/requests").json()["data"]
    assert len(found["requests"]) == 100
    assert found["processes"] >= 1
    assert len(client.get("/v1/requests?limit=7").json()["data"]["requests"]) == 7
