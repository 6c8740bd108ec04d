"""Contacts as Emailit has them, over the wire and by its own client."""

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from emailit.exceptions import ApiErrorException  # type: ignore[import-untyped] # it has no types

from gatepost.domains.contacts.model import FIELDS_BYTES_MAX, MEMBERSHIPS_MAX
from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import hook, verified
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused, without_id
from tests.server import Server, unique

PATH = "/contacts"
ADA = {"email": "Ada@Example.com ", "first_name": "Ada", "last_name": "Lovelace"}
MISSING = {"statusCode": 404, "error": "Not Found", "message": "Contact not found"}
MEMBERS = [
    "object",
    "id",
    "email",
    "first_name",
    "last_name",
    "custom_fields",
    "unsubscribed",
    "audiences",
    "created_at",
    "updated_at",
]


def make(account: Account, email: str = "", **more: Any) -> dict[str, Any]:
    body = {"email": email or f"{unique('contact')}@example.com", **more}
    return dict(account.post(PATH, body, 201))


def audience(account: Account, name: str = "") -> str:
    made = account.post("/audiences", {"name": name or unique("audience")}, 201)
    return str(made["id"])


def emails(account: Account, query: str) -> list[str]:
    return [one["email"] for one in account.get(f"{PATH}?{query}")["data"]]


def test_a_whole_life(account: Account) -> None:
    made = account.post(PATH, {**ADA, "custom_fields": {"born": 1815, "tags": ["a"]}}, 201)
    assert list(made) == MEMBERS
    assert (made["object"], made["email"]) == ("contact", "ada@example.com")
    assert (made["first_name"], made["unsubscribed"], made["audiences"]) == ("Ada", False, [])
    assert made["custom_fields"] == {"born": 1815, "tags": ["a"]}
    for which in (made["id"], "ada@example.com", quote("ADA@example.COM", safe="")):
        assert account.get(f"{PATH}/{which}") == made
    changes = {"first_name": None, "custom_fields": {"x": 1}, "unsubscribed": True}
    changed = account.post(f"{PATH}/ada@example.com", changes)
    assert changed == made | changes | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    assert account.post(f"{PATH}/{made['id']}", {}) == changed
    moved = account.post(f"{PATH}/{made['id']}", {"email": "Countess@Example.com"})
    assert moved["email"] == "countess@example.com"
    assert account.get(PATH)["data"] == [moved]
    gone = data_of(account.send("DELETE", f"{PATH}/countess@example.com"))
    shown = {"object": "contact", "id": made["id"], "email": "countess@example.com"}
    assert gone == shown | {"deleted": True}
    assert refused(account.send("GET", f"{PATH}/{made['id']}"), 404) == MISSING


def test_an_address_that_exists_tells_whose_it_is(account: Account) -> None:
    on = audience(account, "News")
    made = make(account, "ada@example.com", audiences=[on])
    clash = refused(account.send("POST", PATH, {"email": "ADA@example.com"}), 409)
    conflict = {"statusCode": 409, "error": "Conflict", "message": "Contact already exists"}
    assert clash == conflict | {"existing": made}
    other = make(account, "bob@example.com")
    path = f"{PATH}/{other['id']}"
    assert refused(account.send("POST", path, {"email": "ada@example.com"}), 409) == clash
    assert account.get(path) == other


