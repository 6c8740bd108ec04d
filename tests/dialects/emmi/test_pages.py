"""What needs no key, and that it takes no path from others."""

import httpx2
import pytest

from gatepost import __version__
from tests.dialects.emmi.wire import PREFIXES, Account, data_of, refused
from tests.server import Server, Tenant

ROOTS = [*PREFIXES, *(f"{prefix}/" for prefix in PREFIXES)]


def ask(server: Server, http: httpx2.Client, path: str, method: str = "GET") -> httpx2.Response:
    return http.request(method, f"{server.address}{path}")


@pytest.mark.parametrize("path", ROOTS)
def test_12_which_service_this_is(server: Server, http: httpx2.Client, path: str) -> None:
    answer = ask(server, http, path)
    assert data_of(answer) == {
        "service": "gatepost",
        "version": __version__,
        "docs_url": "/openapi/emmi.json",
    }
    assert not any(name.startswith("x-ratelimit") for name in answer.headers)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_12_whether_it_answers(server: Server, http: httpx2.Client, prefix: str) -> None:
    assert data_of(ask(server, http, f"{prefix}/health")) == {"status": "ok"}
    head = ask(server, http, f"{prefix}/health", "HEAD")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", [*ROOTS, *(f"{prefix}/health" for prefix in PREFIXES)])
def test_other_methods(server: Server, http: httpx2.Client, path: str) -> None:
    answer = ask(server, http, path, "POST")
    refused(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_wrong_key_does_not_matter(account: Account) -> None:
    assert data_of(account.send("GET", "/health", key="nonsense")) == {"status": "ok"}


@pytest.mark.parametrize("path", ["/latest/api/v1/nothing", "/v1/api/v1/nothing"])
def test_what_lies_below_is_refused_in_these_words(
    server: Server, http: httpx2.Client, path: str
) -> None:
    refused(ask(server, http, path), 404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1x", "/v1/", "/v1/nothing", "/api"])
def test_paths_of_others_stay_theirs(server: Server, http: httpx2.Client, path: str) -> None:
    body = ask(server, http, path).json()
    assert (body["success"], body["code"]) == (False, "not_found")


def test_paths_below_api_v1_belong_to_whom_they_did(
    server: Server, http: httpx2.Client, tenant: Tenant
) -> None:
    bearer = {"Authorization": f"Bearer {tenant.key.secret}"}
    event = {"channelName": "general", "title": "it happened"}
    natively = http.post(f"{server.address}/api/v1/events", json=event, headers=bearer)
    assert (natively.status_code, natively.json()["success"]) == (201, True)
    counted = http.get(f"{server.address}/api/v1/aggregators", headers=bearer)
    assert list(counted.json()) == ["aggregators", "next_cursor"]
    wrong = http.get(f"{server.address}/api/v1/aggregators")
    assert wrong.json() == {"error": "Invalid API key"}
    taken = http.post(f"{server.address}/api/v1/key/regenerate")
    assert taken.json() == {"error": "Invalid API key"}


def test_they_are_in_the_document(server: Server, http: httpx2.Client) -> None:
    document = http.get(f"{server.address}/openapi/emmi.json").json()
    for path in ("/latest/api/v1", "/latest/api/v1/health"):
        said = document["paths"][path]["get"]
        assert said["security"] == []
        assert set(said["responses"]) == {"200"}
