"""A request there and its answer back: what is passed on, what is not, and who says so."""

import gzip
import hmac
import json
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.dialects.native.wire import data_of
from tests.relay.tenant import Tenant
from tests.relay.upstream import Exchange, Seen, echo
from tests.server import Server, unique

HOP = {
    "Keep-Alive": "timeout=5",
    "TE": "trailers",
    "Trailer": "X-Late",
    "Proxy-Authorization": "Basic eA==",
    "Proxy-Connection": "keep-alive",
    "X-Named": "only for this hop",
}


def echoed(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def raw(server: Server, request: bytes) -> bytes:
    """Whatever the server answers to these bytes, until it hangs up."""
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


def test_a_request_goes_there_and_its_answer_comes_back(tenant: Tenant) -> None:
    route = tenant.route(customer="ignored")
    answer = tenant.send(f"{route.path}?a=1&b=%20x", b'{"x": 1}')
    told = echoed(answer)
    assert told["method"] == "POST"
    assert told["target"] == f"{route.there}?a=1&b=%20x"
    assert json.loads(told["body"]) == {"x": 1}
    assert answer.headers["X-Own"] == "theirs"
    assert tenant.metered(f"POST {route.path}") == [(200, 1, 1)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_any_method(tenant: Tenant, method: str) -> None:
    route = tenant.route(method="ANY")
    content = None if method in {"GET", "HEAD", "OPTIONS"} else b"{}"
    answer = tenant.send(route.path, content, method=method)
    assert answer.status_code == 200
    seen = tenant.seen(route)
    assert (seen.method, seen.body) == (method, content or b"")
    assert tenant.metered(f"{method} {route.path}") == [(200, 1, 1)]
    if method == "HEAD":
        assert answer.content == b""
        assert int(answer.headers["Content-Length"]) > 0


def test_names_and_the_rest_of_a_path_lead_on(tenant: Tenant) -> None:
    root = f"/{unique('api')}"
    there = f"{tenant.upstream.address}/v9"
    tenant.declare("GET", f"{root}/users/{{id}}/items/{{item}}", f"{there}/{{item}}/of/{{id}}")
    tenant.declare("GET", f"{root}/files/*", f"{there}/static/*")
    answer = tenant.admin.wire.get(f"{root}/users/a%20b/items/x%2Fy?q=1")
    assert echoed(answer)["target"] == "/v9/x%2Fy/of/a%20b?q=1"
    answer = tenant.admin.wire.get(f"{root}/files/a//b%2e/c")
    assert echoed(answer)["target"] == "/v9/static/a//b%2e/c"
    assert echoed(tenant.admin.wire.get(f"{root}/files/"))["target"] == "/v9/static/"
    assert tenant.admin.wire.get(f"{root}/files").status_code == 404
    name = f"GET {root}/users/{{id}}/items/{{item}}"
    assert tenant.metered(name) == [(200, 1, 1)]


@pytest.mark.parametrize(
    "rest", ["../admin", "%2e%2e/admin", "a/..%2fadmin", "a/%252e%252e/b", "..%5cadmin", "a%00b"]
)
def test_no_path_leads_out_of_the_upstream(tenant: Tenant, rest: str) -> None:
    root = f"/{unique('api')}"
    tenant.declare("GET", f"{root}/*", f"{tenant.upstream.address}{root}/inside/*")
    request = f"GET {root}/{rest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    request += f"Authorization: Bearer {tenant.admin.wire.key}\r\n\r\n"
    assert raw(tenant.server, request.encode()).startswith(b"HTTP/1.1 404")
    assert not any(path.startswith(root) for path in tenant.upstream.seen)


def test_the_most_precise_route_is_meant(tenant: Tenant) -> None:
    root, there = f"/{unique('api')}", tenant.upstream.address
    for path in ("/*", "/{name}", "/exact", "/{name}/sub"):
        leads = "/star/*" if path == "/*" else f"/at/{len(path)}"
        tenant.declare("GET", f"{root}{path}", f"{there}{leads}")
    tenant.declare("ANY", f"{root}/exact", f"{there}/any")

    def target(path: str, method: str = "GET") -> str:
        return str(echoed(tenant.admin.wire.send(method, f"{root}{path}"))["target"])

    assert target("/exact") == "/at/6"
    assert target("/exact", "DELETE") == "/any"
    assert target("/other") == "/at/7"
    assert target("/other/sub") == "/at/11"
    assert target("/other/way") == "/star/other/way"


def test_a_hop_keeps_its_headers(tenant: Tenant) -> None:
    """RFC 9110, section 7.6.1; in both directions."""

    async def hopping(exchange: Exchange) -> None:
        await exchange.read()
        lines = [f"{name}: {value}" for name, value in HOP.items()]
        lines += ["Connection: X-Named, keep-alive", "Upgrade: h2c", "X-Kept: yes"]
        await exchange.answer(200, b"{}", *lines, "Set-Cookie: a=1", "Set-Cookie: b=2")

    route = tenant.route(hopping)
    lines = [f"{name}: {value}" for name, value in HOP.items()]
    lines += ["Connection: close, X-Named", "Upgrade: h2c", "X-Kept: yes", "Content-Length: 2"]
    lines += ["Host: somewhere.example", f"Authorization: Bearer {tenant.admin.wire.key}"]
    request = "\r\n".join((f"POST {route.path} HTTP/1.1", *lines, "", "{}"))
    head, _, body = raw(tenant.server, request.encode()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b"{}"
    seen = tenant.seen(route)
    names = {name for name, _ in seen.headers}
    assert not names & {*map(str.lower, HOP), "upgrade", "expect", "connection"}
    assert seen.header("x-kept") == "yes"
    back = [line.partition(":")[0].lower() for line in head.decode().split("\r\n")[1:]]
    assert not set(back) & {*map(str.lower, HOP), "upgrade"}
    assert back.count("set-cookie") == 2
    assert "x-kept" in back


def test_the_host_is_the_upstreams_and_the_client_is_told(tenant: Tenant) -> None:
    route = tenant.route()
    false = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "false.example",
        "X_Forwarded_Proto": "gopher",
        "Forwarded": "for=6.6.6.6",
        "Host": "api.example:81",
    }
    assert tenant.send(route.path, headers=false).status_code == 200
    seen = tenant.seen(route)
    assert seen.header("host") == f"127.0.0.1:{tenant.upstream.port}"
    assert seen.header("x-forwarded-for") == "127.0.0.1"
    assert seen.header("x-forwarded-proto") == "http"
    assert seen.header("x-forwarded-host") == "api.example:81"
    assert seen.header("forwarded") == 'for=127.0.0.1;proto=http;host="api.example:81"'
    assert seen.header("x_forwarded_proto") is None
    assert seen.header("via") == "1.1 gatepost"


def test_no_key_goes_further(tenant: Tenant) -> None:
    key = str(tenant.admin.wire.key)
    route = tenant.route()
    more = {"X-API-Key": "another", "X-Copy": f"see {key}", "Cookie": "theirs=1"}
    query = f"?_apikey={key}&x=1&y={key}&z=a%3D&_apikey=z"
    assert tenant.send(route.path + query, headers=more).status_code == 200
    seen = tenant.seen(route)
    assert seen.target == f"{route.there}?x=1&z=a%3D"
    everything = repr(seen.headers) + seen.target
    assert key not in everything
    assert "another" not in everything
    assert seen.header("authorization") is None
    assert seen.header("cookie") == "theirs=1"


def signature(secret: str, seen: Seen) -> str:
    """What docs/guides/relay-your-api.md tells upstreams to compute."""
    parts = [
        seen.header("x-gatepost-timestamp") or "",
        seen.method,
        seen.target,
        seen.header("x-gatepost-account") or "",
        seen.header("x-gatepost-key") or "",
        seen.header("x-gatepost-customer") or "",
        seen.header("x-gatepost-request-id") or "",
    ]
    message = "\n".join(parts).encode()
    return "v1=" + hmac.new(secret.encode(), message, "sha256").hexdigest()


def test_the_caller_is_told_and_signed(tenant: Tenant) -> None:
    secret = tenant.admin.get("/v1/relays/secret")["secret"]
    assert re.fullmatch(r"[0-9a-f]{64}", secret)
    printed = tenant.server.cli("relay", "secret", "--account", tenant.admin.account)
    assert printed["secret"] == secret
    route, customer = tenant.route(customer="required"), tenant.customer()
    forged = {
        "X-Gatepost-Account": "account_x",
        "X-Gatepost-Signature": "v1=00",
        "X_Gatepost_Key": "key_x",
        "X-Customer-ID": customer,
    }
    answer = tenant.send(f"{route.path}?q=1", headers=forged)
    assert answer.status_code == 200
    seen = tenant.seen(route)
    assert seen.header("x-gatepost-account") == tenant.admin.account
    assert (seen.header("x-gatepost-key") or "").startswith("key_")
    assert (seen.header("x-gatepost-customer") or "").replace("-", "") == customer[-32:]
    assert seen.header("x-gatepost-request-id") == answer.headers["X-Request-ID"]
    assert abs(int(seen.header("x-gatepost-timestamp") or 0) - time.time()) < 60
    assert seen.header("x-gatepost-signature") == signature(secret, seen)
    assert seen.header("x_gatepost_key") is None


def test_each_account_has_a_secret_of_its_own(
    tenant: Tenant, make_other: Callable[[], Tenant]
) -> None:
    secrets = {one.admin.get("/v1/relays/secret")["secret"] for one in (tenant, make_other())}
    assert len(secrets) == 2


def test_a_redirect_is_the_clients_to_follow(tenant: Tenant) -> None:
    async def redirect(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(307, b"", "Location: /elsewhere")

    route = tenant.route(redirect)
    answer = tenant.send(route.path)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/elsewhere")
    assert not tenant.upstream.seen["/elsewhere"]


def test_cookies_are_not_kept(tenant: Tenant) -> None:
    async def setting(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(200, b"{}", "Set-Cookie: session=1; Path=/")

    route = tenant.route(setting)
    for _ in range(2):
        tenant.admin.wire.client.cookies.clear()
        assert "session=1" in tenant.send(route.path).headers["Set-Cookie"]
    tenant.admin.wire.client.cookies.clear()
    assert all(one.header("cookie") is None for one in tenant.upstream.seen[route.there])


def test_compressed_bytes_pass_untouched(tenant: Tenant) -> None:
    packed = gzip.compress(b'{"a": [1, 2, 3]}')

    async def zipping(exchange: Exchange) -> None:
        await exchange.read()
        await exchange.answer(200, packed, "Content-Encoding: gzip")

    route = tenant.route(zipping, units="/a")
    answer = tenant.send(route.path, packed, {"Content-Encoding": "gzip"})
    assert tenant.seen(route).body == packed
    assert tenant.seen(route).header("content-encoding") == "gzip"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Length"] == str(len(packed))
    assert answer.json() == {"a": [1, 2, 3]}
    assert tenant.metered(f"POST {route.path}") == [(200, 1, 3)]


def test_what_the_client_does_not_say_is_not_made_up(tenant: Tenant) -> None:
    route = tenant.route()
    request = f"POST {route.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n"
    request += f"Authorization: Bearer {tenant.admin.wire.key}\r\n\r\n1"
    raw(tenant.server, request.encode())
    names = {name for name, _ in tenant.seen(route).headers}
    assert not names & {"accept", "accept-encoding", "content-type", "user-agent"}


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(tenant: Tenant, status: int) -> None:
    async def bare(exchange: Exchange) -> None:
        await exchange.read()
        lines = ["Content-Length: 5"] if exchange.seen.header("x-long") else []
        await exchange.head(status, "ETag: x", *lines)

    route = tenant.route(bare)
    long = {"X-Long": "1"} if status == 304 else {}
    for _ in range(2):
        answer = tenant.send(route.path, headers=long)
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (status, b"", "x")


def test_limits_and_the_request_id_are_gateposts(tenant: Tenant) -> None:
    async def claiming(exchange: Exchange) -> None:
        await exchange.read()
        lines = ("X-Request-ID: theirs", "X-RateLimit-Limit: 1", "RateLimit: x", "Date: never")
        await exchange.answer(200, b"{}", *lines, "X-Quota-Remaining: 99")

    route = tenant.route(claiming)
    key = tenant.admin.make(limit="5/60s")["key"]
    answer = tenant.admin.using(key).wire.post(route.path, {})
    assert answer.headers["X-RateLimit-Limit"] == "5"
    assert answer.headers["X-RateLimit-Remaining"] == "4"
    assert answer.headers["X-Request-ID"] != "theirs"
    assert "X-Quota-Remaining" not in answer.headers
    assert answer.headers.get_list("Date") != ["never"]
    for _ in range(4):
        tenant.admin.using(key).wire.post(route.path, {})
    refused = tenant.admin.using(key).wire.post(route.path, {})
    assert refused.status_code == 429
    assert len(tenant.upstream.seen[route.there]) == 5


def test_connections_are_kept(tenant: Tenant) -> None:
    route = tenant.route()
    tenant.send(route.path)
    before = tenant.upstream.connections
    for _ in range(20):
        assert tenant.send(route.path).status_code == 200
    assert tenant.upstream.connections == before


def test_a_key_needs_the_routes_scope(tenant: Tenant) -> None:
    usual, special = tenant.route(), tenant.route(scope="usage:read")
    data = tenant.admin.using(tenant.admin.make(scopes=["data:write"])["key"]).wire
    reads = tenant.admin.using(tenant.admin.make(scopes=["usage:read"])["key"]).wire
    assert (data.post(usual.path, {}).status_code, reads.post(usual.path, {}).status_code) == (
        200,
        403,
    )
    assert (data.post(special.path, {}).status_code, reads.post(special.path, {}).status_code) == (
        403,
        200,
    )


def test_the_address_is_emmis_where_the_path_is(tenant: Tenant) -> None:
    """The dialect of a path has its own key header, customer header and refusals."""
    path = f"/latest/api/v1/{unique('estimates')}"
    there = f"/{unique('emmi')}"
    tenant.upstream.does[there] = echo
    upstream = tenant.upstream.address + there
    tenant.declare("POST", path, upstream, units="array", customer="required")
    key = tenant.server.make_key(tenant.admin.account, None, limit=None, key_format="emmi").secret
    client, url = tenant.admin.wire.client, f"{tenant.server.address}{path}"
    entities: list[Any] = [{"entity_info": {}}] * 7

    def send(**headers: str) -> Any:
        return client.post(url, json=entities, headers=headers)

    assert send().json()["error"]["code"] == "missing_api_key"
    assert send(**{"X-API-Key": key}).json()["error"]["code"] == "missing_customer_id"
    wrong = {"X-API-Key": key, "X-Customer-ID": "desk-a"}
    assert send(**wrong).json()["error"]["code"] == "invalid_customer_id"
    customer = tenant.customer()
    answer = send(**{"X-API-Key": key, "X-Customer-ID": uuid_of(customer)})
    assert answer.status_code == 200
    assert (200, 1, 7) in tenant.metered(f"POST {path}")
    seen = tenant.upstream.one(there)
    assert seen.header("x-api-key") is None
    assert seen.header("x-gatepost-customer") == uuid_of(customer)
    tenant.upstream.does[there] = hanging_up
    broken = send(**{"X-API-Key": key, "X-Customer-ID": uuid_of(customer)})
    assert (broken.status_code, broken.json()["error"]["code"]) == (502, "upstream_failed")


async def hanging_up(exchange: Exchange) -> None:
    exchange.writer.close()


def uuid_of(customer: str) -> str:
    digits = customer[-32:]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def test_another_accounts_route_is_not_there(
    tenant: Tenant, make_other: Callable[[], Tenant]
) -> None:
    route, other = tenant.route(), make_other()
    path = f"/{unique('nowhere')}"
    foreign, nowhere = other.send(route.path), other.send(path)
    assert foreign.status_code == nowhere.status_code == 404
    assert foreign.json()["message"] == nowhere.json()["message"]
    assert other.metered(f"POST {route.path}") == []
    nobody = other.admin.wire.using(None)
    assert nobody.post(path, {}).status_code == 404
    assert nobody.post(route.path, {}).status_code == 401
    wrong = tenant.send(route.path, None, method="DELETE")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert data_of(tenant.admin.send("DELETE", f"/v1/relays/{route.id}"), 200)["deleted"] is True
    assert tenant.send(route.path).status_code == 404