def test_two_at_once_make_one(account: Account) -> None:
    def attempt(_number: int) -> int:
        return account.send("POST", PATH, {"email": "twin@example.com"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [201] + [409] * 7
    assert len(account.get(PATH)["data"]) == 1


WRONG: list[Any] = [
    {},
    [],
    {"email": "nonsense"},
    {"email": "Ada <ada@example.com>"},
    {"email": "a@example.com\x00"},
    {"email": "a@example.com", "first_name": "x" * 256},
    {"email": "a@example.com", "last_name": "two\nlines"},
    {"email": "a@example.com", "custom_fields": [1]},
    {"email": "a@example.com", "custom_fields": {"a": "x" * FIELDS_BYTES_MAX}},
    {"email": "a@example.com", "custom_fields": {str(one): 1 for one in range(101)}},
    {"email": "a@example.com", "unsubscribed": "no"},
    {"email": "a@example.com", "audiences": ["aud_x"] * (MEMBERSHIPS_MAX + 1)},
]


@pytest.mark.parametrize("body", WRONG, ids=range(len(WRONG)))
def test_what_can_be_no_contact(account: Account, body: Any) -> None:
    refusal = refused(account.send("POST", PATH, body), 400)
    assert refusal["error"] == "Bad Request"
    assert refusal["details"]
    assert account.get(PATH)["data"] == []


def test_audiences_of_a_new_contact(account: Account, stranger: Account) -> None:
    mine, theirs = audience(account, "News"), audience(stranger)
    given = [mine, theirs, f"aud_{NOWHERE}", "nonsense", mine]
    made = make(account, audiences=given)
    [on] = made["audiences"]
    assert (on["id"], on["name"], on["subscribed"]) == (mine, "News", True)
    assert on["subscriber"]["subscribed_at"] == made["created_at"]
    assert on["subscriber"]["unsubscribed_at"] is None
    off = make(account, audiences=[mine], unsubscribed=True)["audiences"][0]["subscriber"]
    assert (off["subscribed"], off["subscribed_at"]) == (False, None)
    assert off["unsubscribed_at"] is not None
    assert account.get(f"/audiences/{mine}")["subscribers_count"] == 2
    data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    assert account.get(f"/audiences/{mine}")["subscribers_count"] == 1


@pytest.fixture
def people(account: Account) -> Account:
    """Three of them, of whom the second is unsubscribed."""
    make(account, "ann@example.com", first_name="Ann", last_name="100%")
    make(account, "bob@example.org", first_name="Bob", unsubscribed=True)
    make(account, "cid@example.com", first_name="Cid", last_name="")
    return account


NARROWED = {
    "": "cid bob ann",
    "email.exact=ANN@example.com": "ann",
    "email.ends_with=.com": "cid ann",
    "first_name.contains=I": "cid",
    "first_name.starts_with=b": "bob",
    "first_name.not_exact=Bob": "cid ann",
    "last_name.empty=": "cid bob",
    "last_name.contains=%25": "ann",
    "last_name.contains=_": "",
    "unsubscribed=True": "bob",
    "unsubscribed.exact=0": "cid ann",
    "first_name.exact=ann&first_name.exact=bob": "",
    "first_name.exact=ann&first_name.exact=bob&match=or": "bob ann",
    "created_at.after=2020-01-01T00:00:00Z": "cid bob ann",
    "created_at.before=2020-01-01": "",
    "shoe_size.gt=43": "cid bob ann",
    "order=email&direction=asc": "ann bob cid",
    "order=first_name&direction=desc": "cid bob ann",
    "search=.ORG": "bob",
    "search=100": "ann",
    "page=2&limit=2": "ann",
}


@pytest.mark.parametrize("query", NARROWED)
def test_narrowed_lists(people: Account, query: str) -> None:
    found = [one.partition("@")[0] for one in emails(people, query)]
    assert found == NARROWED[query].split()


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "page=x", "unsubscribed=maybe", "created_at.gt=x", "search=%00"],
)
def test_queries_that_are_refused(account: Account, query: str) -> None:
    assert refused(account.send("GET", f"{PATH}?{query}"), 400)["error"] == "Bad Request"


def test_pages_lead_to_each_other(account: Account) -> None:
    made = [make(account)["email"] for _ in range(5)]
    first = account.get(f"{PATH}?limit=2&email.ends_with=.com")
    second = account.get(first["next_page_url"])
    third = account.get(second["next_page_url"])
    found = [one["email"] for page in (first, second, third) for one in page["data"]]
    assert found == made[::-1]
    assert (first["previous_page_url"], third["next_page_url"]) == (None, None)
    assert account.get(third["previous_page_url"])["data"] == second["data"]


