"""Events: what has happened, and what is told with Emailit's API."""

import re
from typing import Any

import httpx2
import msgspec
import pytest
from emailit import InvalidRequestException  # type: ignore[import-untyped] # it comes without types

from gatepost.base.errors import AppError, Code
from gatepost.dialects.emailit import lists
from gatepost.dialects.emailit.lists import Asked
from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import happen, hook
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused
from tests.server import Server, unique

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MISSING = {"statusCode": 404, "error": "Not Found", "message": "Event not found"}


def types(page: dict[str, Any]) -> list[str]:
    return [one["type"] for one in page["data"]]


def test_an_event_of_ones_own(account: Account, sdk: Any) -> None:
    made = account.post(
        "/events",
        {
            "type": "c:signup",
            "email": "Ada@Example.com",
            "properties": {"plan": "pro", "seats": [1, {"x": None}]},
            "occurred_at": "2026-01-15T10:30:00+01:00",
            "colour": "red",
        },
        201,
    )
    assert list(made) == ["object", "id", "type", "data", "created_at"]
    assert (made["object"], made["type"]) == ("event", "c:signup")
    assert re.fullmatch(r"evt_[0-9a-f]{32}", made["id"])
    assert MOMENT.fullmatch(made["created_at"])
    assert made["data"]["object"] == {
        "object": "custom_event",
        "email": "ada@example.com",
        "contact_id": None,
        "properties": {"plan": "pro", "seats": [1, {"x": None}]},
        "occurred_at": "2026-01-15T09:30:00.000000Z",
    }
    found = sdk.events.get(made["id"])
    assert (found.type, found.data["object"]["email"]) == ("c:signup", "ada@example.com")
    (listed,) = sdk.events.list({"type": "c:signup"})
    assert (listed.id, listed.data) == (made["id"], None)
    (whole,) = sdk.events.list({"type": "c:signup", "include_data": True})
    assert whole.data == made["data"]


def test_one_of_a_contact(account: Account, stranger: Account) -> None:
    contact = account.post("/contacts", {"email": "ada@example.com"}, 201)
    body = {"type": "c:signup", "contact_id": contact["id"]}
    what = account.post("/events", body, 201)["data"]["object"]
    assert (what["email"], what["contact_id"]) == ("ada@example.com", contact["id"])
    refusal = refused(stranger.send("POST", "/events", body), 404)
    assert refusal["message"] == "Contact not found"
    assert stranger.get("/events")["data"] == []


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"type": "signup"}, "type"),
        ({"type": "c:"}, "type"),
        ({"type": "c:" + "x" * 101}, "type"),
        ({"type": "c:no blanks"}, "type"),
        ({"type": "email.delivered"}, "type"),
        ({"email": "nobody"}, "email"),
        ({"email": None}, "email"),
        ({"contact_id": "7"}, "contact_id"),
        ({"properties": []}, "properties"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "1815-12-10T00:00:00Z"}, "occurred_at"),
    ],
)
def test_what_is_no_event(account: Account, more: dict[str, Any], detail: str) -> None:
    body = {"type": "c:signup", "email": "ada@example.com"} | more
    refusal = refused(account.send("POST", "/events", body), 400)
    assert refusal["details"][0].startswith(f"{detail}:")
    assert account.get("/events")["data"] == []


def test_the_longest_name(account: Account) -> None:
    name = "w:" + "aB9._-" * 16 + "abcd"
    assert len(name) == 102
    made = account.post("/events", {"type": name}, 201)
    assert account.get(f"/events?type={name}")["data"][0]["id"] == made["id"]


def test_one_that_is_too_large(account: Account) -> None:
    body = {"type": "w:visit", "properties": {"x": "y" * 300_000}}
    assert refused(account.send("POST", "/events", body), 413)["statusCode"] == 413


def test_several_at_once(account: Account) -> None:
    events = [
        {"type": "c:signup", "email": "ada@example.com"},
        {"type": "signup"},
        {"type": "w:visit"},
        {"type": "c:leave"},
        {"type": "c:leave", "contact_id": f"con_{NOWHERE}"},
        7,
    ]
    found = account.post("/events/batch", {"events": events})
    assert (found["accepted"], found["rejected"]) == (2, 4)
    assert [one["status"] for one in found["data"]] == [201, 400, 201, 400, 400, 400]
    assert found["data"][1]["details"][0].startswith("type:")
    assert found["data"][3]["details"] == ["email: Give email or contact_id"]
    assert found["data"][4]["error"] == "Contact not found"
    for one in found["data"]:
        assert ("id" in one) is (one["status"] == 201)
    kept = [one["id"] for one in found["data"] if "id" in one]
    assert [one["id"] for one in account.get("/events")["data"]] == kept[::-1]
    assert account.post("/events/batch", [{"type": "w:again"}])["accepted"] == 1


@pytest.mark.parametrize("body", [[], {}, {"events": []}, {"events": 7}, b"", b"[", 7])
def test_what_is_no_batch(account: Account, body: Any) -> None:
    refused(account.send("POST", "/events/batch", body), 400)


def test_a_batch_has_a_hundred_at_most(account: Account) -> None:
    batch = [{"type": f"w:number-{number}"} for number in range(101)]
    refused(account.send("POST", "/events/batch", batch), 400)
    assert account.get("/events")["data"] == []
    assert account.post("/events/batch", batch[:100])["accepted"] == 100
    page = account.get("/events")
    assert (len(page["data"]), page["next_page_url"]) == (100, None)


