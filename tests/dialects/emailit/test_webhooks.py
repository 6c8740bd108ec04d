"""Webhooks: managed by Emailit's own client, read by its own verifier, at real receivers."""

import json
import re
import time
from typing import Any

import pytest
from emailit import (  # type: ignore[import-untyped] # it comes without types
    ApiErrorException,
    WebhookSignature,
)
from emailit.events import (  # type: ignore[import-untyped] # the same
    EmailAccepted,
    EmailDelivered,
    SuppressionCreated,
    TemplateCreated,
)

from tests.delivery.receiver import Receiver, answers, in_turn, stalls, waits
from tests.dialects.emailit.hooks import happen, hook, verified
from tests.dialects.emailit.mails import send, somebody
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused
from tests.server import unique
from tests.waiting import wait_for

MEMBERS = [
    "object",
    "id",
    "name",
    "url",
    "all_events",
    "enabled",
    "events",
    "payload_format",
    "filter",
    "last_used_at",
    "created_at",
    "updated_at",
]
MISSING = {"statusCode": 404, "error": "Not Found", "message": "Webhook not found"}


def test_a_whole_life(account: Account, sdk: Any) -> None:
    made = sdk.webhooks.create(
        {
            "name": "My Webhook",
            "url": "https://example.com/hook",
            "all_events": True,
            "enabled": True,
        }
    )
    shown = account.get(f"/webhooks/{made.id}")
    assert list(shown) == MEMBERS
    assert re.fullmatch(r"whsec_[0-9a-f]{64}", made.secret)
    assert shown == {name: made[name] for name in MEMBERS}
    assert (made.object, made.events, made.last_used_at) == ("webhook", [], None)
    assert made.payload_format == "object"
    assert sdk.webhooks.get("My Webhook").id == made.id
    (listed,) = sdk.webhooks.list().data
    assert (listed.id, listed.object) == (made.id, "webhook")
    changed = sdk.webhooks.update("My Webhook", {"enabled": False, "events": ["email.bounced"]})
    told = (changed.enabled, changed.all_events, changed.events)
    assert told == (False, False, ["email.bounced"])
    assert account.post(f"/webhooks/{made.id}/enable")["enabled"]
    assert not account.post(f"/webhooks/{made.id}/disable")["enabled"]
    gone = sdk.webhooks.delete(made.id)
    assert (gone.id, gone.name, gone.deleted) == (made.id, "My Webhook", True)
    assert refused(account.send("GET", f"/webhooks/{made.id}"), 404) == MISSING


def test_the_secret_is_shown_once(account: Account) -> None:
    made = account.post("/webhooks", a_webhook(), 201)
    place = f"/webhooks/{made['id']}"
    answers_ = [
        account.send("GET", place),
        account.send("GET", "/webhooks"),
        account.send("POST", place, {"name": unique("hook")}),
        account.send("POST", f"{place}/disable"),
        account.send("POST", "/webhooks", a_webhook(name=made["name"])),
        account.send("DELETE", place),
    ]
    assert [one.status_code for one in answers_] == [200, 200, 200, 200, 201, 200]
    assert all(made["secret"] not in one.text for one in answers_)
    assert made["secret"] not in account.server.output()


def a_webhook(**more: Any) -> dict[str, Any]:
    return {
        "name": unique("hook"),
        "url": "https://example.com/hook",
        "events": ["email.delivered"],
    } | more


