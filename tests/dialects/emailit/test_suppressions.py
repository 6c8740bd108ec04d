"""Suppressions, by Emailit's own client and plainly."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from emailit import InvalidRequestException  # type: ignore[import-untyped] # it comes without types

from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import hook
from tests.dialects.emailit.mails import await_status, send, somebody
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused
from tests.waiting import wait_for

MEMBERS = ["object", "id", "email", "type", "reason", "timestamp", "keep_until"]
MISSING = {"error": "Suppression not found"}
NEITHER = {
    "error": "Invalid identifier. Must be a suppression ID (sup_xxx) or valid email address."
}


def make(account: Account, email: str = "ada@example.com", **more: Any) -> dict[str, Any]:
    return dict(account.post("/suppressions", {"email": email} | more, 201))


def test_a_whole_life(sdk: Any) -> None:
    """The steps of the client's own page, one after the other."""
    made = sdk.suppressions.create(
        {"email": "Spam@Example.com", "type": "hard_bounce", "reason": "Manual suppression"}
    )
    assert (made.object, made.email, made.type) == ("suppression", "spam@example.com", "bounce")
    (listed,) = sdk.suppressions.list()
    assert (listed.id, listed.reason) == (made.id, "Manual suppression")
    assert sdk.suppressions.get(made.id).email == "spam@example.com"
    changed = sdk.suppressions.update(made.id, {"reason": "Updated"})
    assert (changed.reason, changed.type, changed.timestamp) == (
        "Updated",
        "bounce",
        made.timestamp,
    )
    gone = sdk.suppressions.delete(made.id)
    assert (gone.id, gone.email, gone.deleted) == (made.id, "spam@example.com", True)
    with pytest.raises(InvalidRequestException, match=r"^Suppression not found$"):
        sdk.suppressions.get(made.id)


def test_what_is_shown(account: Account) -> None:
    made = make(account)
    assert list(made) == MEMBERS
    assert re.fullmatch(r"sup_[0-9a-f]{32}", made["id"])
    assert (made["type"], made["reason"], made["keep_until"]) == ("recipient", None, None)
    assert account.get(f"/suppressions/{made['id']}") == made
    assert account.get("/suppressions")["data"] == [made]


@pytest.mark.parametrize("spelling", ["ada+x@example.com", "ADA+X@Example.COM"])
def test_the_address_names_it_too(account: Account, spelling: str) -> None:
    made = make(account, "Ada+x@example.com")
    place = f"/suppressions/{quote(spelling, safe='')}"
    assert account.get(place) == made
    changed = account.post(place, {"type": "complaint", "reason": None})
    assert changed == made | {"type": "complaint"}
    assert data_of(account.send("DELETE", place))["id"] == made["id"]
    assert refused(account.send("GET", place), 404) == MISSING


def test_what_names_none(account: Account, stranger: Account) -> None:
    made = make(account)
    body = {"reason": "x"}
    for method in ("GET", "POST", "DELETE"):
        for which in (f"sup_{NOWHERE}", "sup_7", "bob%40example.com"):
            answer = account.send(method, f"/suppressions/{which}", body)
            assert refused(answer, 404) == MISSING
        for which in ("7", "nobody", "a%40b%40", f"tem_{NOWHERE}"):
            answer = account.send(method, f"/suppressions/{which}", body)
            assert refused(answer, 400) == NEITHER
        for which in (made["id"], "ada%40example.com"):
            answer = stranger.send(method, f"/suppressions/{which}", body)
            assert refused(answer, 404) == MISSING
    assert stranger.get("/suppressions")["data"] == []


def test_an_address_is_suppressed_once(account: Account) -> None:
    made = make(account)
    answer = account.send("POST", "/suppressions", {"email": "ADA@example.com", "type": "bounce"})
    refusal = refused(answer, 409)
    assert (refusal["statusCode"], refusal["message"]) == (409, "Suppression already exists")
    existing = {"object": "suppression", "id": made["id"], "email": "ada@example.com"}
    assert refusal["existing"] == existing
    assert account.get(f"/suppressions/{made['id']}") == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@example.com", "type": "dislike"}, "type"),
        ({"email": "a@example.com", "reason": "x" * 501}, "reason"),
        ({"email": "a@example.com", "keep_until": "2020-01-01T00:00:00Z"}, "keep_until"),
        ({"email": "a@example.com", "keep_until": "tomorrow"}, "keep_until"),
        ({"email": "a@example.com", "keep_until": True}, "keep_until"),
    ],
)
def test_what_is_refused(account: Account, body: dict[str, Any], field: str) -> None:
    refusal = refused(account.send("POST", "/suppressions", body), 400)
    assert list(refusal) == ["error", "details"]
    assert refusal["details"][0].startswith(f"{field}:")


