"""Sending domains over HTTP and from the command line, against a name server of our own."""

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dkim  # type: ignore[import-untyped] # it has no types
import dns.resolver
import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, DomainId
from gatepost.base.vault import Damaged
from gatepost.delivery import dkimsign
from gatepost.domains.emaildomains import store
from gatepost.domains.emaildomains.model import (
    Finding,
    Purpose,
    RecordStatus,
    SendingDomain,
)
from gatepost.engine import vouch
from tests.api.admin import NOBODY, Admin, make_admin, without_id
from tests.delivery.conftest import NEAR
from tests.delivery.listeners import listen
from tests.delivery.nameserver import NameServer
from tests.delivery.receiver import Receiver
from tests.dialects.native.wire import data_of, problems_of, refusal_of
from tests.server import Server, unique
from tests.waiting import wait_for

PATH = "/v1/domains"
HOST = "post.example.org"
REQUIRED = ("dkim", "spf", "return_path")


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as running:
        yield running


@pytest.fixture(scope="module")
def settings(zone: NameServer) -> dict[str, str]:
    own = {"GATEPOST_DNS_SERVERS": zone.setting, "GATEPOST_PUBLIC_URL": f"https://{HOST}:8443/x"}
    return NEAR | own


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("post") / "data", env=settings) as running:
        yield running


@pytest.fixture
def owner(post: Server, http: httpx2.Client) -> Admin:
    return make_admin(post, http)


@pytest.fixture
def other(post: Server, http: httpx2.Client) -> Admin:
    return make_admin(post, http)


def a_name() -> str:
    return f"{unique('mail')}.example.com"


def make(owner: Admin, name: str, **more: Any) -> dict[str, Any]:
    return data_of(owner.send("POST", PATH, {"name": name, **more}), 201)


def verify(owner: Admin, domain: dict[str, Any]) -> dict[str, Any]:
    return data_of(owner.send("POST", f"{PATH}/{domain['id']}/verify"), 200)


def publish(zone: NameServer, domain: dict[str, Any], *, leave_out: str = "") -> None:
    """Put into the zone what a domain is to publish."""
    for record in domain["records"]:
        if record["purpose"] != leave_out:
            priority = "" if record["priority"] is None else f"{record['priority']} "
            dot = "." if record["type"] == "MX" else ""
            zone.put(record["name"], record["type"], f"{priority}{record['value']}{dot}")


def of(domain: dict[str, Any], purpose: str) -> dict[str, Any]:
    return next(one for one in domain["records"] if one["purpose"] == purpose)


def statuses(domain: dict[str, Any]) -> dict[str, str]:
    return {one["purpose"]: one["status"] for one in domain["records"]}


def test_a_whole_life(owner: Admin, zone: NameServer) -> None:
    name = a_name()
    made = make(owner, f" {name.upper()}. ")
    assert (made["name"], made["status"], made["verifiedAt"]) == (name, "pending", None)
    assert set(statuses(made).values()) == {"pending"}
    assert owner.get(f"{PATH}/{made['id']}") == made
    assert owner.get(PATH)["domains"] == [made]

    looked = verify(owner, made)
    assert looked["status"] == "pending"
    assert set(statuses(looked).values()) == {"missing"}
    assert all(one["name"] in one["error"] for one in looked["records"])

    publish(zone, made)
    verified = verify(owner, made)
    assert (verified["status"], set(statuses(verified).values())) == ("verified", {"ok"})
    assert verified["verifiedAt"] == verified["checkedAt"]
    assert [one["error"] for one in verified["records"]] == [None] * 4

    gone = data_of(owner.send("DELETE", f"{PATH}/{made['id']}"), 200)
    assert gone == {"id": made["id"], "name": name, "deleted": True}
    for method, rest in (("GET", ""), ("PATCH", ""), ("POST", "/verify"), ("DELETE", "")):
        body: Any = {} if method == "PATCH" else None
        answer = owner.send(method, f"{PATH}/{made['id']}{rest}", body)
        refusal_of(answer, 404, "not_found", "Not found")
    again = make(owner, name)
    assert again["status"] == "pending"
    assert of(again, "dkim")["value"] != of(made, "dkim")["value"]


