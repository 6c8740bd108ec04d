"""Where routes may lead: those declared over the API to public addresses alone."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.dialects.native.wire import problems_of, refusal_of
from tests.relay.tenant import Tenant, make_tenant
from tests.relay.upstream import Upstream
from tests.server import Server, unique


@pytest.fixture(scope="module")
def strict(
    tmp_path_factory: pytest.TempPathFactory, upstream: Upstream
) -> Iterator[tuple[Server, str]]:
    """A server whose routes may lead to public addresses, and everybody's route of its settings."""
    path = f"/{unique('everybodys')}"
    env = {"GATEPOST_RELAYS": f"POST {path} {upstream.address}{path} units=array; ;"}
    with Server(tmp_path_factory.mktemp("strict") / "data", env=env) as running:
        yield running, path


@pytest.fixture
def guest(strict: tuple[Server, str], upstream: Upstream, http: httpx2.Client) -> Tenant:
    return make_tenant(strict[0], upstream, http)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.1",
        "168.63.129.16",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ],
)
def test_an_address_that_is_not_public_is_refused_at_once(guest: Tenant, host: str) -> None:
    body = {"method": "GET", "path": f"/{unique('x')}", "upstream": f"http://{host}/"}
    assert problems_of(guest.admin.send("POST", "/v1/relays", body)) == [["upstream"]]


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_a_name_that_leads_inside_is_refused_when_it_is_called(guest: Tenant, host: str) -> None:
    path = f"/{unique('inside')}"
    guest.declare("POST", path, f"http://{host}:{guest.upstream.port}{path}")
    refusal_of(guest.send(path), 502, "upstream_failed", "Upstream failed")
    assert not guest.upstream.seen[path]


def test_the_operators_routes_may_lead_anywhere(guest: Tenant) -> None:
    path = f"/{unique('trusted')}"
    upstream = f"http://localhost:{guest.upstream.port}{path}"
    owner = ("--account", guest.admin.account)
    made = guest.server.cli("relay", "add", "post", path, upstream, *owner, "--units", "array")
    assert (made["method"], made["units"], made["trusted"]) == ("POST", "array", True)
    assert guest.send(path, b"[1, 2]").status_code == 200
    shown = guest.admin.get(f"/v1/relays/{made['id']}")
    assert shown["trusted"] is True
    # Whoever changes it over the API does not inherit that trust.
    moved = guest.admin.send("PATCH", f"/v1/relays/{made['id']}", {"upstream": upstream})
    assert moved.json()["data"]["trusted"] is False
    refusal_of(guest.send(path, b"[1]"), 502, "upstream_failed", "Upstream failed")
    listed = guest.server.cli("relay", "list", *owner)["relays"]
    assert [one["path"] for one in listed if one["accountId"]] == [path]
    guest.server.cli("relay", "remove", "POST", path, *owner)
    assert guest.send(path, b"[1]").status_code == 404


def test_a_route_of_the_settings_is_everybodys(guest: Tenant, strict: tuple[Server, str]) -> None:
    server, path = strict
    other = make_tenant(server, guest.upstream, guest.admin.wire.client)
    for one in (guest, other):
        assert one.send(path, b"[1, 2, 3]").status_code == 200
        assert one.metered(f"POST {path}") == [(200, 1, 3)]
        assert one.admin.get("/v1/relays")["relays"] == []
    accounts = {seen.header("x-gatepost-account") for seen in guest.upstream.seen[path][-2:]}
    assert accounts == {guest.admin.account, other.admin.account}
    (listed,) = [one for one in server.cli("relay", "list")["relays"] if one["id"] is None]
    assert listed["path"] == path
    own = f"/own{path}"
    guest.upstream.does.pop(own, None)
    guest.server.cli(
        "relay",
        "add",
        "POST",
        path,
        guest.upstream.address + own,
        "--account",
        guest.admin.account,
    )
    assert guest.send(path, b"[1]").json()["target"] == own
    assert other.send(path, b"[1]").json()["target"] == path


@pytest.mark.once
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("POST /x", "write METHOD PATH UPSTREAM"),
        ("POST /x ftp://x/", "upstream"),
        ("GET /v1/events http://x/", "in the way of Gatepost's own /v1/events"),
        ("GET /x http://x/ colour=red", "unknown option"),
        ("GET /x http://x/ customer=often", "one of required, optional, ignored"),
    ],
)
def test_settings_that_make_no_route_refuse_to_start(server: Server, line: str, words: str) -> None:
    env = {"GATEPOST_RELAYS": line, "GATEPOST_DATA": f"{server.data}-refused"}
    refusing = Server(server.data.with_name(unique("refused")), env=env)
    done = refusing.command("serve", "--port", "0")
    refusing.backend.close()
    assert done.returncode == 2
    assert "relays: " in done.stderr
    assert words in done.stderr
