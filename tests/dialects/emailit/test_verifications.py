"""Verifications as Emailit has them, against a name server of our own."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from emailit.exceptions import ApiErrorException  # type: ignore[import-untyped] # it has no types

from gatepost.domains.verifications.model import ADDRESSES_MAX, LISTS_MAX
from tests.delivery.conftest import NEAR
from tests.delivery.nameserver import NameServer
from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import hook
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused, without_id
from tests.server import Server, unique
from tests.waiting import wait_for

ONE = "/email-verifications"
PATH = "/email-verification-lists"
SLOW = 60
MISSING = {
    "statusCode": 404,
    "error": "Not Found",
    "message": "Email verification list not found",
}
MEMBERS = [
    "object",
    "id",
    "email",
    "status",
    "score",
    "risk",
    "result",
    "mode",
    "checks",
    "address",
    "did_you_mean",
    "mx_records",
    "created_at",
    "updated_at",
]


@pytest.fixture(scope="module")
def zone() -> Iterator[NameServer]:
    with NameServer() as running:
        running.put("good.example", "MX", "20 b.good.example.", "10 a.good.example.")
        running.put("none.example", "MX", "0 .")
        running.put("four.example", "A", "192.0.2.1")
        running.put("six.example", "AAAA", "2001:db8::1")
        running.put("text.example", "TXT", "nothing for mails")
        running.put("xn--gre-6ka8i.example", "MX", "10 mx.example.")
        running.fail("broken.example")
        yield running


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory, zone: NameServer) -> Iterator[Server]:
    env = NEAR | {"GATEPOST_DNS_SERVERS": zone.setting}
    with Server(tmp_path_factory.mktemp("asking") / "data", env=env) as running:
        yield running


@pytest.fixture
def account(asking: Server, http: httpx2.Client) -> Account:
    return Account(asking, http)


@pytest.fixture
def stranger(asking: Server, http: httpx2.Client) -> Account:
    return Account(asking, http)


def verify(account: Account, email: str, **more: Any) -> dict[str, Any]:
    return dict(account.post(ONE, {"email": email, **more}))


def make(account: Account, *emails: str, name: str = "some") -> dict[str, Any]:
    return dict(account.post(PATH, {"name": name, "emails": list(emails)}, 201))


def completed(account: Account, list_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = account.get(f"{PATH}/{list_id}")
        return found if found["status"] == "completed" else None

    return wait_for(look, "the list to be completed", 30.0)


def test_an_address_that_may_be_right(account: Account) -> None:
    found = verify(account, " Ada.L+news@Good.Example")
    assert list(found) == MEMBERS
    assert (found["object"], found["email"]) == ("email_verification", "ada.l+news@good.example")
    assert (found["status"], found["result"], found["score"]) == ("completed", "unknown", 50)
    assert found["checks"]["valid_syntax"] is True
    assert found["checks"]["has_mx_records"] is True
    assert found["checks"]["deliverable"] is None
    assert found["address"] == {
        "mailbox": "ada.l",
        "domain": "good.example",
        "suffix": "news",
        "root": "ada.l@good.example",
    }
    assert found["mx_records"] == [
        {"priority": 10, "exchange": "a.good.example"},
        {"priority": 20, "exchange": "b.good.example"},
    ]


FOUND = {
    "ada@good.example": ("unknown", True, False),
    "INFO@good.example": ("unknown", True, True),
    "info+x@good.example": ("unknown", True, True),
    "ada@größe.example": ("unknown", True, False),
    "ada@four.example": ("unknown", False, False),
    "ada@six.example": ("unknown", False, False),
    "ada@broken.example": ("unknown", None, False),
    "ada@none.example": ("invalid", False, False),
    "ada@text.example": ("invalid", False, False),
    "ada@nowhere.example": ("invalid", False, False),
    "no address": ("invalid", None, False),
    "a..b@good.example": ("invalid", None, False),
    "ada@127.0.0.1": ("invalid", None, False),
}


@pytest.mark.parametrize("email", FOUND)
def test_what_is_found(account: Account, email: str) -> None:
    found = verify(account, email, mode="fast")
    checks = found["checks"]
    told = (found["result"], checks["has_mx_records"], checks["role_account"])
    assert told == FOUND[email]
    assert found["risk"] == ("high" if found["result"] == "invalid" else "medium")
    assert found["mode"] == "fast"


@pytest.mark.parametrize("body", [{}, {"email": ""}, {"email": "a@b.example", "mode": "slow"}, []])
def test_what_is_refused(account: Account, body: Any) -> None:
    assert refused(account.send("POST", ONE, body), 400)["error"] == "Bad Request"


def test_a_whole_list(account: Account) -> None:
    given = [*FOUND, "ada@good.example ", "ADA@good.example"]
    made = make(account, *given, name="October")
    assert (made["object"], made["name"]) == ("email_verification_list", "October")
    assert (made["status"], made["stats"]["total_emails"]) == ("processing", len(FOUND))
    counts = ("unique_emails_count", "dispatched_jobs", "valid_emails_count")
    assert [made[one] for one in counts] == [len(FOUND), len(FOUND), len(FOUND) - 3]

    done = completed(account, made["id"])
    stats = done["stats"]
    assert (stats["processed_emails"], stats["pending_emails"]) == (len(FOUND), 0)
    assert (stats["failed_verifications"], stats["successful_verifications"]) == (1, 12)
    assert (stats["results"]["invalid"], stats["results"]["unknown"]) == (6, 7)
    assert account.get(PATH)["data"] == [done]

    path = f"{PATH}/{made['id']}/results"
    rows = account.get(path)["data"]
    assert [list(one) for one in rows] == [MEMBERS] * len(FOUND)
    assert [one["email"] for one in rows] == [one.lower() for one in FOUND]
    assert [one["result"] for one in rows] == [result for result, _, _ in FOUND.values()]
    narrowed = account.get(f"{path}?result=invalid&status=completed&email.contains=@")["data"]
    assert [one["email"] for one in narrowed] == [
        "ada@none.example",
        "ada@text.example",
        "ada@nowhere.example",
        "a..b@good.example",
        "ada@127.0.0.1",
    ]
    second = account.get(account.get(f"{path}?limit=10")["next_page_url"])
    assert second["data"] == rows[10:]
    assert second["next_page_url"] is None

    answer = account.send("GET", f"{PATH}/{made['id']}/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(one["email"], one["result"]) for one in lines] == [
        (one["email"], one["result"]) for one in rows
    ]
    gone = data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    assert gone["deleted"] is True
    assert refused(account.send("GET", f"{PATH}/{made['id']}"), 404) == MISSING


def test_a_long_list_and_a_short_one_take_turns(account: Account, zone: NameServer) -> None:
    domain = f"{unique('turn')}.example"
    slow = [f"{one}.{domain}" for one in range(SLOW)]  # so that it cannot be over too soon
    for one in slow:
        zone.fail(one, "silent")
    quick = [f"{one}@none.example" for one in range(ADDRESSES_MAX - SLOW)]
    long = make(account, *quick, *(f"ada@{one}" for one in slow))
    short = make(account, "ada@good.example")
    assert completed(account, short["id"])["stats"]["results"]["unknown"] == 1
    assert account.get(f"{PATH}/{long['id']}")["status"] == "processing"
    last = account.get(f"{PATH}/{long['id']}/results?page=200")["data"][-1]
    assert (last["email"], last["status"]) == (f"ada@{slow[-1]}", "pending")
    assert (last["result"], last["checks"]) == (None, None)
    data_of(account.send("DELETE", f"{PATH}/{long['id']}"))


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "emails": []},
        {"name": "", "emails": ["a@good.example"]},
        {"name": "x", "emails": ["a@good.example"] * (ADDRESSES_MAX + 1)},
        {"name": "x", "emails": ["a" * 400]},
    ],
    ids=["none", "empty", "nameless", "many", "long"],
)
def test_what_can_be_no_list(account: Account, body: Any) -> None:
    assert refused(account.send("POST", PATH, body), 400)["details"]
    assert account.get(PATH)["data"] == []


def test_an_account_has_so_many_lists(account: Account) -> None:
    for _ in range(LISTS_MAX):
        make(account, "no address")
    full = refused(account.send("POST", PATH, {"name": "x", "emails": ["y"]}), 409)
    assert str(LISTS_MAX) in full["message"]


def test_other_accounts_lists_are_not_found(account: Account, stranger: Account) -> None:
    theirs = make(stranger, "no address")["id"]
    for method, tail in (("GET", ""), ("GET", "/results"), ("GET", "/export"), ("DELETE", "")):
        here = account.send(method, f"{PATH}/{theirs}{tail}")
        assert refused(here, 404) == MISSING
        for nowhere in (f"evl_{NOWHERE}", "7"):
            there = account.send(method, f"{PATH}/{nowhere}{tail}")
            assert without_id(here) == without_id(there)


def test_what_happens_is_told(account: Account, receiver: Receiver) -> None:
    told = hook(account, receiver)
    found = verify(account, "ada@good.example")
    told.await_types("email_verification.created")
    made = make(account, "ada@good.example", "ada@none.example")
    done = completed(account, made["id"])
    data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    lists = [f"email_verification_list.{one}" for one in ("created", "updated", "deleted")]
    events = told.await_types("email_verification.created", *lists)
    objects = {one["type"]: one["data"]["object"] for one in events}
    assert objects["email_verification.created"] == found
    assert objects["email_verification_list.created"].items() <= made.items()
    assert objects["email_verification_list.updated"] == done


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_list_goes_on_after_a_restart(
    how: str, tmp_path: Path, zone: NameServer, http: httpx2.Client
) -> None:
    """At once, or when its time has come where nobody could say that it was not done."""
    env = {"GATEPOST_DNS_SERVERS": zone.setting}
    domain = f"{unique('late')}.example"
    zone.fail(domain, "silent")
    with Server(tmp_path / "data", env=env) as server:
        account = Account(server, http)
        made = make(account, f"ada@{domain}")
        wait_for(lambda: zone.asked(domain), "the name server to be asked")
        server.stop() if how == "stopped" else server.kill()
        zone.mend(domain)
        zone.put(domain, "MX", "10 mx.example.")
        server.start()
        if how == "killed":
            server.query("UPDATE verification_lists SET check_at = 1")
        assert completed(account, made["id"])["stats"]["results"]["unknown"] == 1


def test_emailits_own_client(account: Account) -> None:
    sdk = account.sdk()
    found = sdk.email_verifications.verify({"email": "ada@good.example", "mode": "full"})
    assert (type(found).__name__, found.result) == ("EmailVerification", "unknown")
    made = sdk.email_verification_lists.create({"name": "x", "emails": ["ada@none.example"]})
    assert type(made).__name__ == "EmailVerificationList"
    completed(account, made.id)
    assert sdk.email_verification_lists.get(made.id).status == "completed"
    assert [one.id for one in sdk.email_verification_lists.list().data] == [made.id]
    [row] = sdk.email_verification_lists.results(made.id, {"result": "invalid"}).data
    assert (type(row).__name__, row.email) == ("EmailVerification", "ada@none.example")
    assert b"ada@none.example" in _bytes(sdk.email_verification_lists.export(made.id).body)
    with pytest.raises(ApiErrorException) as gone:
        sdk.email_verification_lists.get(f"evl_{NOWHERE}")
    assert gone.value.http_status == 404


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