def test_pages_lead_on_newest_first(account: Account) -> None:
    names = [f"c:number-{number}" for number in range(7)]
    for name in names:
        happen(account, name)
        happen(account, "w:between")
    wanted = ",".join(names)
    pages = [account.get(f"/events?limit=3&type={wanted}")]
    while pages[-1]["next_page_url"]:
        pages.append(account.get(pages[-1]["next_page_url"]))
    assert [one for page in pages for one in types(page)] == names[::-1]
    assert [len(page["data"]) for page in pages] == [3, 3, 1]
    assert types(account.get(pages[2]["previous_page_url"])) == types(pages[1])


def test_filters(account: Account) -> None:
    first, second, third = (happen(account, name) for name in ("c:one", "w:two", "c:three"))
    assert types(account.get("/events?type.starts_with=c:")) == ["c:three", "c:one"]
    assert types(account.get("/events?type=w:two,c:one")) == ["w:two", "c:one"]
    assert types(account.get("/events?type=two")) == []
    assert types(account.get("/events?order=type")) == ["c:one", "c:three", "w:two"]
    at = second["created_at"]
    assert types(account.get(f"/events?created_at.lte={at}"))[-1] == "c:one"
    assert "c:three" in types(account.get(f"/events?created_at.gte={at}"))
    if first["created_at"] < at < third["created_at"]:
        assert types(account.get(f"/events?created_at.before={at}")) == ["c:one"]
        assert types(account.get(f"/events?created_at.after={at}")) == ["c:three"]
    for wrong in ("limit=0", "limit=101", "include_data=maybe", "created_at.before=soon"):
        refused(account.send("GET", f"/events?{wrong}"), 400)
    many = ",".join(f"c:{number}" for number in range(21))
    refused(account.send("GET", f"/events?type={many}"), 400)


def test_events_of_others_are_not_found(account: Account, stranger: Account) -> None:
    made = happen(account)
    native = {"channelName": "orders", "title": "c:signup"}
    other = data_of(account.send("POST", f"{account.server.address}/v1/events", native), 201)
    here = other["data"]["id"].replace("event_", "evt_")
    assert refused(account.send("GET", f"/events/{here}"), 404) == MISSING
    for which in (made["id"], f"evt_{NOWHERE}", "7", "evt_x"):
        assert refused(stranger.send("GET", f"/events/{which}"), 404) == MISSING
    with pytest.raises(InvalidRequestException, match="Event not found"):
        stranger.sdk().events.get(made["id"])
    assert types(account.get("/events")) == ["c:signup"]


def test_what_keys_may_do(account: Account) -> None:
    telling, sending = (account.make_key(scope=one).secret for one in ("events", "sending"))
    body = {"type": "w:visit"}
    data_of(account.send("POST", "/events", body, key=telling), 201)
    data_of(account.send("POST", "/events/batch", [body], key=telling))
    refused(account.send("GET", "/events", key=telling), 403)
    for method, path in (("POST", "/events"), ("POST", "/events/batch"), ("GET", "/events")):
        assert refused(account.send(method, path, body, key=sending), 403)["statusCode"] == 403


def test_they_are_events_of_the_project(account: Account) -> None:
    """What was told here is found natively too: in a channel, and under a person's address."""
    made = happen(account, "c:signup", email="Ada@Example.com")
    answer = account.send(
        "GET", f"{account.server.address}/v1/events?channel=emailit&userId=ada%40example.com"
    )
    (found,) = data_of(answer)["data"]["events"]
    assert found["id"] == made["id"].replace("evt_", "event_")
    assert (found["title"], found["source"]) == ("c:signup", "emailit")


def test_they_count_against_the_quota(server: Server, http: httpx2.Client) -> None:
    plan = unique("few")
    server.cli("plan", "set", plan, "--quota", "events=3:event:month")
    account = Account(server, http, plan=plan)
    batch = [{"type": "w:one"}, {"type": "nothing"}, {"type": "w:two"}]
    assert account.post("/events/batch", batch)["accepted"] == 2
    body = {"type": "c:x", "contact_id": f"con_{NOWHERE}"}
    refused(account.send("POST", "/events", body), 404)
    happen(account)
    refusal = refused(account.send("POST", "/events", {"type": "w:four"}), 429)
    assert refusal["limit"] == 3


def test_one_of_long_ago_is_told_all_the_same(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver)
    happen(reached, "c:born", occurred_at="1985-12-10T00:00:00Z")
    (told,) = it.await_types("c:born")
    assert told["data"]["object"]["occurred_at"] == "1985-12-10T00:00:00.000000Z"


def test_no_page_takes_too_long_to_find() -> None:
    """What is looked through for it is bounded, and more than that is refused, not left out."""
    asked = Asked(path="/v2/events", page=2, limit=2)
    show = lambda number: {"even": number % 2 == 0}  # noqa: E731 # it is a table
    even = msgspec.structs.replace(asked, tests=(lists.Test("even", "exact", "true"),))
    assert lists.cut(range(100), asked, show, 5) == ([2, 3], True)
    assert lists.cut(range(100), even, show, 9) == ([4, 6], True)
    assert lists.cut(range(7), even, show, 8) == ([4, 6], False)
    for scanned_max, wanted in ((4, asked), (8, even)):
        with pytest.raises(AppError) as refusal:
            lists.cut(range(100), wanted, show, scanned_max)
        assert refusal.value.code is Code.RANGE_TOO_LARGE
