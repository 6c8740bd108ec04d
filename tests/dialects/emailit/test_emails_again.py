"""E-mails that are put off, canceled, sent once more and sent on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.delivery.smtp import Mailserver, says
from tests.dialects.emailit.mails import (
    await_status,
    letter,
    milestones,
    send,
    shown,
    somebody,
)
from tests.dialects.emailit.wire import NOWHERE, Account, refused
from tests.server import unique


def moment(**more: float) -> datetime:
    """So long from now, in whole seconds."""
    return (datetime.now(UTC) + timedelta(**more)).replace(microsecond=0)


def written(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "000Z")


def again(account: Account, email_id: str, verb: str, body: Any = None) -> Any:
    return account.send("POST", f"/emails/{email_id}{verb}", body)


def failed(account: Account, mailserver: Mailserver, **more: Any) -> tuple[str, dict[str, Any]]:
    """An e-mail that a server does not want, and whom it was to."""
    to = somebody()
    mailserver.does[to] = says("554 5.7.1 No", None)
    sent = send(account, to, **more)
    await_status(account, sent["id"], "failed")
    return to, sent


def test_one_that_is_scheduled_is_put_off_and_sent_in_its_time(
    poster: Account, mailserver: Mailserver
) -> None:
    to, at, client = somebody(), moment(hours=1), poster.sdk()
    sent = client.emails.send(letter(to, scheduled_at=at.isoformat()))
    assert (sent.status, sent.scheduled_at) == ("scheduled", written(at))
    late = moment(hours=2)
    changed = client.emails.update(sent.id, {"scheduled_at": late.isoformat()})
    assert (changed.status, changed.scheduled_at) == ("scheduled", written(late))
    assert shown(poster, sent.id)["scheduled_at"] == written(late)
    soon = moment(seconds=2)
    client.emails.update(sent.id, {"scheduled_at": soon.timestamp()})
    assert mailserver.to(to) == []
    mailserver.one(to)
    found = await_status(poster, sent.id, "delivered")
    assert datetime.fromisoformat(found["updated_at"]) >= soon - timedelta(milliseconds=1)
    told = ["email.scheduled"] * 3 + ["email.delivered"]
    assert milestones(poster, sent.id) == told


@pytest.mark.parametrize("unit", [1, 1000])
def test_unix_moments(account: Account, unit: int) -> None:
    at = int(moment(days=2).timestamp())
    for given in (at * unit, str(at * unit)):
        sent = send(account, somebody(), scheduled_at=given)
        assert sent["scheduled_at"] == written(datetime.fromtimestamp(at, UTC))


def test_what_is_due_soon_is_left_alone(account: Account) -> None:
    sent = send(account, somebody(), scheduled_at=moment(seconds=150).isoformat())
    why = "It is due in less than 3 minutes"
    answer = again(account, sent["id"], "", {"scheduled_at": moment(hours=1).isoformat()})
    assert refused(answer, 409) == {"error": "Email cannot be updated", "message": why}
    answer = again(account, sent["id"], "/cancel")
    assert refused(answer, 409) == {"error": "Email cannot be canceled", "message": why}


@pytest.mark.parametrize("given", ["soon", 5, None, {}, "2020-01-01"])
def test_another_moment_lies_ahead(account: Account, given: Any) -> None:
    sent = send(account, somebody(), scheduled_at=moment(hours=1).isoformat())
    found = refused(again(account, sent["id"], "", {"scheduled_at": given}), 400)
    assert found["error"] == "Validation failed"
    assert shown(account, sent["id"])["scheduled_at"] == sent["scheduled_at"]


def test_one_that_is_canceled_is_never_sent(poster: Account, mailserver: Mailserver) -> None:
    to = somebody()
    sent = poster.sdk().emails.send(letter(to, scheduled_at=moment(hours=1).isoformat()))
    done = poster.sdk().emails.cancel(sent.id)
    assert (done.id, done.status) == (sent.id, "canceled")
    assert shown(poster, sent.id)["status"] == "canceled"
    for verb, words in (("cancel", "canceled"), ("retry", "retried")):
        found = refused(again(poster, sent.id, f"/{verb}"), 409)
        assert found == {"error": f"Email cannot be {words}", "message": "It is canceled"}
    assert milestones(poster, sent.id) == ["email.scheduled", "email.canceled"]
    assert mailserver.to(to) == []


def test_one_that_is_to_be_tried_again_is_canceled(poster: Account, mailserver: Mailserver) -> None:
    to = somebody()
    mailserver.does[to] = says("451 4.3.0 Later")
    sent = send(poster, to)
    await_status(poster, sent["id"], "attempted")
    assert poster.post(f"/emails/{sent['id']}/cancel")["status"] == "canceled"


def test_one_that_has_arrived_stays_as_it_is(poster: Account) -> None:
    sent = send(poster, somebody())
    await_status(poster, sent["id"], "delivered")
    body = {"scheduled_at": moment(hours=1).isoformat()}
    for verb, given in (("", body), ("/cancel", None), ("/retry", None)):
        found = refused(again(poster, sent["id"], verb, given), 409)
        assert found["message"].startswith("It is delivered")


def test_one_that_has_failed_is_sent_once_more_as_it_was(
    poster: Account, mailserver: Mailserver
) -> None:
    other = somebody("other")
    files = [{"filename": "a.bin", "content": "AAEC", "content_type": "application/x-a"}]
    to, sent = failed(
        poster, mailserver, cc=other, meta={"a": "b"}, attachments=files, headers={"X-A": "1"}
    )
    mailserver.one(other)
    new = poster.sdk().emails.retry(sent["id"])
    assert new.original_id == sent["id"]
    assert new.id != sent["id"]
    assert list(new.ids) == [to]
    got = mailserver.one(to).message
    assert got["Message-ID"] == new.message_id != sent["message_id"]
    assert (got["To"], got["Cc"], got["X-A"]) == (to, other, "1")
    (file,) = got.iter_attachments()
    assert file.get_payload(decode=True) == b"\0\1\2"
    found = await_status(poster, new.id, "delivered")
    assert found["meta"] == {"a": "b"}
    assert shown(poster, sent["id"])["status"] == "failed"
    assert len(mailserver.to(other)) == 1


def test_a_suppressed_one_is_sent_once_the_suppression_has_gone(account: Account) -> None:
    to = somebody()
    made = account.native("POST", "/v1/suppressions", {"email": to}).json()["data"]
    sent = send(account, to)
    assert again(account, sent["id"], "/retry").json()["status"] == "suppressed"
    account.native("DELETE", f"/v1/suppressions/{made['id']}")
    new = account.post(f"/emails/{sent['id']}/retry", status=201)
    await_status(account, new["id"], "delivered")


def test_what_is_too_old_or_erased_is_not_sent_again(
    poster: Account, mailserver: Mailserver
) -> None:
    _, sent = failed(poster, mailserver)
    query = "UPDATE messages SET body = NULL WHERE id = ?"
    poster.server.query(query, bytes.fromhex(sent["token"]))
    for verb, body in (("/retry", None), ("/forward", {"to": somebody()})):
        found = refused(again(poster, sent["id"], verb, body), 409)
        assert found["message"] == "What the e-mail said is no longer kept"
    _, sent = failed(poster, mailserver)
    aged = int(moment(days=-31).timestamp() * 1000).to_bytes(6, "big")
    old = bytes.fromhex(sent["id"][3:])
    query = "UPDATE deliveries SET id = ? WHERE id = ?"
    poster.server.query(query, aged + old[6:], old)
    found = refused(again(poster, f"em_{(aged + old[6:]).hex()}", "/retry"), 409)
    assert found["message"] == "It is older than 30 days"


def test_a_plain_copy_goes_to_somebody_else(poster: Account, mailserver: Mailserver) -> None:
    sent = send(poster, somebody(), cc=somebody(), html="<p>Hi</p>", meta={"a": "b"})
    to, also = somebody("to"), somebody("also")
    new = poster.post(f"/emails/{sent['id']}/forward", {"to": [to, also]}, 201)
    assert new["original_id"] == sent["id"]
    assert list(new["ids"]) == [to, also]
    got = mailserver.one(to).message
    assert (got["Subject"], got["To"], got["Cc"]) == ("Hello", f"{to}, {also}", None)
    page = got.get_body(("html",))
    assert page is not None
    assert page.get_content().strip() == "<p>Hi</p>"
    assert shown(poster, new["id"])["meta"] == {"a": "b"}


def test_a_copy_with_its_headers_and_a_comment(poster: Account, mailserver: Mailserver) -> None:
    first, to = somebody(), somebody("to")
    sent = send(poster, first, html="<p>Hi</p>")
    body = {"to": to, "include_headers": True, "comment": "Look & <see>"}
    poster.post(f"/emails/{sent['id']}/forward", body, 201)
    got = mailserver.one(to).message
    assert got["Subject"] == "Fwd: Hello"
    text, page = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().startswith("Look & <see>\r\n\r\n---------- Forwarded message")
    assert f"To: {first}" in text.get_content()
    assert page.get_content().startswith("<p>Look &amp; &lt;see&gt;</p>")
    assert page.get_content().strip().endswith("<p>Hi</p>")


def test_three_are_sent_on_in_an_hour(account: Account) -> None:
    sent, once = send(account, somebody()), unique("once")
    path = f"/emails/{sent['id']}/forward"
    for _ in range(4):
        account.send("POST", path, {"to": somebody()}, Idempotency_Key=once)
    for _ in range(2):
        account.post(path, {"to": somebody()}, 201)
    answer = account.send("POST", path, {"to": somebody()})
    found = refused(answer, 429)
    wait = found.pop("retry_after")
    assert 3500 < wait <= 3600
    assert answer.headers["retry-after"] == str(wait)
    assert found == {
        "error": "Rate limit exceeded",
        "message": "Maximum 3 forwards per hour allowed.",
        "limit": 3,
        "current": 3,
    }
    assert account.send("POST", path, {"to": "x"}, Idempotency_Key=once).status_code == 400
    answer = account.send("POST", path, {"to": somebody()}, Idempotency_Key=once)
    assert answer.status_code == 200
    assert len(account.get("/emails")["data"]) == 4


@pytest.mark.parametrize(
    "body", [{}, {"to": []}, {"to": "x"}, {"to": ["a@example.com"] * 51}, {"to": 5}]
)
def test_to_whom_is_said(account: Account, body: dict[str, Any]) -> None:
    sent = send(account, somebody())
    found = refused(again(account, sent["id"], "/forward", body), 400)
    assert found["error"] == "Validation failed"


@pytest.mark.parametrize("verb", ["", "/cancel", "/retry", "/forward"])
def test_what_is_not_there_or_somebody_elses(
    account: Account, stranger: Account, verb: str
) -> None:
    sent = send(account, somebody(), scheduled_at=moment(hours=1).isoformat())
    bodies = {"": {"scheduled_at": moment(hours=1).isoformat()}, "/forward": {"to": somebody()}}
    for email_id in (sent["id"], f"em_{NOWHERE}", "em_x"):
        found = refused(again(stranger, email_id, verb, bodies.get(verb)), 404)
        assert found["error"] == "Email not found"
    assert shown(account, sent["id"])["status"] == "scheduled"