def test_the_records_are_made_of_the_settings(owner: Admin) -> None:
    name = a_name()
    made = make(owner, name)
    assert [(one["purpose"], one["type"], one["name"]) for one in made["records"]] == [
        ("dkim", "TXT", f"gatepost._domainkey.{name}"),
        ("spf", "TXT", f"bounce.{name}"),
        ("return_path", "MX", f"bounce.{name}"),
        ("dmarc", "TXT", f"_dmarc.{name}"),
    ]
    assert [one["purpose"] for one in made["records"] if one["required"]] == list(REQUIRED)
    assert of(made, "spf")["value"] == f"v=spf1 a:{HOST} ~all"
    assert (of(made, "return_path")["value"], of(made, "return_path")["priority"]) == (HOST, 10)
    assert made["returnPath"] == f"bounce.{name}"
    found = re.fullmatch(r"v=DKIM1; t=s; h=sha256; p=(\S+)", of(made, "dkim")["value"])
    assert found
    key = load_der_public_key(base64.b64decode(found[1]))
    assert isinstance(key, RSAPublicKey)
    assert key.key_size == 2048


@pytest.mark.parametrize(
    ("purpose", "records", "status", "words"),
    [
        ("dkim", ["v=DKIM1; p="], "failed", "revoked"),
        ("dkim", ["v=DKIM1; p=MIIB"], "failed", "another key"),
        ("dkim", ["{}", "v=DKIM1; p=MIIB"], "failed", "2 keys"),
        ("dkim", ["{}; k=ed25519"], "failed", "tag k"),
        ("dkim", ["some other text"], "missing", "none of them"),
        ("dkim", ["v=DKIM1;p={p}"], "ok", None),
        ("spf", ["v=spf1 -all"], "failed", f"a:{HOST}"),
        ("spf", [f"v=spf1 -all a:{HOST}"], "failed", f"a:{HOST}"),
        ("spf", [f"v=spf1 -a:{HOST} ~all"], "failed", f"a:{HOST}"),
        ("spf", ["{}", "v=spf1 -all"], "failed", "2 SPF records"),
        ("spf", ["V=SPF1 mx +A:POST.example.org include:x.example -all", "hello"], "ok", None),
        ("return_path", ["10 elsewhere.example.net."], "failed", "elsewhere.example.net"),
        ("return_path", ["5 Post.Example.org.", "10 b.example.net."], "failed", "b.example.net"),
        ("return_path", ["5 Post.Example.org."], "ok", None),
        ("dmarc", ["v=DMARC1; p=often"], "failed", "tag p"),
        ("dmarc", ["v=DMARC1; p=reject; rua=mailto:a@example.com"], "ok", None),
    ],
)
def test_what_is_wrong_about_a_record_is_said(
    owner: Admin,
    zone: NameServer,
    purpose: str,
    records: list[str],
    status: str,
    words: str | None,
) -> None:
    made = make(owner, a_name())
    publish(zone, made)
    right = of(made, purpose)
    key = right["value"].rpartition("p=")[2]
    texts = [one.replace("{}", right["value"]).replace("{p}", key) for one in records]
    zone.put(right["name"], right["type"], *texts)
    looked = verify(owner, made)
    found = of(looked, purpose)
    assert (found["status"], found["error"] is None) == (status, words is None), found
    assert words is None or words in found["error"]
    passes = status == "ok" or purpose not in REQUIRED
    assert looked["status"] == ("verified" if passes else "pending")


def test_a_server_that_does_not_know_takes_nothing_away(owner: Admin, zone: NameServer) -> None:
    made = make(owner, a_name())
    name = of(made, "dkim")["name"]
    zone.fail(name)
    unknown = verify(owner, made)
    assert (of(unknown, "dkim")["status"], unknown["status"]) == ("pending", "pending")
    assert "could not answer" in of(unknown, "dkim")["error"]
    zone.mend(name)
    publish(zone, made)
    assert verify(owner, made)["status"] == "verified"
    zone.fail(name)
    still = verify(owner, made)
    assert (of(still, "dkim")["status"], still["status"]) == ("ok", "verified")
    zone.mend(name)


def test_what_is_no_longer_published_withdraws_it(owner: Admin, zone: NameServer) -> None:
    made = make(owner, a_name())
    publish(zone, made)
    first = verify(owner, made)["verifiedAt"]
    assert verify(owner, made)["verifiedAt"] == first
    zone.drop(made["returnPath"], "MX")
    withdrawn = verify(owner, made)
    assert (withdrawn["status"], withdrawn["verifiedAt"]) == ("pending", None)
    actions = [one["action"] for one in owner.get("/v1/audit")["entries"]]
    assert actions[:3] == ["domain.withdraw", "domain.verify", "domain.create"]