def test_a_name_is_taken_once(account: Account) -> None:
    made = account.post("/webhooks", a_webhook(name="Mine"), 201)
    taken = refused(account.send("POST", "/webhooks", a_webhook(name="Mine")), 409)
    assert taken == {
        "statusCode": 409,
        "error": "Conflict",
        "message": "Webhook already exists",
        "existing": {"object": "webhook", "id": made["id"], "name": "Mine"},
    }
    other = account.post("/webhooks", a_webhook(), 201)
    clash = refused(account.send("POST", f"/webhooks/{other['id']}", {"name": "Mine"}), 409)
    assert (clash["message"], "existing" in clash) == ("Webhook name already exists", False)
    assert account.post("/webhooks/Mine", {"name": "Mine"})["id"] == made["id"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": ""}, "name"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://example.com/hook"}, "url"),
        ({"url": "https://127.0.0.1/hook"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["delivered"]}, "events.0"),
        ({"events": ["c:no blanks"]}, "events.0"),
        ({"payload_format": "xml"}, "payload_format"),
        ({"filter": [{"field": "subject"}]}, "filter"),
        ({"filter": {"match": "some", "rules": []}}, "filter.match"),
        ({"filter": {"rules": [{"field": "to", "operator": "like"}]}}, "filter.rules.0.operator"),
        ({"filter": {"rules": [{"field": "to", "operator": "equals"}]}}, "filter.rules.0.value"),
        (
            {"filter": {"rules": [{"field": "to", "operator": "in", "value": "a"}]}},
            "filter.rules.0.value",
        ),
        (
            {"filter": {"rules": [{"field": "a..b", "operator": "is_set"}]}},
            "filter.rules.0.field",
        ),
        ({"filter": {"rules": [{"field": "to", "operator": "is_set"}] * 26}}, "filter.rules"),
    ],
)
def test_what_is_refused(account: Account, more: dict[str, Any], field: str) -> None:
    refusal = refused(account.send("POST", "/webhooks", a_webhook(**more)), 400)
    assert refusal["statusCode"] == 400
    assert refusal["details"][0].startswith(f"{field}:")
    made = account.post("/webhooks", a_webhook(), 201)
    changed = account.send("POST", f"/webhooks/{made['id']}", more)
    assert refused(changed, 400)["details"][0].startswith(f"{field}:")


def test_one_that_was_told_everything_needs_events(account: Account) -> None:
    made = account.post("/webhooks", a_webhook(all_events=True), 201)
    assert (made["all_events"], made["events"]) == (True, [])
    place = f"/webhooks/{made['id']}"
    refused(account.send("POST", place, {"all_events": False}), 400)
    changed = account.post(place, {"all_events": False, "events": ["c:*", "email.failed"]})
    assert (changed["all_events"], changed["events"]) == (False, ["c:*", "email.failed"])
    assert account.post(place, {"all_events": True})["events"] == []


def test_others_have_none_of_it(account: Account, stranger: Account) -> None:
    made = account.post("/webhooks", a_webhook(name="Mine"), 201)
    for which in (made["id"], "Mine", f"wh_{NOWHERE}", "7"):
        for method, tail in EVERYWHERE:
            body = {"enabled": False} if (method, tail) == ("POST", "") else None
            answer = stranger.send(method, f"/webhooks/{which}{tail}", body)
            assert refused(answer, 404) == MISSING
    assert stranger.get("/webhooks")["data"] == []
    assert account.get("/webhooks/Mine")["enabled"]


EVERYWHERE = [
    ("GET", ""),
    ("POST", ""),
    ("DELETE", ""),
    ("POST", "/enable"),
    ("POST", "/disable"),
    ("POST", "/reset-secret"),
    ("POST", "/test"),
    ("POST", "/retry-failed"),
    ("GET", "/requests"),
    ("POST", f"/requests/whr_{NOWHERE}/retry"),
]


def test_only_a_full_key_manages_them(account: Account) -> None:
    for scope in ("sending", "events"):
        key = account.make_key(scope=scope).secret
        for method, path in (("GET", "/webhooks"), ("POST", "/webhooks")):
            refusal = refused(account.send(method, path, a_webhook(), key=key), 403)
            assert refusal["error"] == "Forbidden"


def test_pages_and_filters(account: Account) -> None:
    names = [account.post("/webhooks", a_webhook(), 201)["name"] for _ in range(3)]
    first = account.get("/webhooks?limit=2")
    assert [one["name"] for one in first["data"]] == names[:0:-1]
    rest = account.get(first["next_page_url"])
    assert ([one["name"] for one in rest["data"]], rest["next_page_url"]) == (names[:1], None)
    (found,) = account.get(f"/webhooks?name.exact={names[1]}")["data"]
    assert found["name"] == names[1]
    for wrong in ("limit=0", "limit=101", "page=0", "page=x"):
        refused(account.send("GET", f"/webhooks?{wrong}"), 400)


def test_emailits_own_verifier_reads_what_comes(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver)
    told = happen(reached, "c:signup", properties={"plan": "pro"})
    reached.post("/suppressions", {"email": "bob@example.com"}, 201)
    it.await_types("c:signup", "suppression.created")
    custom, suppressed = (verified(one, it.secret) for one in it.got())
    assert (custom.type, custom.event_id) == ("c:signup", told["id"])
    assert custom.get_event_data()["properties"] == {"plan": "pro"}
    assert isinstance(suppressed, SuppressionCreated)
    assert suppressed.get_event_data()["email"] == "bob@example.com"
    body = json.loads(it.got()[0].body)
    assert body["object"] == body["data"]["object"]
    got = it.got()[0]
    assert got.header("Content-Type") == "application/json"
    assert got.header("User-Agent") == "Emailit-Webhooks/2.0"
    stamp = got.header("X-Emailit-Timestamp")
    assert stamp is not None
    assert abs(int(stamp) - time.time()) < 60
    signature = got.header("X-Emailit-Signature")
    with pytest.raises(ApiErrorException, match="verification failed"):
        WebhookSignature.verify(got.body.decode() + " ", signature, stamp, it.secret)


