"""Sending domains as Emailit has them, against a name server of our own."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.delivery.nameserver import NameServer
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused, without_id
from tests.server import Server, unique

HOST = "post.example.org"
MEMBERS = {
    "object",
    "id",
    "uuid",
    "name",
    "verification_token",
    "verification_method",
    "verification_status",
    "verified_at",
    "dkim_identifier_string",
    "dns_checked_at",
    "spf_status",
    "spf_error",
    "dkim_status",
    "dkim_error",
    "mx_status",
    "mx_error",
    "return_path_status",
    "return_path_error",
    "dmarc_status",
    "dmarc_error",
    "tracking_status",
    "tracking_error",
    "inbound_status",
    "inbound_error",
    "track_loads",
    "track_clicks",
    "tracking_key",
    "inbound_key",
    "dns_records",
    "created_at",
    "updated_at",
}
WRONG: list[Any] = [{"track_clicks": 2}, {"track_clicks": "yes"}, []]
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "", {"track_loads": 1}),
    ("PATCH", "", {"track_loads": 1}),
    ("POST", "/verify", None),
    ("DELETE", "", None),
]


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, zone: NameServer) -> Iterator[Server]:
    env = {"GATEPOST_DNS_SERVERS": zone.setting, "GATEPOST_PUBLIC_URL": f"https://{HOST}"}
    with Server(tmp_path_factory.mktemp("post") / "data", env=env) as running:
        yield running


@pytest.fixture
def owner(post: Server, http: httpx2.Client) -> Account:
    return Account(post, http)


@pytest.fixture
def other(post: Server, http: httpx2.Client) -> Account:
    return Account(post, http)


def a_name() -> str:
    return f"{unique('mail')}.example.com"


def make(owner: Account, name: str | None = None, **more: Any) -> dict[str, Any]:
    return dict(owner.post("/domains", {"name": name or a_name()} | more, 201))


def publish(zone: NameServer, domain: dict[str, Any]) -> None:
    for one in domain["dns_records"]:
        dotted = f"{one['priority']} {one['value']}." if one["type"] == "MX" else one["value"]
        zone.put(one["name"], one["type"], dotted)


def verified(owner: Account, zone: NameServer) -> dict[str, Any]:
    made = make(owner)
    publish(zone, made)
    return dict(owner.post(f"/domains/{made['id']}/verify"))


def milestones(owner: Account) -> list[tuple[str, dict[str, Any]]]:
    """What has happened, newest first."""
    found = data_of(owner.native("GET", "/v1/events?channel=emailit"))["data"]["events"]
    return [(one["title"], one["metadata"]) for one in found]


def test_a_whole_life(owner: Account, zone: NameServer) -> None:
    name = a_name()
    made = make(owner, f" {name.upper()}. ", track_loads=True)
    assert set(made) == MEMBERS
    assert (made["object"], made["name"]) == ("domain", name)
    assert (made["track_loads"], made["track_clicks"]) == (1, 0)
    assert (made["verification_status"], made["verified_at"]) == ("not_verified", None)
    assert made["spf_status"] == made["dkim_status"] == made["return_path_status"] == "pending"
    path = f"/domains/{made['id']}"
    assert owner.get(path) == made
    assert owner.get("/domains")["data"] == [made]

    looked = owner.post(f"{path}/verify")
    assert (looked["spf_status"], looked["verification_status"]) == ("missing", "not_verified")
    assert looked["spf_error"]

    publish(zone, made)
    checked = owner.post(f"{path}/verify")
    assert (checked["verification_status"], checked["dmarc_status"]) == ("verified", "ok")
    assert checked["verified_at"] == checked["dns_checked_at"]
    assert {one["status"] for one in checked["dns_records"]} == {"ok"}

    gone = data_of(owner.send("DELETE", path))
    assert gone == {"object": "domain", "id": made["id"], "name": name, "deleted": True}
    for method, rest, body in ROUTES:
        missing = refused(owner.send(method, f"{path}{rest}", body), 404)
        assert missing == {"statusCode": 404, "error": "Not Found", "message": "Domain not found"}


def test_the_records_to_publish(owner: Account) -> None:
    made = make(owner)
    name = made["name"]
    told = [
        (one["required"], one["type"], one["name"], one["ttl"], one["priority"])
        for one in made["dns_records"]
    ]
    assert told == [
        (True, "TXT", f"{made['dkim_identifier_string']}._domainkey.{name}", "auto", None),
        (True, "TXT", f"bounce.{name}", "auto", None),
        (True, "MX", f"bounce.{name}", "auto", 10),
        (False, "TXT", f"_dmarc.{name}", "auto", None),
    ]
    assert made["dns_records"][2]["value"] == HOST
    assert all(one["error"] is None for one in made["dns_records"])


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("given", "shown"), [(True, 1), (1, 1), (False, 0), (0, 0)])
def test_tracking_is_said_either_way(owner: Account, method: str, given: Any, shown: int) -> None:
    made = make(owner, track_clicks=not given)
    path = f"/domains/{made['id']}"
    changed = data_of(owner.send(method, path, {"track_clicks": given, "name": "else.example"}))
    assert (changed["track_clicks"], changed["track_loads"]) == (shown, 0)
    assert changed["name"] == made["name"]
    for wrong in WRONG:
        refusal = refused(owner.send(method, path, wrong), 400)
        assert (refusal["statusCode"], refusal["error"]) == (400, "Bad Request")
    assert owner.get(path) == changed


def test_a_name_that_exists_tells_which(owner: Account, other: Account) -> None:
    made = make(owner)
    clash = refused(owner.send("POST", "/domains", {"name": made["name"].upper()}), 409)
    assert clash == {
        "statusCode": 409,
        "error": "Conflict",
        "message": "Domain already exists",
        "existing": {"object": "domain", "id": made["id"], "name": made["name"]},
    }
    assert make(other, made["name"])["id"] != made["id"]


def test_only_one_account_has_a_name_verified(
    owner: Account, other: Account, zone: NameServer
) -> None:
    mine = verified(owner, zone)
    theirs = make(other, mine["name"])
    publish(zone, theirs)
    refusal = refused(other.send("POST", f"/domains/{theirs['id']}/verify"), 409)
    assert "verified elsewhere" in refusal["message"]
    assert "existing" not in refusal


@pytest.mark.parametrize("name", ["", "nonsense", "-x.example", "a@b.example", "größe.example"])
def test_what_is_no_domain_is_refused(owner: Account, name: str) -> None:
    refusal = refused(owner.send("POST", "/domains", {"name": name}), 400)
    assert refusal["details"][0].startswith("name: ")


def test_a_strangers_domain_looks_like_none(owner: Account, other: Account) -> None:
    theirs = make(other)
    for method, tail, body in ROUTES:
        known = owner.send(method, f"/domains/{theirs['id']}{tail}", body)
        nothing = owner.send(method, f"/domains/dom_{NOWHERE}{tail}", body)
        nonsense = owner.send(method, f"/domains/1234567890{tail}", body)
        assert without_id(known) == without_id(nothing) == without_id(nonsense)
        assert known.status_code == 404
    assert other.get(f"/domains/{theirs['id']}") == theirs


def test_the_newest_comes_first_and_filters_narrow(owner: Account) -> None:
    old, new = make(owner), make(owner, track_loads=1)
    page = owner.get("/domains?limit=1")
    assert [one["id"] for one in page["data"]] == [new["id"]]
    following = page["next_page_url"]
    assert following == f"https://{HOST}/v2/domains?page=2&limit=1"
    following = following.removeprefix(f"https://{HOST}/v2")
    assert [one["id"] for one in owner.get(following)["data"]] == [old["id"]]
    narrowed = owner.get("/domains?track_loads.exact=0")["data"]
    assert [one["id"] for one in narrowed] == [old["id"]]


def test_what_happens_to_a_domain_is_an_event(owner: Account, zone: NameServer) -> None:
    made = make(owner)
    path = f"/domains/{made['id']}"
    changed = owner.post(path, {"track_clicks": 1})
    owner.post(f"{path}/verify")  # nothing has changed by it
    publish(zone, made)
    checked = owner.post(f"{path}/verify")
    gone = data_of(owner.send("DELETE", path))
    assert milestones(owner) == [
        ("domain.deleted", gone),
        ("domain.updated", checked),
        ("domain.updated", changed),
        ("domain.created", made),
    ]


def test_a_key_is_bound_to_a_domain(owner: Account, zone: NameServer) -> None:
    domain = verified(owner, zone)
    made = owner.make(unique("key"), scope="sending", sending_domain_id=domain["id"])
    assert made["sending_domain_id"] == domain["id"]
    native = data_of(owner.native("GET", f"/v1/keys/{made['id']}"))["data"]
    assert native["sendingDomain"] == domain["name"]
    renamed = owner.post(f"/api-keys/{made['id']}", {"name": unique("key")})
    assert renamed["sending_domain_id"] == domain["id"]
    filtered = owner.get(f"/api-keys?sending_domain_id.exact={domain['id']}")["data"]
    assert [one["id"] for one in filtered] == [made["id"]]


def test_a_strangers_domain_binds_no_key(owner: Account, other: Account) -> None:
    theirs = make(other)
    body = {"name": unique("key"), "scope": "sending", "sending_domain_id": theirs["id"]}
    refused(owner.send("POST", "/api-keys", body), 400)


def test_a_key_whose_domain_is_gone_sends_nothing(owner: Account, zone: NameServer) -> None:
    domain = verified(owner, zone)
    path = f"/domains/{domain['id']}"
    bound = owner.make(unique("key"), scope="sending", sending_domain_id=domain["id"])["key"]
    assert try_send(owner, bound, domain["name"]) == 201
    assert try_send(owner, bound, "elsewhere.example.com") == 422
    data_of(owner.send("DELETE", path))
    assert try_send(owner, bound, domain["name"]) == 422
    listed = owner.get("/api-keys?scope.exact=sending")["data"]
    assert [one["sending_domain_id"] for one in listed] == [domain["id"]]
    again = make(owner, domain["name"])
    assert try_send(owner, bound, domain["name"]) == 422
    listed = owner.get("/api-keys?scope.exact=sending")["data"]
    assert [one["sending_domain_id"] for one in listed] == [again["id"]]


def try_send(owner: Account, key: str, domain: str) -> int:
    """The status of an e-mail from a domain."""
    mail = {"from": f"jane@{domain}", "to": f"{unique('joe')}@example.com", "subject": "Hello"}
    return int(owner.send("POST", "/emails", mail | {"text": "Hello"}, key=key).status_code)