@pytest.mark.parametrize("given", ["2091-01-01T00:00:00Z", "2091-01-01T01:00+01:00", 3818448000])
def test_one_that_ends_by_itself(account: Account, given: str | int) -> None:
    until = "2091-01-01T00:00:00Z"
    made = make(account, keep_until=given)
    place = f"/suppressions/{made['id']}"
    assert made["keep_until"] == account.get(place)["keep_until"] == until
    (listed,) = account.get("/suppressions?keep_until.after=2090-01-01")["data"]
    assert listed == made
    assert account.post(place, {"reason": "x"})["keep_until"] == until
    assert account.post(place, {"keep_until": None})["keep_until"] is None
    assert account.post(place, {"keep_until": given})["keep_until"] == until
    past = refused(account.send("POST", place, {"keep_until": "2020-01-01"}), 400)
    assert past["details"] == ["keep_until: Must lie ahead"]
    native = account.native("GET", f"/v1/suppressions/{quote('ada@example.com')}").json()["data"]
    assert native["keepUntil"] == "2091-01-01T00:00:00.000Z"


def test_mails_are_kept_back_until_it_has_ended(poster: Account) -> None:
    to = somebody()
    until = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    made = make(poster, to, keep_until=until)
    assert send(poster, to)["status"] == "suppressed"
    place = f"/suppressions/{made['id']}"
    wait_for(lambda: poster.send("GET", place).status_code == 404, "the suppression to end")
    for path in (place, f"/suppressions/{quote(to)}"):
        assert refused(poster.send("GET", path), 404) == MISSING
    assert poster.get("/suppressions")["data"] == []
    assert poster.get(f"/suppressions?email.exact={quote(to)}")["data"] == []
    await_status(poster, send(poster, to)["id"], "delivered")
    again = make(poster, to)
    assert (again["id"] != made["id"], again["keep_until"]) == (True, None)


def test_what_is_no_json(account: Account) -> None:
    refusal = refused(account.send("POST", "/suppressions", b"{"), 400)
    assert (refusal["statusCode"], refusal["error"]) == (400, "Bad Request")


def test_only_a_full_key_manages_them(account: Account) -> None:
    for scope in ("sending", "events"):
        key = account.make_key(scope=scope).secret
        refusal = refused(account.send("GET", "/suppressions", key=key), 403)
        assert (refusal["statusCode"], refusal["error"]) == (403, "Forbidden")


def test_pages_and_filters(account: Account) -> None:
    addresses = [f"user{number}@example.com" for number in range(5)]
    kinds = ["bounce", "complaint", "bounce", "unsubscribe", "recipient"]
    for address, kind in zip(addresses, kinds, strict=True):
        make(account, address, type=kind)
    pages = [account.get("/suppressions?limit=2")]
    while pages[-1]["next_page_url"]:
        pages.append(account.get(pages[-1]["next_page_url"]))
    assert [one["email"] for page in pages for one in page["data"]] == addresses[::-1]
    bounced = account.get("/suppressions?type.exact=bounce&limit=1")
    assert [one["email"] for one in bounced["data"]] == ["user2@example.com"]
    rest = account.get(bounced["next_page_url"])
    assert [one["email"] for one in rest["data"]] == ["user0@example.com"]
    assert rest["next_page_url"] is None
    ordered = account.get("/suppressions?order=type&search=user")["data"]
    assert [one["type"] for one in ordered] == sorted(kinds)
    refused(account.send("GET", "/suppressions?limit=101"), 400)


def test_a_change_is_an_event(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver, events=["suppression.updated", "suppression.deleted"])
    made = make(reached)
    place = f"/suppressions/{made['id']}"
    changed = reached.post(place, {"reason": "Asked us"})
    reached.send("DELETE", place)
    told = it.await_types("suppression.updated", "suppression.deleted")
    assert [one["data"]["object"] for one in told] == [changed, changed]


def test_they_are_those_of_the_account(account: Account) -> None:
    """One that is made natively is one here, and the other way round."""
    made = make(account)
    url = f"{account.server.address}/v1/suppressions"
    native = data_of(account.send("GET", f"{url}/ada%40example.com"))["data"]
    assert native["id"] == made["id"].replace("sup_", "suppression_")
    data_of(account.send("POST", url, {"email": "bob@example.com"}), 201)
    assert account.get("/suppressions/bob%40example.com")["type"] == "recipient"