def test_an_array_is_signed_as_it_is_sent(reached: Account, receiver: Receiver) -> None:
    """Emailit's verifier reads objects alone, so it is given the one that the array holds."""
    it = hook(reached, receiver, payload_format="array")
    assert it.shown()["payload_format"] == "array"
    reached.post("/templates", {"name": "Welcome", "html": "Hi"}, 201)
    got = receiver.one(it.path)
    signature, stamp = (got.header(f"X-Emailit-{one}") for one in ("Signature", "Timestamp"))
    text = got.body.decode()
    assert WebhookSignature.compute_signature(text, stamp, it.secret) == signature
    (told,) = json.loads(text)
    again = json.dumps(told)
    own = WebhookSignature.compute_signature(again, stamp, it.secret)
    assert isinstance(WebhookSignature.verify(again, own, stamp, it.secret), TemplateCreated)
    changed = reached.post(it.place, {"payload_format": "object"})
    assert changed["payload_format"] == "object"
    happen(reached, "w:visit")
    assert verified(receiver.wait(it.path, 2)[1], it.secret).type == "w:visit"


def test_what_becomes_of_an_e_mail(poster: Account, receiver: Receiver) -> None:
    it = hook(poster, receiver, events=["email.accepted", "email.delivered"])
    to = somebody()
    email = send(poster, to, meta={"order": "4711"})
    it.await_types("email.accepted", "email.delivered")
    first, second = (verified(one, it.secret) for one in it.got())
    assert (type(first), type(second)) == (EmailAccepted, EmailDelivered)
    data = second.get_event_data()
    assert (data["id"], data["to"], data["status"]) == (email["id"], to, "delivered")
    assert (data["object"], data["subject"], data["meta"]) == ("email", "Hello", {"order": "4711"})
    assert poster.sdk().events.get(second.event_id).type == "email.delivered"


def test_it_is_told_of_what_it_names(reached: Account, receiver: Receiver) -> None:
    everything = hook(reached, receiver)
    some = hook(reached, receiver, events=["c:*", "w:visit", "suppression.deleted"])
    for type_ in ("c:signup", "w:visit", "w:visits", "c:leave"):
        happen(reached, type_)
    made = reached.post("/suppressions", {"email": "bob@example.com"}, 201)
    reached.send("DELETE", f"/suppressions/{made['id']}")
    everything.await_types(
        "c:signup", "w:visit", "w:visits", "c:leave", "suppression.created", "suppression.deleted"
    )
    some.await_types("c:signup", "w:visit", "c:leave", "suppression.deleted")
    assert everything.shown()["last_used_at"]


def test_events_of_other_channels_are_nothing_to_it(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver)
    native = {"channelName": "orders", "title": "c:signup"}
    url = f"{reached.server.address}/v1/events"
    data_of(reached.send("POST", url, native), 201)
    happen(reached, "c:leave")
    it.await_types("c:leave")


def test_one_request_at_a_time_oldest_first(reached: Account, receiver: Receiver) -> None:
    underway: list[int] = []
    most: list[int] = []

    async def slowly(exchange: Any) -> None:
        underway.append(1)
        most.append(len(underway))
        await waits(0.05, answers(200))(exchange)
        underway.pop()

    it = hook(reached, receiver, slowly)
    names = [f"c:number-{number}" for number in range(8)]
    for name in names:
        happen(reached, name)
    it.await_types(*names)
    assert it.types() == names
    assert max(most) == 1


def test_a_dead_one_delays_no_other(reached: Account, receiver: Receiver) -> None:
    dead = hook(reached, receiver, stalls)
    alive = hook(reached, receiver)
    names = [f"c:number-{number}" for number in range(5)]
    for name in names:
        happen(reached, name)
    alive.await_types(*names)
    assert sorted(alive.types()) == names
    assert len(dead.got()) == 1
    alive.await_requests(*["delivered"] * 5)
    assert {one["status"] for one in dead.requests()} == {"pending"}