def test_endpoints_are_told_of_it(owner: Admin, zone: NameServer, receiver: Receiver) -> None:
    watcher = listen(owner, receiver, types=["domain.*"])
    made = make(owner, a_name())
    publish(zone, made)
    verify(owner, made)
    about = {"domainId": made["id"], "name": made["name"]}
    assert watcher.await_type("domain.verified") == about | {"errors": {}}
    zone.drop(of(made, "dkim")["name"])
    verify(owner, made)
    told = watcher.await_type("domain.withdrawn")
    assert told == about | {"errors": {"dkim": told["errors"]["dkim"]}}
    verify(owner, made)
    assert len(watcher.told()) == 2


def test_a_name_is_verified_by_one_account_at_a_time(
    owner: Admin, other: Admin, zone: NameServer
) -> None:
    name = a_name()
    mine, theirs = make(owner, name), make(other, name.title())
    publish(zone, mine)
    assert verify(owner, mine)["status"] == "verified"
    assert verify(other, theirs)["status"] == "pending"
    publish(zone, theirs)
    answer = other.send("POST", f"{PATH}/{theirs['id']}/verify")
    refusal = refusal_of(answer, 409, "conflict", "Conflict")
    assert mine["id"] not in answer.text
    assert owner.account not in answer.text
    assert "data" not in refusal
    assert other.get(f"{PATH}/{theirs['id']}")["status"] == "pending"
    assert verify(owner, mine)["status"] == "pending"  # its key is gone, so it lets go
    assert verify(other, theirs)["status"] == "verified"
    data_of(other.send("DELETE", f"{PATH}/{theirs['id']}"), 200)
    publish(zone, mine)
    assert verify(owner, mine)["status"] == "verified"


def test_accounts_that_race_for_a_name(post: Server, http: httpx2.Client) -> None:
    name = a_name()
    racers = [make_admin(post, http) for _ in range(4)]
    mine = [inside(post, one, make(one, name))[1] for one in racers]
    local, good = post._inside()._local, dict.fromkeys(Purpose, Finding(RecordStatus.OK))

    def settle(domain: SendingDomain) -> Code | None:
        try:
            with local.write() as tx:
                vouch.settle(tx, domain.account_id, domain.id, good, local.actor, local.now())
        except AppError as refusal:
            return refusal.code
        return None

    with ThreadPoolExecutor(len(mine)) as pool:
        outcomes = list(pool.map(settle, mine))
    assert sorted(outcomes, key=str) == [None, *[Code.CONFLICT] * 3]
    standing = [data_of(one.wire.get(PATH), 200)["domains"][0]["status"] for one in racers]
    assert sorted(standing) == ["pending"] * 3 + ["verified"]


def test_subdomains_are_domains_of_their_own(owner: Admin, zone: NameServer) -> None:
    name = a_name()
    made = make(owner, name)
    publish(zone, made)
    assert verify(owner, made)["status"] == "verified"
    assert verify(owner, make(owner, f"news.{name}"))["status"] == "pending"


def test_names_are_unique_in_an_account(owner: Admin) -> None:
    made = make(owner, a_name())
    answer = owner.send("POST", PATH, {"name": made["name"].upper()})
    existing = {"existing": {"id": made["id"], "name": made["name"]}}
    assert refusal_of(answer, 409, "conflict", "Conflict")["data"] == existing


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "localhost"}, ["name"]),
        ({"name": "a b.example.com"}, ["name"]),
        ({"name": "-a.example.com"}, ["name"]),
        ({"name": "192.0.2.1"}, ["name"]),
        ({"name": "bücher.example"}, ["name"]),
        ({"name": "a@example.com"}, ["name"]),
        ({"name": f"{'a' * 64}.example.com"}, ["name"]),
        ({"name": ".".join(["a" * 60] * 5)}, ["name"]),
        ({"name": "a.example.com", "trusted": True}, ["trusted"]),
    ],
)
def test_what_is_no_domain(owner: Admin, body: dict[str, Any], path: list[str]) -> None:
    assert problems_of(owner.send("POST", PATH, body)) == [path]


