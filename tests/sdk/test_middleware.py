"""The gate in front of a real app, asking the real program."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from starlette.responses import PlainTextResponse
from websockets.sync.client import connect

from gatepost_client import GateMiddleware, Limit, MintedKey, Quota, Refusal
from gatepost_client.asgi import App, Receive, Scope, Send, header
from tests import plain
from tests.sdk.keeper import Keeper
from tests.sdk.site import Api, Site
from tests.server import unique
from tests.waiting import wait_for

BATCHES = re.compile(
    r'^gatepost_http_requests_total\{.*"/v1/gate/check/batch".*\} (\S+)$', re.MULTILINE
)


def customer(scope: Scope) -> str | None:
    return header(scope, b"x-customer")


@pytest.fixture(scope="module")
def api() -> Api:
    return Api()


@pytest.fixture(scope="module")
def site(api: Api, keeper: Keeper) -> Iterator[Site]:
    """An app that asks Gatepost every time."""
    app = api.app(
        **keeper.options,
        cache_s=0,
        scope=lambda scope: "orders:write" if scope["method"] == "POST" else "orders:read",
        customer=customer,
        exempt={"/open"},
    )
    with Site(app) as running:
        yield running


@pytest.fixture(scope="module")
def reader(keeper: Keeper) -> MintedKey:
    return keeper.key(scopes=["orders:read"], metadata={"plan": "gold"})


def problem_of(answer: httpx2.Response) -> dict[str, Any]:
    """A refusal, which is problem details and says as much as its status."""
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert set(told) == {"type", "title", "status", "detail", "code"}
    return told


def test_who_may_passes_and_the_app_knows_who_it_is(site: Site, reader: MintedKey) -> None:
    answer = site.get("/orders/7", reader.secret)
    assert answer.status_code == 200
    assert answer.json() == {
        "verified": True,
        "key": reader.key.id,
        "metadata": {"plan": "gold"},
        "customer": None,
    }
    assert "ratelimit" not in answer.headers


def test_a_key_may_come_in_another_header(site: Site, reader: MintedKey) -> None:
    named = {"X-API-Key": reader.secret}
    assert site.http.get("/orders/7", headers=named).status_code == 200
    basic = named | {"Authorization": "Basic dTpw"}
    assert site.http.get("/orders/7", headers=basic).status_code == 200


@pytest.mark.parametrize("key", ["key_unknown", "ké", "k" * 2000, "Bearer", 'a"b\\'])
def test_an_unknown_key_is_401(site: Site, api: Api, key: str) -> None:
    served = len(api.served)
    answer = site.http.get("/orders/7", headers={b"authorization": f"Bearer {key}".encode()})
    assert (answer.status_code, problem_of(answer)["code"]) == (401, "key_not_found")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert len(api.served) == served


@pytest.mark.parametrize("named", [{}, {"Authorization": "Bearer"}, {"X-API-Key": ""}])
def test_no_key_is_401(site: Site, named: dict[str, str]) -> None:
    answer = site.http.get("/orders/7", headers=named)
    assert (answer.status_code, problem_of(answer)["code"]) == (401, "key_missing")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_that_is_off_or_over_is_401(site: Site, keeper: Keeper) -> None:
    off = keeper.key(scopes=["*"])
    keeper.client.update_key(off.key.id, enabled=False)
    answer = site.get("/orders/7", off.secret)
    assert (answer.status_code, problem_of(answer)["code"]) == (401, "key_disabled")

    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    over = keeper.key(scopes=["*"], expires_at=soon)
    wait_for(lambda: site.get("/orders/7", over.secret).status_code == 401, "the key's expiry")
    assert problem_of(site.get("/orders/7", over.secret))["code"] == "key_expired"


def test_a_scope_is_asked_for_each_request(site: Site, reader: MintedKey) -> None:
    named = {"Authorization": f"Bearer {reader.secret}"}
    answer = site.http.post("/orders/7", headers=named)
    assert (answer.status_code, problem_of(answer)["code"]) == (403, "scope_missing")
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("name", ["customer_none", "x" * 300, "\udcff"])
def test_a_customer_that_is_none_is_refused(site: Site, reader: MintedKey, name: str) -> None:
    """Whatever a client says, it spoils neither the gate nor the requests of others."""
    with ThreadPoolExecutor(20) as pool:
        bad = pool.submit(
            site.http.get,
            "/orders/7",
            headers={
                b"authorization": f"Bearer {reader.secret}".encode(),
                b"x-customer": name.encode("utf-8", "surrogateescape"),
            },
        )
        good = [pool.submit(site.get, "/orders/7", reader.secret) for _ in range(19)]
        assert {one.result().status_code for one in good} == {200}
    told = problem_of(bad.result())
    assert (told["status"], told["code"]) in {(403, "customer_not_found"), (400, "check_invalid")}


def test_limits_are_429_with_the_tightest_window_told(site: Site, keeper: Keeper) -> None:
    minted = keeper.key(scopes=["*"], limits=[Limit(2, 3600), Limit(50, 60)])
    first, second, third = (site.get("/orders/7", minted.secret) for _ in range(3))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.headers["x-ratelimit-limit"] == "2"
    assert first.headers["x-ratelimit-remaining"] == "1"
    assert ";r=1;t=" in first.headers["ratelimit"]
    assert first.headers["ratelimit-policy"].endswith(";q=2")
    assert second.headers["x-ratelimit-remaining"] == "0"
    assert (third.status_code, problem_of(third)["code"]) == (429, "rate_limited")
    assert 3500 < int(third.headers["retry-after"]) <= 3600
    assert third.headers["x-ratelimit-remaining"] == "0"
    reset = int(third.headers["x-ratelimit-reset"]) - datetime.now(UTC).timestamp()
    assert 3500 < reset < 3610


def test_a_spent_quota_is_429(site: Site, keeper: Keeper) -> None:
    minted = keeper.key(scopes=["*"], quota=Quota(1, "month"))
    assert site.get("/orders/7", minted.secret).status_code == 200
    answer = site.get("/orders/7", minted.secret)
    assert (answer.status_code, problem_of(answer)["code"]) == (429, "quota_exceeded")
    assert int(answer.headers["retry-after"]) > 0


def test_usage_is_counted_by_the_routes_template(
    site: Site, keeper: Keeper, reader: MintedKey
) -> None:
    for path in ("/orders/1", "/orders/2", "/sub/a", "/sub/b", "/nowhere"):
        site.get(path, reader.secret)
    routes = {
        row[0]
        for row in keeper.server.query(
            "SELECT DISTINCT route FROM usage_lines WHERE key_id = ?",
            bytes.fromhex(reader.key.id.partition("_")[2]),
        )
    }
    assert {"gate:/orders/{id:int}", "gate:/sub/{name}", "gate"} <= routes
    assert not {one for one in routes if one.endswith(("/1", "/2", "/a", "/b", "nowhere"))}


def test_what_is_exempt_passes_unchecked(site: Site) -> None:
    assert site.get("/open").text == "open"
    assert "ratelimit" not in site.get("/open").headers


def test_a_stream_passes_as_it_comes(site: Site, api: Api, keeper: Keeper) -> None:
    minted = keeper.key(scopes=["*"], limits=[Limit(100, 60)])
    named = {"Authorization": f"Bearer {minted.secret}"}
    with site.http.stream("GET", "/stream", headers=named) as answer:
        parts = answer.iter_bytes()
        assert next(parts) == b"first"
        api.go_on.set()
        assert b"".join(parts) == b"012"
    assert answer.headers["x-own"] == "1"
    assert answer.headers["x-ratelimit-limit"] == "100"


def test_websockets_pass_unchecked(site: Site) -> None:
    with connect(f"ws://{site.address}/echo") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "hello"


def test_requests_of_one_moment_share_calls(site: Site, keeper: Keeper) -> None:
    minted = keeper.key(scopes=["*"], quota=Quota(10_000, "month"))
    before = calls_made(keeper)
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: site.get("/orders/7", minted.secret), range(640)))
    assert {one.status_code for one in answers} == {200}
    assert keeper.used(minted.secret) == 640
    assert calls_made(keeper) - before < 640 / 2


def calls_made(keeper: Keeper) -> int:
    """How many batches of checks Gatepost has answered."""
    metrics = plain.get(f"{keeper.server.address}/metrics", timeout=30).text
    return sum(int(float(one)) for one in BATCHES.findall(metrics))


def test_the_app_may_choose_key_cost_route_and_looks(keeper: Keeper, api: Api) -> None:
    def render(refusal: Refusal) -> App:
        text = f"{refusal.status} {refusal.code}"
        return PlainTextResponse(text, refusal.status, {"Retry-After": "7"})

    minted = keeper.key(quota=Quota(10, "day"))
    app = api.app(
        **keeper.options,
        cache_s=0,
        key=lambda scope: header(scope, b"x-token"),
        cost=lambda scope: int(header(scope, b"x-cost") or 1),
        route=lambda scope: scope["method"],
        exempt=lambda scope: scope["path"].startswith("/op"),
        render=render,
    )
    with Site(app) as site:
        token = {"X-Token": minted.secret}
        assert site.http.get("/orders/7", headers=token | {"X-Cost": "8"}).status_code == 200
        assert site.get("/open").status_code == 200
        spent = site.http.get("/orders/7", headers=token | {"X-Cost": "3"})
        assert (spent.status_code, spent.text) == (429, "429 quota_exceeded")
        assert spent.headers.get_list("retry-after") == ["7"]
        missing = site.get("/orders/7", minted.secret)
        assert (missing.status_code, missing.text) == (401, "401 key_missing")
        assert missing.headers["www-authenticate"] == "Bearer"
    assert keeper.used(minted.secret) == 8


def test_an_api_key_that_may_not_check_lets_nobody_through(keeper: Keeper, api: Api) -> None:
    minted, unable = keeper.key(), keeper.options | {"api_key": "gp_live_nobody"}
    with Site(api.app(**unable, on_unavailable="allow")) as site:
        answer = site.get("/orders/7", minted.secret)
    assert (answer.status_code, problem_of(answer)["code"]) == (503, "gate_unavailable")


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_unavailable": "maybe"},
        {"cache_s": -1},
        {"timeout_s": 0},
        {"cache_entries": 0},
        {"pending_max": 0},
        {"url": "nowhere"},
    ],
)
def test_options_that_cannot_work_are_refused_when_the_app_is_made(wrong: dict[str, Any]) -> None:
    options: dict[str, Any] = {"url": "http://127.0.0.1:1", "api_key": "gp_x"} | wrong
    with pytest.raises(ValueError, match=r"\w"):
        GateMiddleware(bare, **options)


async def bare(scope: Scope, _receive: Receive, send: Send) -> None:
    """An app that knows no lifespan."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    verdict = scope["gatepost"]
    body = json.dumps({"key": verdict.key.id, "state": "gatepost" in scope["state"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("lifespan", ["auto", "on", "off"])
def test_it_needs_no_framework_and_no_lifespan(keeper: Keeper, lifespan: str) -> None:
    minted = keeper.key(metadata={"name": unique("x")})
    with Site(GateMiddleware(bare, **keeper.options), lifespan=lifespan) as site:
        assert site.get("/x", minted.secret).json() == {"key": minted.key.id, "state": True}
        assert site.get("/x").status_code == 401
