"""The relay of the real program in front of a real service, which checks who calls."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gatepost_client import IdentityError, verify_identity
from gatepost_client.asgi import App
from tests import plain
from tests.sdk.site import Site
from tests.server import Server, Tenant, unique

NOBODY = "0" * 64


def service(secret: list[str]) -> App:
    """Answers with who calls, if the relay has signed for it."""

    async def answer(request: Request) -> JSONResponse:
        scope = request.scope
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        try:
            caller = verify_identity(request.headers, request.method, target, secret[0])
        except IdentityError as error:
            return JSONResponse({"refused": str(error)}, 401)
        return JSONResponse(
            {
                "account": caller.account,
                "key": caller.key,
                "customer": caller.customer,
                "request": caller.request_id,
            }
        )

    return Starlette(routes=[Route("/in/{name:path}", answer, methods=["GET", "POST"])])


@pytest.fixture(scope="module")
def relaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    here = {"GATEPOST_RELAY_NETWORKS": "127.0.0.0/8"}
    with Server(tmp_path_factory.mktemp("relaying") / "data", env=here) as running:
        yield running


@pytest.fixture(scope="module")
def relayed(relaying: Server) -> Tenant:
    return relaying.make_tenant()


@pytest.fixture(scope="module")
def http(relaying: Server, relayed: Tenant) -> Iterator[httpx2.Client]:
    named = {"Authorization": f"Bearer {relayed.key.secret}"}
    with plain.Client(base_url=relaying.address, headers=named, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def path(http: httpx2.Client) -> Iterator[str]:
    """A path that is relayed to the service."""
    secret = [http.get("/v1/relays/secret").json()["data"]["secret"]]
    with Site(service(secret)) as upstream:
        path = f"/{unique('relayed')}"
        declared = {"path": f"{path}/*", "upstream": f"http://{upstream.address}/in/*"}
        answer = http.post("/v1/relays", json=declared | {"method": "ANY"})
        assert answer.status_code == 201, answer.text
        yield path


@pytest.mark.parametrize("target", ["/a", "/a?b=c&d=%C3%BC", "/%C3%BC/x%20y?q=1+2", "/a/b/?"])
def test_the_service_knows_who_calls(
    http: httpx2.Client, relayed: Tenant, path: str, target: str
) -> None:
    for method in ("GET", "POST"):
        answer = http.request(method, path + target)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        assert (told["account"], told["key"]) == (relayed.account, relayed.key.id)
        assert told["customer"] is None
        assert told["request"]


def test_it_knows_for_which_customer(http: httpx2.Client, path: str) -> None:
    made = http.post("/v1/customers", json={"identifier": unique("customer")}).json()["data"]
    told = http.get(f"{path}/a", headers={"X-Customer-ID": made["id"]}).json()
    assert told["customer"].replace("-", "") == made["id"].removeprefix("customer_")


def test_what_a_client_says_of_itself_is_not_believed(
    http: httpx2.Client, relayed: Tenant, path: str
) -> None:
    forged = {"X-Gatepost-Account": "account_other", "X-Gatepost-Signature": f"v1={NOBODY}"}
    told = http.get(f"{path}/a", headers=forged).json()
    assert told["account"] == relayed.account


def test_a_call_past_the_relay_is_refused() -> None:
    with Site(service([NOBODY])) as upstream:
        answer = upstream.get("/in/a")
    assert (answer.status_code, answer.json()) == (
        401,
        {"refused": "X-Gatepost-Timestamp is missing"},
    )
