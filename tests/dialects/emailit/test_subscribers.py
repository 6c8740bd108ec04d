"""Subscribers as Emailit has them, over the wire and by its own client."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from emailit.exceptions import ApiErrorException  # type: ignore[import-untyped] # it has no types

from gatepost.domains.contacts.model import MEMBERSHIPS_MAX
from tests.delivery.receiver import Receiver
from tests.dialects.emailit.hooks import hook
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused, without_id

MISSING = {"statusCode": 404, "error": "Not Found", "message": "Subscriber not found"}
MEMBERS = [
    "object",
    "id",
    "audience_id",
    "contact_id",
    "email",
    "first_name",
    "last_name",
    "custom_fields",
    "subscribed",
    "subscribed_at",
    "unsubscribed_at",
    "created_at",
    "updated_at",
]


def audience(account: Account, name: str = "News") -> dict[str, Any]:
    return dict(account.post("/audiences", {"name": name}, 201))


def add(account: Account, which: str, email: str, **more: Any) -> dict[str, Any]:
    body = {"email": email, **more}
    return dict(account.post(f"/audiences/{which}/subscribers", body, 201))


def test_a_whole_life(account: Account) -> None:
    news = audience(account)
    path = f"/audiences/{news['id']}/subscribers"
    made = add(account, news["id"], "Ada@Example.com", first_name="Ada", custom_fields={"a": 1})
    assert list(made) == MEMBERS
    assert (made["object"], made["audience_id"]) == ("subscriber", news["id"])
    assert (made["email"], made["first_name"], made["custom_fields"]) == (
        "ada@example.com",
        "Ada",
        {"a": 1},
    )
    assert (made["subscribed"], made["subscribed_at"]) == (True, made["created_at"])
    contact = account.get(f"/contacts/{made['contact_id']}")
    assert contact["audiences"][0]["subscriber"]["id"] == made["id"]
    for which in (made["id"], made["contact_id"], "ada@example.com"):
        assert account.get(f"{path}/{which}") == made
        assert account.get(f"/audiences/News/subscribers/{which}") == made
    off = account.post(f"{path}/{made['id']}", {"subscribed": False, "last_name": "Lovelace"})
    assert (off["subscribed"], off["unsubscribed_at"]) == (False, off["updated_at"])
    assert off["subscribed_at"] == made["subscribed_at"]
    assert account.get("/contacts/ada@example.com")["last_name"] == "Lovelace"
    on = account.post(f"{path}/{made['id']}", {"subscribed": True})
    assert on["subscribed_at"] == on["updated_at"] > made["subscribed_at"]
    assert account.get(path)["data"] == [on]
    gone = data_of(account.send("DELETE", f"{path}/{made['id']}"))
    shown = {"object": "subscriber", "id": made["id"], "email": "ada@example.com"}
    assert gone == shown | {"deleted": True}
    assert refused(account.send("GET", f"{path}/{made['id']}"), 404) == MISSING
    assert account.get("/contacts/ada@example.com")["audiences"] == []
    assert account.get(f"/audiences/{news['id']}")["subscribers_count"] == 0


def test_who_is_on_it_already(account: Account) -> None:
    news = audience(account)
    made = add(account, news["id"], "ada@example.com")
    path = f"/audiences/{news['id']}/subscribers"
    clash = refused(account.send("POST", path, {"email": "ADA@example.com"}), 409)
    assert clash == {
        "statusCode": 409,
        "error": "Conflict",
        "message": "Subscriber already exists",
        "existing": made,
    }
    with ThreadPoolExecutor(8) as pool:
        body = {"email": "twin@example.com"}
        answers = pool.map(lambda _: account.send("POST", path, body).status_code, range(8))
        assert sorted(answers) == [201] + [409] * 7
    assert account.get(f"/audiences/{news['id']}")["subscribers_count"] == 2


def test_a_contact_there_is(account: Account) -> None:
    news = audience(account)
    known = {"email": "ada@example.com", "first_name": "Ada", "custom_fields": {"a": 1, "b": 1}}
    contact = account.post("/contacts", {**known, "unsubscribed": True}, 201)
    made = add(account, news["id"], "ada@example.com", last_name="L", custom_fields={"b": 2})
    assert made["contact_id"] == contact["id"]
    assert (made["first_name"], made["last_name"]) == ("Ada", "L")
    assert made["custom_fields"] == {"a": 1, "b": 2}
    assert (made["subscribed"], made["subscribed_at"]) == (False, None)
    other = audience(account, "Other")
    assert add(account, other["id"], "bob@example.com", subscribed=False)["subscribed"] is False


def test_an_address_is_changed_with_the_contact(account: Account) -> None:
    news = audience(account)
    made = add(account, news["id"], "ada@example.com")
    add(account, news["id"], "bob@example.com")
    path = f"/audiences/{news['id']}/subscribers/{made['id']}"
    refusal = refused(account.send("POST", path, {"email": "bob@example.com"}), 409)
    assert refusal["existing"]["email"] == "bob@example.com"
    assert account.post(path, {"email": "Countess@example.com"})["email"] == "countess@example.com"
    assert account.get("/contacts/countess@example.com")["id"] == made["contact_id"]


def test_lists_are_narrowed(account: Account) -> None:
    news = audience(account)
    for name in ("ann", "bob", "cid"):
        add(account, news["id"], f"{name}@example.com", subscribed=name != "bob")
    other = audience(account, "Other")
    add(account, other["id"], "dora@example.com")

    def found(query: str) -> str:
        rows = account.get(f"/audiences/{news['id']}/subscribers?{query}")["data"]
        return " ".join(one["email"].partition("@")[0] for one in rows)

    assert found("") == "cid bob ann"
    assert found("subscribed=true") == found("subscribed=True") == "cid ann"
    assert found("subscribed.exact=false") == found("unsubscribed_at.not_empty=") == "bob"
    assert found("email.starts_with=A") == "ann"
    assert found("search=CID") == "cid"
    assert found("order=email&per_page=2") == "ann bob"
    assert found("page=2&limit=2") == "ann"
    second = account.get(account.get("/audiences/News/subscribers?limit=2")["next_page_url"])
    assert [one["email"] for one in second["data"]] == ["ann@example.com"]


def test_a_contact_is_on_so_many_audiences(account: Account) -> None:
    on = [audience(account, f"A {one}")["id"] for one in range(MEMBERSHIPS_MAX + 1)]
    body = {"email": "ada@example.com", "audiences": on[:-1]}
    assert len(account.post("/contacts", body, 201)["audiences"]) == MEMBERSHIPS_MAX
    path = f"/audiences/{on[-1]}/subscribers"
    full = refused(account.send("POST", path, {"email": "ada@example.com", "last_name": "L"}), 409)
    assert str(MEMBERSHIPS_MAX) in full["message"]
    assert account.get("/contacts/ada@example.com")["last_name"] is None


def test_what_is_not_found(account: Account, stranger: Account) -> None:
    news, theirs = audience(account), audience(stranger)
    other = audience(account, "Other")
    made = add(stranger, theirs["id"], "ada@example.com")
    elsewhere = add(account, other["id"], "eve@example.com")
    path = f"/audiences/{news['id']}/subscribers"
    nowhere = without_id(account.send("GET", f"{path}/sub_{NOWHERE}"))
    missing = (made["id"], made["contact_id"], "ada@example.com", "7", "sub_", elsewhere["id"])
    for which in missing:
        for method, body in (("GET", None), ("POST", {"last_name": "x"}), ("DELETE", None)):
            answer = account.send(method, f"{path}/{which}", body)
            assert refused(answer, 404) == MISSING
            assert without_id(answer) == nowhere
    assert stranger.get(f"/audiences/{theirs['id']}/subscribers/{made['id']}") == made


@pytest.mark.parametrize("body", [{}, {"email": "x"}, {"email": "a@b.example", "subscribed": 7}])
def test_what_can_be_no_subscriber(account: Account, body: Any) -> None:
    news = audience(account)
    refused(account.send("POST", f"/audiences/{news['id']}/subscribers", body), 400)
    assert account.get("/contacts")["data"] == []


def test_what_happens_is_told(reached: Account, receiver: Receiver) -> None:
    news = audience(reached)
    types = ("contact.created", "subscriber.created", "subscriber.updated", "subscriber.deleted")
    told = hook(reached, receiver, events=list(types))
    made = add(reached, news["id"], "ada@example.com")
    path = f"/audiences/{news['id']}/subscribers/{made['id']}"
    off = reached.post(path, {"subscribed": False})
    reached.post(path, {"subscribed": False})
    data_of(reached.send("DELETE", path))
    objects = {one["type"]: one["data"]["object"] for one in told.await_types(*types)}
    assert objects["subscriber.created"] == made
    assert objects["subscriber.updated"] == objects["subscriber.deleted"] == off


def test_emailits_own_client(sdk: Any) -> None:
    news = sdk.audiences.create({"name": "News"})
    made = sdk.subscribers.create(news.id, {"email": "ada@example.com", "first_name": "Ada"})
    assert (type(made).__name__, made.audience_id) == ("Subscriber", news.id)
    assert sdk.subscribers.get(news.id, made.id).email == "ada@example.com"
    off = sdk.subscribers.update(news.id, made.id, {"subscribed": False})
    assert off.subscribed is False
    assert sdk.subscribers.list(news.id, {"subscribed": True}).data == []
    assert [one.id for one in sdk.subscribers.list(news.id).data] == [made.id]
    with pytest.raises(ApiErrorException) as clash:
        sdk.subscribers.create(news.id, {"email": "ada@example.com"})
    assert clash.value.json_body["existing"]["id"] == made.id
    assert sdk.subscribers.delete(news.id, made.id).deleted is True
    with pytest.raises(ApiErrorException) as gone:
        sdk.subscribers.get(news.id, made.id)
    assert gone.value.http_status == 404


def test_who_comes_back_is_told_as_that_too(reached: Account, receiver: Receiver) -> None:
    news = audience(reached)
    types = ["subscriber.updated", "subscriber.resubscribed"]
    told = hook(reached, receiver, events=types)
    made = add(reached, news["id"], "ada@example.com")
    path = f"/audiences/{news['id']}/subscribers/{made['id']}"
    reached.post(path, {"subscribed": True})
    reached.post(path, {"subscribed": False})
    back = reached.post(path, {"subscribed": True})
    assert back["subscribed"]
    found = told.await_types("subscriber.updated", "subscriber.updated", "subscriber.resubscribed")
    (again,) = [one for one in found if one["type"] == "subscriber.resubscribed"]
    assert again["data"]["object"] == back
