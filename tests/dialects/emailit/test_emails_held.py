"""Keys on hold: their e-mails are kept, and go to nobody."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.delivery.receiver import Receiver
from tests.delivery.smtp import Mailserver
from tests.dialects.emailit.hooks import hook, verified
from tests.dialects.emailit.mails import await_status, milestones, send, shown, somebody
from tests.dialects.emailit.wire import Account
from tests.waiting import wait_for


def put(account: Account, *, held: bool) -> dict[str, Any]:
    """Put the account's key on hold, or not, by its own API."""
    answer = account.native("PATCH", f"/v1/keys/{account.key.id}", {"holdMails": held})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


@pytest.fixture
def holding(poster: Account) -> Iterator[Account]:
    """An account whose key is on hold."""
    assert put(poster, held=True)["holdMails"] is True
    yield poster
    assert put(poster, held=False)["holdMails"] is False


def test_it_is_held_and_sent_to_nobody(
    holding: Account, mailserver: Mailserver, receiver: Receiver
) -> None:
    it = hook(holding, receiver, events=["email.held"])
    one, other = somebody(), somebody()
    sent = send(holding, [one, other])
    assert sent["status"] == "held"
    for email_id in sent["ids"].values():
        assert shown(holding, email_id)["status"] == "held"
        assert milestones(holding, email_id) == ["email.accepted", "email.held"]
    listed = holding.get("/emails?status.exact=held")["data"]
    assert {found["to"] for found in listed} == {one, other}
    whole = holding.get(f"/emails/{sent['id']}")
    assert whole["error"] == "Mails of this key are held"
    it.await_types("email.held", "email.held")
    told = verified(it.got()[0], it.secret)
    assert told.get_event_data()["status"] == "held"
    assert mailserver.to(one) == mailserver.to(other) == []


def test_it_is_sent_once_more_when_the_key_is_not_on_hold_any_more(
    holding: Account, mailserver: Mailserver
) -> None:
    to = somebody()
    sent = send(holding, to)
    still = holding.post(f"/emails/{sent['id']}/retry", status=201)
    assert (still["status"], still["original_id"]) == ("held", sent["id"])
    put(holding, held=False)
    again = holding.post(f"/emails/{sent['id']}/retry", status=201)
    await_status(holding, again["id"], "delivered")
    assert shown(holding, sent["id"])["status"] == "held"
    assert len(mailserver.to(to)) == 1


def test_scheduled_ones_are_held_too_and_suppressed_ones_are_held(holding: Account) -> None:
    to = somebody()
    holding.post("/suppressions", {"email": to}, 201)
    assert send(holding, to)["status"] == "held"
    assert send(holding, to, scheduled_at="2027-01-01T00:00:00Z")["status"] == "held"


def test_mails_by_gateposts_own_api_are_held_too(holding: Account, mailserver: Mailserver) -> None:
    to = somebody()
    mail = {"to": to, "from": "hello@acme.example", "subject": "Hi", "text": "Hi"}
    answer = holding.native("POST", "/v1/messages", {"email": mail})
    assert answer.status_code == 202, answer.text
    (delivery,) = answer.json()["data"]["deliveries"]
    place = f"/v1/deliveries/{delivery['id']}"
    found = holding.native("GET", place).json()["data"]
    assert (found["state"], found["error"]) == ("failed", "Mails of this key are held")
    put(holding, held=False)
    assert holding.native("POST", f"{place}/replay").status_code == 200
    wait_for(lambda: mailserver.to(to), "the mail to be sent after all")