def test_another_secret_ends_the_former_at_once(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver)
    again = it.post("reset-secret")
    assert list(again) == [*MEMBERS, "secret"]
    assert again["secret"] != it.secret
    happen(reached)
    got = receiver.one(it.path)
    assert verified(got, again["secret"]).type == "c:signup"
    with pytest.raises(ApiErrorException):
        verified(got, it.secret)
    assert len(str(got.header("webhook-signature")).split(" ")) == 1


def test_an_example_is_sent_to_a_disabled_one_too(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver, events=["c:*", "domain.updated"], enabled=False)
    assert not it.shown()["enabled"]
    happen(reached, "c:nobody")
    sent = it.post("test")
    assert (sent["object"], sent["type"], sent["webhook_id"]) == (
        "webhook_request",
        "domain.updated",
        it.id,
    )
    event = verified(receiver.one(it.path), it.secret)
    assert (event.type, event.test) == ("domain.updated", True)
    (request,) = it.await_requests("delivered")
    assert (request["id"], request["response_status"]) == (sent["id"], 200)
    assert it.types() == ["domain.updated"]


def test_five_examples_a_minute(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver)
    for which in (it.id, it.made["name"], it.id, it.id, it.id):
        data_of(reached.send("POST", f"/webhooks/{which}/test"))
    answer = reached.send("POST", f"{it.place}/test")
    refusal = refused(answer, 429)
    assert (refusal["error"], refusal["limit"]) == ("Rate limit exceeded", 5)
    assert 0 < refusal["retry_after"] <= 60
    assert int(answer.headers["retry-after"]) == refusal["retry_after"]
    other = hook(reached, receiver)
    assert other.post("test")["status"] == "pending"
    assert verified(receiver.one(other.path), other.secret).type == "email.delivered"


def test_what_failed_is_sent_once_more(reached: Account, receiver: Receiver) -> None:
    """It is not waited for its next try, in five minutes: somebody sends it now."""
    it = hook(reached, receiver, in_turn(answers(500), answers(200)))
    happen(reached)

    def tried() -> dict[str, Any] | None:
        return next((one for one in it.requests() if one["attempts"]), None)

    pending = wait_for(tried, "the first try")
    told = (pending["status"], pending["response_status"], pending["type"])
    assert told == ("pending", 500, "c:signup")
    assert pending["next_attempt_at"] > pending["created_at"]
    again = it.post(f"requests/{pending['id']}/retry")
    assert again["id"] == pending["id"]
    (done,) = it.await_requests("delivered")
    assert (done["next_attempt_at"], done["error"]) == (None, None)
    first, second = it.got()
    assert first.body == second.body
    assert verified(second, it.secret).event_id == done["event_id"]


def test_all_that_failed_is_sent_once_more(reached: Account, receiver: Receiver) -> None:
    it = hook(reached, receiver, in_turn(answers(410), answers(200)))
    happen(reached, "c:one")
    it.await_requests("failed")
    wait_for(lambda: not it.shown()["enabled"], "its end")
    happen(reached, "c:two")
    it.await_requests("failed", "failed")
    assert it.post("enable")["enabled"]
    done = it.post("retry-failed")
    assert (done["id"], done["retried"], done["more"]) == (it.id, 2, False)
    it.await_requests("delivered", "delivered")
    assert it.types() == ["c:one", "c:one", "c:two"]
    assert it.post("retry-failed")["retried"] == 0


def test_requests_of_another_webhook(reached: Account, receiver: Receiver) -> None:
    it, other = hook(reached, receiver), hook(reached, receiver, events=["w:*"])
    happen(reached)
    (mine,) = it.await_requests("delivered")
    for which in (mine["id"], f"whr_{NOWHERE}", "7"):
        answer = reached.send("POST", f"{other.place}/requests/{which}/retry")
        assert refused(answer, 404)["message"] == "Webhook request not found"
    assert other.requests() == []
    for number in range(3):
        happen(reached, f"c:number-{number}")
    it.await_requests(*["delivered"] * 4)
    page = reached.get(f"{it.place}/requests?limit=2&type.starts_with=c:number")
    assert [one["type"] for one in page["data"]] == ["c:number-2", "c:number-1"]
    rest = reached.get(page["next_page_url"])
    assert [one["type"] for one in rest["data"]] == ["c:number-0"]
    assert it.id in page["next_page_url"]