def test_many_at_once(account: Account, stranger: Account) -> None:
    on = audience(account)
    some = [make(account)["id"] for _ in range(3)]
    theirs = make(stranger)["id"]
    ids = [*some, theirs, f"con_{NOWHERE}", "nonsense"]

    def bulk(action: str, **more: Any) -> int:
        done = account.post(f"{PATH}/bulk", {"action": action, "ids": ids, **more})
        assert (done["action"], done["requested"]) == (action, len(ids))
        return int(done["affected"])

    def shown() -> list[dict[str, Any]]:
        return [account.get(f"{PATH}/{one}") for one in some]

    assert bulk("add_to_audience", audience_id=on) == 3
    assert bulk("add_to_audience", audience_id=on) == 0
    assert all(one["audiences"][0]["id"] == on for one in shown())
    assert bulk("unsubscribe") == 3
    assert bulk("unsubscribe") == 0
    assert all(one["unsubscribed"] for one in shown())
    assert bulk("resubscribe") == 3
    assert bulk("remove_from_audience", audience_id=on) == 3
    assert bulk("remove_from_audience", audience_id=on) == 0
    assert all(one["audiences"] == [] and not one["unsubscribed"] for one in shown())
    assert bulk("delete") == 3
    assert account.get(PATH)["data"] == []
    assert stranger.get(f"{PATH}/{theirs}")["unsubscribed"] is False


def test_many_at_once_within_bounds(account: Account, stranger: Account) -> None:
    mine = make(account)["id"]
    for body in (
        {"action": "delete", "ids": []},
        {"action": "delete", "ids": [mine] * 101},
        {"action": "explode", "ids": [mine]},
        {"action": "add_to_audience", "ids": [mine]},
    ):
        assert refused(account.send("POST", f"{PATH}/bulk", body), 400)["details"]
    for which in (audience(stranger), f"aud_{NOWHERE}", "nonsense"):
        body = {"action": "add_to_audience", "ids": [mine], "audience_id": which}
        missing = refused(account.send("POST", f"{PATH}/bulk", body), 404)
        assert missing["message"] == "Audience not found"


def test_an_export(account: Account) -> None:
    on = audience(account, "News")
    make(account, "ann@example.com", first_name="=1+1", custom_fields={"a": [1, "ü"]})
    make(account, "bob@example.com", audiences=[on], unsubscribed=True)
    answer = account.send("GET", f"{PATH}/export?order=email")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    ann, bob = csv.DictReader(io.StringIO(answer.text))
    assert (ann["email"], ann["first_name"]) == ("ann@example.com", "'=1+1")
    assert json.loads(ann["custom_fields"]) == {"a": [1, "ü"]}
    assert (bob["audiences"], bob["unsubscribed"], bob["custom_fields"]) == ("News", "true", "")
    narrowed = account.send("GET", f"{PATH}/export?unsubscribed=true&limit=1").text
    assert [one["email"] for one in csv.DictReader(io.StringIO(narrowed))] == ["bob@example.com"]
    assert len(account.send("GET", f"{PATH}/export?page=2").text.splitlines()) == 1


def test_other_accounts_contacts_are_not_found(account: Account, stranger: Account) -> None:
    theirs = make(stranger, "ada@example.com")
    for which in (theirs["id"], "ada@example.com"):
        nowhere = "nobody@example.com" if "@" in which else f"con_{NOWHERE}"
        for method, body in (("GET", None), ("POST", {"first_name": "x"}), ("DELETE", None)):
            here = account.send(method, f"{PATH}/{which}", body)
            there = account.send(method, f"{PATH}/{nowhere}", body)
            assert refused(here, 404) == MISSING
            assert without_id(here) == without_id(there)
    assert stranger.get(f"{PATH}/{theirs['id']}") == theirs


@pytest.mark.parametrize("which", ["7", "con_", f"aud_{NOWHERE}", "a@b@c"])
def test_what_is_no_id(account: Account, which: str) -> None:
    assert refused(account.send("GET", f"{PATH}/{which}"), 404) == MISSING


@pytest.mark.parametrize("scope", ["sending", "events"])
def test_keys_of_less_scope_are_refused(account: Account, scope: str) -> None:
    weak = account.make_key(scope=scope).secret
    for method, path, body in (
        ("GET", PATH, None),
        ("POST", PATH, {"email": "a@example.com"}),
        ("GET", f"{PATH}/export", None),
        ("POST", f"{PATH}/bulk", {"action": "delete", "ids": ["x"]}),
        ("GET", "/audiences", None),
        ("POST", "/email-verifications", {"email": "a@example.com"}),
    ):
        answer = account.send(method, path, body, key=weak)
        assert refused(answer, 403)["error"] == "Forbidden"


