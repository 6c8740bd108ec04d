"""Audiences as Emailit has them, over the wire and by its own client."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from emailit.exceptions import ApiErrorException  # type: ignore[import-untyped] # it has no types

from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import hook
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused, without_id

PATH = "/audiences"
MISSING = {"statusCode": 404, "error": "Not Found", "message": "Audience not found"}
MEMBERS = ["object", "id", "name", "token", "subscribers_count", "created_at", "updated_at"]


def make(account: Account, name: str) -> dict[str, Any]:
    return dict(account.post(PATH, {"name": name}, 201))


def test_a_whole_life(account: Account) -> None:
    made = make(account, "News & more")
    assert list(made) == MEMBERS
    assert (made["object"], made["name"]) == ("audience", "News & more")
    assert (made["subscribers_count"], made["created_at"]) == (0, made["updated_at"])
    assert len(made["token"]) >= 32
    for which in (made["id"], quote("News & more")):
        assert account.get(f"{PATH}/{which}") == made
    renamed = account.post(f"{PATH}/{made['id']}", {"name": "Weekly"})
    assert renamed == made | {"name": "Weekly", "updated_at": renamed["updated_at"]}
    assert account.post(f"{PATH}/Weekly", {"name": "Weekly"}) == renamed
    assert account.get(PATH)["data"] == [renamed]
    gone = data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    assert gone == {"object": "audience", "id": made["id"], "name": "Weekly", "deleted": True}
    for which in (made["id"], "Weekly"):
        assert refused(account.send("GET", f"{PATH}/{which}"), 404) == MISSING
    assert account.get(PATH)["data"] == []


def test_names_are_unique(account: Account, stranger: Account) -> None:
    made, other = make(account, "News"), make(account, "Other")
    clash = refused(account.send("POST", PATH, {"name": "News"}), 409)
    conflict = {"statusCode": 409, "error": "Conflict"}
    assert clash == conflict | {"message": "Audience already exists", "existing": made}
    renaming = refused(account.send("POST", f"{PATH}/{other['id']}", {"name": "News"}), 409)
    assert renaming == conflict | {"message": "Audience name already exists"}
    make(account, "news")
    make(stranger, "News")
    data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    assert make(account, "News")["id"] != made["id"]


def test_two_at_once_make_one(account: Account) -> None:
    def attempt(_number: int) -> int:
        return account.send("POST", PATH, {"name": "Twin"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [201] + [409] * 7


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "  "}, {"name": "a\nb"}, {"name": 7}])
def test_what_can_be_no_name(account: Account, body: Any) -> None:
    refused(account.send("POST", PATH, body), 400)
    made = make(account, "News")
    refused(account.send("POST", f"{PATH}/{made['id']}", body), 400)
    assert account.get(f"{PATH}/News") == made


def test_contacts_stay_when_it_goes(account: Account) -> None:
    made, other = make(account, "News"), make(account, "Other")
    body = {"email": "ada@example.com", "audiences": [made["id"], other["id"]]}
    contact = account.post("/contacts", body, 201)
    assert len(contact["audiences"]) == 2
    data_of(account.send("DELETE", f"{PATH}/{made['id']}"))
    left = account.get(f"/contacts/{contact['id']}")
    assert [one["name"] for one in left["audiences"]] == ["Other"]


def test_other_accounts_audiences_are_not_found(account: Account, stranger: Account) -> None:
    theirs = make(stranger, "Theirs")
    for which, nowhere in ((theirs["id"], f"aud_{NOWHERE}"), ("Theirs", "Nobodys")):
        for method, tail, body in (
            ("GET", "", None),
            ("POST", "", {"name": "x"}),
            ("DELETE", "", None),
            ("GET", "/subscribers", None),
            ("POST", "/subscribers", {"email": "a@example.com"}),
        ):
            here = account.send(method, f"{PATH}/{which}{tail}", body)
            there = account.send(method, f"{PATH}/{nowhere}{tail}", body)
            assert refused(here, 404) == MISSING
            assert without_id(here) == without_id(there)
    assert stranger.get(f"{PATH}/{theirs['id']}") == theirs


def test_lists_are_narrowed(account: Account) -> None:
    for name in ("Alpha", "Beta", "Gamma"):
        make(account, name)

    def names(query: str) -> list[str]:
        return [one["name"] for one in account.get(f"{PATH}?{query}")["data"]]

    assert names("") == ["Gamma", "Beta", "Alpha"]
    assert names("name.contains=ET") == ["Beta"]
    assert names("order=name&direction=asc") == ["Alpha", "Beta", "Gamma"]
    assert names("limit=1&page=2") == ["Beta"]


def test_what_happens_is_told(reached: Account, receiver: Receiver) -> None:
    told = hook(reached, receiver)
    made = make(reached, "News")
    renamed = reached.post(f"{PATH}/{made['id']}", {"name": "Weekly"})
    data_of(reached.send("DELETE", f"{PATH}/{made['id']}"))
    found = told.await_types("audience.created", "audience.updated", "audience.deleted")
    objects = {one["type"]: one["data"]["object"] for one in found}
    assert objects["audience.created"] == made
    assert objects["audience.updated"] == renamed
    assert objects["audience.deleted"]["id"] == made["id"]


def test_emailits_own_client(sdk: Any) -> None:
    made = sdk.audiences.create({"name": "News"})
    assert (type(made).__name__, made.name) == ("Audience", "News")
    assert sdk.audiences.get(made.id).token == made.token
    assert sdk.audiences.update(made.id, {"name": "Weekly"}).name == "Weekly"
    assert [one.id for one in sdk.audiences.list().data] == [made.id]
    with pytest.raises(ApiErrorException) as clash:
        sdk.audiences.create({"name": "Weekly"})
    assert clash.value.json_body["existing"]["id"] == made.id
    assert sdk.audiences.delete(made.id).deleted is True
    with pytest.raises(ApiErrorException) as gone:
        sdk.audiences.get(made.id)
    assert gone.value.http_status == 404