def test_those_of_others_are_not_there(owner: Admin, other: Admin) -> None:
    foreign, nowhere = make(other, a_name())["id"], f"domain_{NOBODY}"
    for method, rest in (("GET", ""), ("PATCH", ""), ("POST", "/verify"), ("DELETE", "")):
        body: Any = {} if method == "PATCH" else None
        theirs = owner.send(method, f"{PATH}/{foreign}{rest}", body)
        nobodys = owner.send(method, f"{PATH}/{nowhere}{rest}", body)
        assert theirs.status_code == 404
        assert without_id(theirs) == without_id(nobodys)


def test_tracking_is_off_unless_it_is_asked_for(owner: Admin) -> None:
    made = make(owner, a_name())
    assert (made["trackOpens"], made["trackClicks"]) == (False, False)
    changed = data_of(owner.send("PATCH", f"{PATH}/{made['id']}", {"trackClicks": True}), 200)
    assert changed == made | {"trackClicks": True, "updatedAt": changed["updatedAt"]}
    assert make(owner, a_name(), trackOpens=True)["trackOpens"] is True


def test_lists_come_in_pages_oldest_first(owner: Admin) -> None:
    made = [make(owner, a_name())["id"] for _ in range(3)]
    assert [one["id"] for one in owner.all_of(PATH, "domains", 2)] == made


def test_the_private_key_is_nowhere_in_clear(post: Server, owner: Admin, zone: NameServer) -> None:
    made = make(owner, a_name())
    publish(zone, made)
    verify(owner, made)
    pepper, domain = inside(post, owner, made)
    assert b"PRIVATE KEY" not in domain.private_key
    assert "PRIVATE KEY" in vouch.private_key(pepper, domain)
    with pytest.raises(Damaged):
        vouch.private_key(pepper, msgspec.structs.replace(domain, id=DomainId(bytes(16))))
    whole = owner.wire.get(PATH).text + owner.wire.get("/v1/audit").text
    assert "PRIVATE" not in whole + post.output()


def test_a_signed_mail_is_verified_against_the_published_record(
    post: Server, owner: Admin, zone: NameServer
) -> None:
    made = make(owner, a_name())
    publish(zone, made)
    private = vouch.private_key(*inside(post, owner, made))
    message = (
        f"From: Ada <ada@{made['name']}>\r\nTo: bob@example.net\r\nSubject: a\r\n  long one\r\n"
        "Date: Thu, 15 Jan 2026 10:30:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
        "List-Unsubscribe: <https://example.com/u>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain\r\n\r\nHello  \r\n\r\n\r\n"
    ).encode()
    signed = dkimsign.sign(message, domain=made["name"], selector="gatepost", private_key=private)
    assert signed.endswith(message)
    assert b"a=rsa-sha256; c=relaxed/relaxed" in signed
    assert is_genuine(signed, zone)
    assert is_genuine(signed.replace(b"a\r\n  long", b"a \tlong"), zone)
    for forged in (
        signed.replace(b"Hello", b"Hallo"),
        signed.replace(b"bob@", b"eve@"),
        signed.replace(b"/u>", b"/v>"),
        *(extra + signed for extra in (b"Subject: x\r\n", b"Cc: e@f.de\r\n", b"From: e@f.de\r\n")),
    ):
        assert not is_genuine(forged, zone)
    zone.put(of(made, "dkim")["name"], "TXT", of(make(owner, a_name()), "dkim")["value"])
    assert not is_genuine(signed, zone)


def inside(post: Server, owner: Admin, made: dict[str, Any]) -> tuple[bytes, SendingDomain]:
    """The pepper, and a domain as it is kept."""
    local = post._inside()._local
    account_id = AccountId(ids.parse("account", owner.account))
    with local.read() as tx:
        return local.pepper, store.get(tx, account_id, DomainId(ids.parse("domain", made["id"])))


def is_genuine(message: bytes, zone: NameServer) -> bool:
    """What dkimpy says, which asks the name server."""
    return bool(dkim.verify(message, dnsfunc=lambda name, **_: ask(zone, name)))