def test_the_audit_log_has_no_address(account: Account) -> None:
    made = make(account, "secret.name@example.com", first_name="Secretname")
    account.post(f"{PATH}/{made['id']}", {"last_name": "Othername"})
    data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    bearer = {"Authorization": f"Bearer {account.key.secret}"}
    url = f"{account.server.address}/v1/audit"
    lines = account.http.get(url, headers=bearer).json()["data"]["entries"]
    actions = [one["action"] for one in lines if one["action"].startswith("contact.")]
    assert actions == ["contact.delete", "contact.update", "contact.create"]
    told = json.dumps(lines).lower()
    assert not any(one in told for one in ("secret.name", "secretname", "othername"))


@pytest.mark.parametrize("named_by", ["user id", "alias", "property"])
def test_an_erased_person_is_no_contact(account: Account, named_by: str) -> None:
    on = audience(account)
    make(account, "ada@example.com", audiences=[on])
    stays = make(account, "bob@example.com", audiences=[on])
    person: dict[str, Any] = {"user_id": unique("user")}
    match named_by:
        case "user id":
            person["user_id"] = "ada@example.com"
        case "alias":
            person["aliases"] = ["Ada@Example.com"]
        case "property":
            person["properties"] = {"email": "ada@example.com"}
    bearer = {"Authorization": f"Bearer {account.key.secret}"}
    url = f"{account.server.address}/v1"
    known = account.http.post(f"{url}/identify", json=person, headers=bearer)
    assert known.status_code == 200, known.text
    who = quote(person["user_id"])
    erased = account.http.delete(f"{url}/identities/{who}", headers=bearer)
    assert erased.status_code == 200, erased.text
    assert account.get(PATH)["data"] == [stays]
    assert account.get(f"/audiences/{on}")["subscribers_count"] == 1


def test_what_happens_is_told(reached: Account, receiver: Receiver) -> None:
    on = audience(reached)
    types = ("contact.created", "subscriber.created", "contact.updated", "contact.deleted")
    told = hook(reached, receiver, events=list(types))
    made = make(reached, "ada@example.com", audiences=[on])
    changed = reached.post(f"{PATH}/{made['id']}", {"first_name": "Ada"})
    reached.post(f"{PATH}/{made['id']}", {"first_name": "Ada"})
    data_of(reached.send("DELETE", f"{PATH}/{made['id']}"))
    objects = {one["type"]: one["data"]["object"] for one in told.await_types(*types)}
    assert objects["contact.created"] == made
    assert objects["contact.updated"] == changed
    assert objects["contact.deleted"] == changed
    assert objects["subscriber.created"]["contact_id"] == made["id"]
    assert verified(told.got()[0], told.secret)


def test_emailits_own_client(account: Account, sdk: Any) -> None:
    made = sdk.contacts.create({"email": "ada@example.com", "custom_fields": {"a": 1}})
    assert (type(made).__name__, made.email) == ("Contact", "ada@example.com")
    assert sdk.contacts.get(made.id).email == made.email
    assert sdk.contacts.get("ada@example.com").id == made.id
    assert sdk.contacts.update(made.id, {"unsubscribed": True}).unsubscribed is True
    listed = sdk.contacts.list({"unsubscribed": True, "limit": 1})
    assert [one.id for one in listed.data] == [made.id]
    assert not listed.has_more()
    with pytest.raises(ApiErrorException) as clash:
        sdk.contacts.create({"email": "ada@example.com"})
    assert clash.value.http_status == 409
    assert clash.value.json_body["existing"]["id"] == made.id
    assert sdk.contacts.delete(made.id).deleted is True
    with pytest.raises(ApiErrorException) as gone:
        sdk.contacts.get(made.id)
    assert gone.value.http_status == 404


def test_nothing_of_them_is_logged(account: Account, server: Server) -> None:
    make(account, "unlogged.person@example.com")
    refused(account.send("POST", PATH, {"email": "unlogged.person@example.com"}), 409)
    assert "unlogged.person" not in server.output()
