"""API keys as Emailit's own page on them describes them, and what that page leaves open."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused, without_id
from tests.server import Server, unique

SECRET = re.compile(r"em_live_[0-9A-Za-z_-]{20,}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MEMBERS = [
    "object",
    "id",
    "name",
    "scope",
    "sending_domain_id",
    "last_used_at",
    "created_at",
    "updated_at",
]
BAD = {"error": {"code": 400, "message": "Bad Request"}}
MISSING = {"error": {"code": 404, "message": "API key not found"}}


def without_details(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "details"}


def test_the_seed_as_it_is_written(account: Account) -> None:
    """The requests of the page one after the other: create, get, list, update, delete."""
    made = account.post("/api-keys", {"name": "My API Key", "scope": "sending"}, 201)
    assert list(made) == [*MEMBERS, "key"]
    assert SECRET.fullmatch(made["key"])
    assert MOMENT.fullmatch(made["created_at"])
    told = (made["object"], made["name"], made["scope"])
    assert told == ("api_key", "My API Key", "sending")
    assert (made["sending_domain_id"], made["last_used_at"]) == (None, None)
    assert made["created_at"] == made["updated_at"]

    path = f"/api-keys/{made['id']}"
    shown = {name: made[name] for name in MEMBERS}
    assert account.get(path) == shown

    listed = account.get("/api-keys")
    assert list(listed) == ["data", "next_page_url", "previous_page_url"]
    assert listed["data"][0] == shown
    assert (listed["next_page_url"], listed["previous_page_url"]) == (None, None)

    renamed = account.post(path, {"name": "Updated API Key Name"})
    assert list(renamed) == MEMBERS
    assert renamed["name"] == "Updated API Key Name"
    assert renamed["updated_at"] >= made["updated_at"]

    gone = data_of(account.send("DELETE", path))
    assert gone == {
        "object": "api_key",
        "id": made["id"],
        "name": "Updated API Key Name",
        "deleted": True,
    }
    assert refused(account.send("GET", path), 404) == MISSING


def test_the_refusals_of_the_seed(account: Account) -> None:
    made = account.make("My API Key")
    for body in WRONG:
        refusal = refused(account.send("POST", "/api-keys", body), 400)
        assert without_details(refusal) == BAD
    taken = refused(account.send("POST", "/api-keys", {"name": "My API Key"}), 409)
    assert taken == {
        "error": {"code": 409, "message": "API key already exists"},
        "existing": {"object": "api_key", "id": made["id"], "name": "My API Key"},
    }
    other = account.make("Another API Key")
    path = f"/api-keys/{other['id']}"
    clash = refused(account.send("POST", path, {"name": "My API Key"}), 409)
    assert clash == {"error": {"code": 409, "message": "API key name already exists"}}
    assert without_details(refused(account.send("POST", path, {}), 400)) == BAD
    for method, tail, body in EVERYWHERE:
        answer = account.send(method, f"/api-keys/key_{NOWHERE}{tail}", body)
        assert refused(answer, 404) == MISSING


WRONG: list[Any] = [{}, {"name": ""}, {"name": 7}, {"name": "x", "scope": "some"}, b"", b"{", []]
EVERYWHERE: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("POST", "", {"name": "whatever"}),
    ("DELETE", "", None),
    ("POST", "/regenerate", None),
]


def test_the_secret_is_shown_once(account: Account) -> None:
    made = account.make(unique("key"))
    path = f"/api-keys/{made['id']}"
    answers = [
        account.send("GET", path),
        account.send("GET", "/api-keys"),
        account.send("POST", path, {"name": unique("renamed")}),
        account.send("DELETE", path),
    ]
    assert all(made["key"] not in one.text for one in answers)
    assert all(one.status_code == 200 for one in answers)
    assert made["key"] not in account.server.output()


def test_pages_lead_to_each_other(account: Account) -> None:
    names = [account.make(unique("page"))["name"] for _ in range(6)]
    mine = f"name.starts_with={names[0][:5]}"
    first = account.get(f"/api-keys?limit=2&{mine}")
    assert first["previous_page_url"] is None
    assert first["next_page_url"].startswith(f"{account.server.address}/v2/api-keys?")
    pages = [first]
    while pages[-1]["next_page_url"]:
        pages.append(account.get(pages[-1]["next_page_url"]))
    found = [one["name"] for page in pages for one in page["data"]]
    assert found == names[::-1]
    assert len(pages) == 3
    back = account.get(pages[2]["previous_page_url"])
    assert back["data"] == pages[1]["data"]
    assert account.get(back["previous_page_url"])["data"] == first["data"]
    plain = account.get("/api-keys?page=2&limit=4")
    assert len(plain["data"]) == 3  # with the account's own key
    assert plain["next_page_url"] is None


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "", "1.5", "9" * 6000])
def test_a_limit_out_of_range_is_refused(account: Account, limit: str) -> None:
    refusal = refused(account.send("GET", f"/api-keys?limit={limit}"), 400)
    assert without_details(refusal) == BAD


@pytest.mark.parametrize("page", ["0", "x", "-1", "9" * 6000])
def test_a_page_that_cannot_be_is_refused(account: Account, page: str) -> None:
    refusal = refused(account.send("GET", f"/api-keys?page={page}"), 400)
    assert without_details(refusal) == BAD


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name.exact=b", ["b"]),
        ("name.not_exact=b", ["c", "a"]),
        ("scope.exact=sending", ["b"]),
        ("sending_domain_id.empty=1&scope.exact=full", ["c", "a"]),
        ("name.exact=a&name.exact=c&match=or", ["c", "a"]),
        ("name.exact=a&name.exact=c", []),
        ("order=name", ["a", "b", "c"]),
        ("order=name&direction=desc", ["c", "b", "a"]),
        ("search=B", ["b"]),
        ("unknown.exact=x", ["c", "b", "a"]),
    ],
)
def test_filters(account: Account, query: str, expected: list[str]) -> None:
    mark = unique("f")
    for name in "abc":
        account.make(f"{mark} {name}", scope="sending" if name == "b" else "full")
    query = re.sub(r"(name\.\w*exact=)", rf"\g<1>{mark} ", query)
    query = query.replace("search=", f"search={mark} ")
    listed = account.get(f"/api-keys?{query}")["data"]
    found = [one["name"] for one in listed if one["name"].startswith(mark)]
    assert found == [f"{mark} {name}" for name in expected]


def test_of_two_concurrent_creates_one_wins(account: Account) -> None:
    for _ in range(5):
        name = unique("twice")
        with ThreadPoolExecutor(2) as both:
            tried = [
                both.submit(account.send, "POST", "/api-keys", {"name": name}) for _ in range(2)
            ]
            answers = sorted((one.result() for one in tried), key=lambda one: one.status_code)
        assert [one.status_code for one in answers] == [201, 409]
        assert answers[1].json()["existing"]["id"] == answers[0].json()["id"]


def test_a_deleted_key_is_refused_at_once(account: Account) -> None:
    made = account.make(unique("key"))
    assert account.send("GET", "/api-keys", key=made["key"]).status_code == 200
    assert account.send("DELETE", f"/api-keys/{made['id']}").status_code == 200
    assert account.send("GET", "/api-keys", key=made["key"]).status_code == 401
    assert account.send("DELETE", f"/api-keys/{made['id']}").status_code == 404


def test_the_key_in_use_deletes_itself_once(account: Account) -> None:
    made = account.make(unique("key"))
    path = f"/api-keys/{made['id']}"
    assert account.send("DELETE", path, key=made["key"]).status_code == 200
    assert account.send("DELETE", path, key=made["key"]).status_code == 401


def test_regenerate_ends_the_old_secret_at_once(account: Account) -> None:
    made = account.make(unique("key"), scope="full")
    path = f"/api-keys/{made['id']}"
    new = account.post(f"{path}/regenerate")
    assert list(new) == [*MEMBERS, "key"]
    assert new["key"] != made["key"]
    assert {name: new[name] for name in MEMBERS[:5]} == {name: made[name] for name in MEMBERS[:5]}
    assert account.send("GET", path, key=made["key"]).status_code == 401
    assert account.send("GET", path, key=new["key"]).status_code == 200


def test_the_key_in_use_regenerates_itself(account: Account) -> None:
    made = account.make(unique("key"))
    answer = account.send("POST", f"/api-keys/{made['id']}/regenerate", key=made["key"])
    new = data_of(answer)["key"]
    assert account.send("GET", "/api-keys", key=made["key"]).status_code == 401
    assert account.send("GET", "/api-keys", key=new).status_code == 200


def test_last_used_at_is_kept(tmp_path: Path, http: httpx2.Client) -> None:
    with Server(tmp_path / "data") as server:
        account = Account(server, http)
        made = account.make(unique("key"))
        path = f"/api-keys/{made['id']}"
        assert account.get(path)["last_used_at"] is None
        assert account.send("GET", "/api-keys", key=made["key"]).status_code == 200
        server.stop()
        server.start()
        used = account.get(path)["last_used_at"]
    assert MOMENT.fullmatch(used)
    assert used >= made["created_at"]


def test_nothing_but_the_name_can_be_changed(account: Account) -> None:
    made = account.make(unique("key"), scope="sending", something="else")
    path, name = f"/api-keys/{made['id']}", unique("renamed")
    body = {"name": name, "scope": "full", "sending_domain_id": 7, "id": "key_1"}
    changed = account.post(path, body)
    assert changed["name"] == name
    assert {**changed, "name": made["name"], "updated_at": made["updated_at"]} == {
        one: made[one] for one in MEMBERS
    }
    assert account.post(path, {"name": name})["name"] == name


@pytest.mark.parametrize(
    ("given", "shown"),
    [("full", "full"), ("full_access", "full"), ("sending", "sending"), ("events", "events")],
)
def test_scopes_by_name(account: Account, given: str, shown: str) -> None:
    made = account.make(unique("key"), scope=given)
    assert made["scope"] == shown
    assert account.get(f"/api-keys/{made['id']}")["scope"] == shown


def test_another_set_of_scopes_is_shown_as_such(account: Account) -> None:
    key = account.make_key(scope="events:read")
    assert account.get(f"/api-keys/{key.id}")["scope"] == "custom"


@pytest.mark.parametrize("given", [123, "1234567890", f"dom_{NOWHERE}", "nonsense", True])
def test_a_sending_domain_is_one_of_the_account(account: Account, given: Any) -> None:
    name = unique("key")
    body = {"name": name, "scope": "sending", "sending_domain_id": given}
    assert without_details(refused(account.send("POST", "/api-keys", body), 400)) == BAD
    if given is not True:
        assert account.make(name, sending_domain_id=given)["sending_domain_id"] is None


def test_a_strangers_key_looks_like_none(account: Account, stranger: Account) -> None:
    theirs = stranger.make(unique("key"))
    for method, tail, body in EVERYWHERE:
        known = account.send(method, f"/api-keys/{theirs['id']}{tail}", body)
        nothing = account.send(method, f"/api-keys/key_{NOWHERE}{tail}", body)
        nonsense = account.send(method, f"/api-keys/1234567890{tail}", body)
        assert without_id(known) == without_id(nothing) == without_id(nonsense)
        assert known.status_code == 404
    assert stranger.get(f"/api-keys/{theirs['id']}")["name"] == theirs["name"]
    account.make(theirs["name"])


def test_who_asks_without_a_key_is_told_so(account: Account) -> None:
    body = {"statusCode": 401, "error": "Unauthorized"}
    without = refused(account.send("GET", "/api-keys", key=None), 401)
    assert without == {**body, "message": "API key required"}
    unknown = refused(account.send("GET", "/api-keys", key="secret_unknown"), 401)
    assert unknown == {**body, "message": "Invalid API key"}


def test_a_key_may_not_make_a_stronger_one(account: Account) -> None:
    weak = account.make_key(scope="keys:write")
    body = {"name": unique("key"), "scope": "full"}
    refusal = refused(account.send("POST", "/api-keys", body, key=weak.secret), 403)
    assert (refusal["statusCode"], refusal["error"]) == (403, "Forbidden")


def test_a_key_bound_to_a_project_sees_that_projects(account: Account) -> None:
    bound = account.server.make_key(account.id, account.project, key_format="emailit")
    hidden = account.make(unique("hidden"))
    made = data_of(account.send("POST", "/api-keys", {"name": unique("k")}, key=bound.secret), 201)
    listed = data_of(account.send("GET", "/api-keys", key=bound.secret))["data"]
    assert [one["id"] for one in listed] == [made["id"], bound.id]
    clash = account.send("POST", "/api-keys", {"name": hidden["name"]}, key=bound.secret)
    assert refused(clash, 409) == {"error": {"code": 409, "message": "API key already exists"}}


def test_an_idempotency_key_is_passed_over(account: Account) -> None:
    body = {"name": unique("key")}
    first = account.send("POST", "/api-keys", body, idempotency_key="a key !")
    again = account.send("POST", "/api-keys", body, idempotency_key="a key !")
    assert (first.status_code, again.status_code) == (201, 409)