def ask(zone: NameServer, name: bytes | str) -> bytes | None:
    resolver = dns.resolver.Resolver(configure=False)
    host, _, port = zone.setting.partition(":")
    resolver.nameservers, resolver.port = [host], int(port)
    text = name.decode() if isinstance(name, bytes) else name
    try:
        return b"".join(next(iter(resolver.resolve(text, "TXT"))).strings)
    except dns.resolver.NXDOMAIN:
        return None


def test_the_daily_check_withdraws_and_verifies(
    tmp_path_factory: pytest.TempPathFactory,
    settings: dict[str, str],
    zone: NameServer,
    http: httpx2.Client,
) -> None:
    with Server(tmp_path_factory.mktemp("daily") / "data", env=settings) as daily:
        owner = make_admin(daily, http)
        kept, lost, found = (make(owner, a_name()) for _ in range(3))
        publish(zone, kept)
        publish(zone, lost)
        assert {verify(owner, one)["status"] for one in (kept, lost)} == {"verified"}
        zone.drop(of(lost, "spf")["name"], "TXT")
        publish(zone, found)
        daily.query("UPDATE sending_domains SET check_at = 1")
        daily.stop()
        daily.start()
        after = Admin(owner.wire.__class__(http, daily.address, owner.wire.key), "", "")
        wait_for(lambda: after.get(f"{PATH}/{lost['id']}")["status"] == "pending", "withdrawal")
        wait_for(lambda: after.get(f"{PATH}/{found['id']}")["status"] == "verified", "finding")
        assert after.get(f"{PATH}/{kept['id']}")["status"] == "verified"
        actor = next(
            one["actor"]
            for one in after.get("/v1/audit")["entries"]
            if one["action"] == "domain.withdraw"
        )
        assert actor["kind"] == "system"


def test_from_the_command_line(post: Server, owner: Admin, zone: NameServer) -> None:
    name, mine = a_name(), ("--account", owner.account)
    made = post.cli("domain", "add", name, *mine)
    assert made["status"] == "pending"
    assert [one["id"] for one in post.cli("domain", "list", *mine)["domains"]] == [made["id"]]
    publish(zone, made)
    assert post.cli("domain", "verify", name, *mine)["status"] == "verified"
    assert post.cli("domain", "show", name.upper(), *mine)["status"] == "verified"
    assert owner.get(f"{PATH}/{made['id']}")["status"] == "verified"
    shown = post.command("domain", "show", made["id"])
    assert of(made, "dkim")["value"] in shown.stdout
    assert post.cli("domain", "remove", name, *mine)["deleted"] is True
    assert post.command("domain", "show", name, *mine).returncode == 1


def test_a_trusted_domain_needs_no_record(post: Server, owner: Admin, zone: NameServer) -> None:
    name, mine = a_name(), ("--account", owner.account)
    trusted = post.cli("domain", "add", name, "--trust", *mine)
    assert trusted["status"] == owner.get(f"{PATH}/{trusted['id']}")["status"] == "trusted"
    assert not zone.asked(of(trusted, "dkim")["name"])
    assert post.command("domain", "add", name, *mine).returncode == 1
    later = make(owner, a_name())
    assert post.cli("domain", "add", later["name"], "--trust", *mine)["id"] == later["id"]
    assert owner.get(f"{PATH}/{later['id']}")["status"] == "trusted"
    assert verify(owner, later)["status"] == "trusted"


@pytest.mark.parametrize(
    ("method", "rest", "scope"),
    [
        ("POST", "", "domains:write"),
        ("GET", "", "domains:read"),
        ("GET", "/{id}", "domains:read"),
        ("PATCH", "/{id}", "domains:write"),
        ("POST", "/{id}/verify", "domains:write"),
        ("DELETE", "/{id}", "domains:write"),
    ],
)
def test_the_scope_it_needs(post: Server, owner: Admin, method: str, rest: str, scope: str) -> None:
    path = PATH + rest.replace("{id}", f"domain_{NOBODY}")
    body: Any = {"name": a_name()} if (method, rest) == ("POST", "") else None
    body = {} if method == "PATCH" else body
    may = owner.using(post.make_key(owner.account, None, scope=scope).secret)
    others = {"read": "write", "write": "read"}[scope.partition(":")[2]]
    may_not = owner.using(post.make_key(owner.account, None, scope=f"domains:{others}").secret)
    assert may.send(method, path, body).status_code in {200, 201, 404}
    assert may_not.send(method, path, body).status_code == 403
