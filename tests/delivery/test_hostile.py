"""Receivers that stall, break, lie or flood: each outcome is as it must be, and is logged."""

import email.utils
import json
import time
from datetime import datetime
from typing import Any

import pytest

from tests.api.admin import Admin
from tests.delivery import receiver as does
from tests.delivery.receiver import Behaviour, Got, Receiver, answers, in_turn
from tests.delivery.sending import await_attempts, await_state, sent

OK = answers(200)
SOON = {"delaysSeconds": [0.1]}


def tried(
    admin: Admin, receiver: Receiver, *behaviours: Behaviour, **more: Any
) -> tuple[dict[str, Any], list[Got]]:
    """A delivery to a receiver that does one thing after the other, once it has ended."""
    url, path = receiver.place(in_turn(*behaviours))
    delivery = sent(admin, url, **{"retry": SOON, **more})
    return await_state(admin, delivery), receiver.at(path)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(admin: Admin, receiver: Receiver, status: int) -> None:
    delivery, got = tried(admin, receiver, answers(status))
    assert (delivery["state"], delivery["status"], len(got)) == ("succeeded", status, 1)


@pytest.mark.parametrize(
    ("behaviour", "fault", "status", "words"),
    [
        (answers(300), "redirect", 300, "300: redirects are not followed"),
        (answers(304), "redirect", 304, "304: redirects are not followed"),
        (answers(400), "status", 400, "400 Bad Request"),
        (answers(404), "status", 404, "404 Not Found"),
        (answers(408), "status", 408, "408 Request Timeout"),
        (answers(500), "status", 500, "500 Internal Server Error"),
        (answers(503), "status", 503, "503 Service Unavailable"),
        (answers(599), "status", 599, "599"),
        (does.resets, "network", None, "The receiver broke the connection"),
        (does.hangs_up, "network", None, "The receiver hung up without an answer"),
        (does.talks_nonsense, "network", None, "The receiver did not answer in HTTP"),
        (does.floods_headers(), "network", None, "The receiver did not answer in HTTP"),
        (does.breaks_off, "network", None, "The receiver hung up without an answer"),
        (does.stalls, "timeout", None, "No answer within 3 s"),
        (does.drips_headers, "timeout", None, "No answer within 3 s"),
    ],
)
def test_a_failure_is_named_and_tried_again(
    admin: Admin, behaviour: Behaviour, fault: str, status: int | None, words: str
) -> None:
    with Receiver() as own:  # on a connection that was used before, a break costs no attempt
        delivery, got = tried(admin, own, behaviour, OK)
    first, second = delivery["log"]
    named = (first["ok"], first["fault"], first["status"], first["error"])
    assert named == (False, fault, status, words)
    assert second["ok"]
    assert delivery["state"] == "succeeded"
    assert len({one.header("webhook-id") for one in got}) == 1


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("behaviour", "kept"),
    [
        (does.truncates, "only this"),
        (does.drips, None),
        (does.floods, "x" * 4096),
    ],
)
def test_the_status_says_how_it_went_whatever_becomes_of_the_body(
    admin: Admin, receiver: Receiver, behaviour: Any, kept: str | None, status: int
) -> None:
    delivery, got = tried(admin, receiver, behaviour(status), OK)
    first = delivery["log"][0]
    assert (first["ok"], first["status"]) == (status == 200, status)
    assert first["response"] == kept if kept else set(first["response"]) == {"."}
    assert len(got) == (1 if status == 200 else 2)
    assert first["durationMs"] < 6000


def test_a_redirect_is_not_followed(admin: Admin, receiver: Receiver) -> None:
    url, secret_path = receiver.place()
    statuses = (301, 302, 303, 307, 308)
    for status in statuses:
        delivery, _ = tried(admin, receiver, does.redirects(url, status), retry="once")
        assert (delivery["state"], delivery["status"]) == ("failed", status)
        assert delivery["log"][0]["fault"] == "redirect"
    assert receiver.at(secret_path) == []


@pytest.mark.parametrize("status", [410])
def test_who_is_gone_is_not_tried_again(admin: Admin, receiver: Receiver, status: int) -> None:
    delivery, got = tried(admin, receiver, answers(status), OK)
    assert (delivery["state"], len(got)) == ("failed", 1)


@pytest.mark.parametrize(("wish", "number"), [("abort-message", 1), ("disable", 1), ("other", 2)])
def test_a_receiver_may_want_no_more(
    admin: Admin, receiver: Receiver, wish: str, number: int
) -> None:
    _, got = tried(admin, receiver, answers(400, b"", f"webhook-delivery: {wish}"), OK)
    assert len(got) == number


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_heeded(admin: Admin, receiver: Receiver, status: int, form: str) -> None:
    asked = 3600 if form == "seconds" else email.utils.formatdate(time.time() + 3600, usegmt=True)
    url, _ = receiver.place(answers(status, b"", f"Retry-After: {asked}"))
    began = time.time()
    delivery = await_attempts(admin, sent(admin, url, retry=SOON), 1)
    due = _seconds(delivery["dueAt"])
    assert began + 3590 < due < time.time() + 3610


def test_retry_after_is_bounded(admin: Admin, receiver: Receiver) -> None:
    url, _ = receiver.place(answers(429, b"", f"Retry-After: {'9' * 5000}"))
    delivery = await_attempts(admin, sent(admin, url, retry=SOON), 1)
    assert _seconds(delivery["dueAt"]) < time.time() + 24 * 3600 + 60


@pytest.mark.parametrize(
    "asked", ["0", "-5", "soon", "Mon, 01 Jan 1990 00:00:00 GMT", "Mon, 99 Foo 99999 GMT", "1e9"]
)
def test_retry_after_never_shortens_the_schedule(
    admin: Admin, receiver: Receiver, asked: str
) -> None:
    url, path = receiver.place(in_turn(answers(503, b"", f"Retry-After: {asked}"), OK))
    await_state(admin, sent(admin, url, retry={"delaysSeconds": [0.5]}))
    first, second = receiver.wait(path, 2)
    assert second.at - first.at > 0.5


def test_a_schedule_ends(admin: Admin, receiver: Receiver) -> None:
    delivery, got = tried(admin, receiver, answers(500), retry={"delaysSeconds": [0.05, 0.1]})
    assert (delivery["state"], delivery["attempts"], len(got)) == ("failed", 3, 3)
    assert [one["number"] for one in delivery["log"]] == [1, 2, 3]


def test_a_retry_is_signed_anew(admin: Admin, receiver: Receiver) -> None:
    _, got = tried(admin, receiver, answers(500), OK, retry={"delaysSeconds": [1.1]})
    first, second = got
    assert first.body == second.body
    assert first.header("webhook-timestamp") != second.header("webhook-timestamp")
    assert first.header("webhook-signature") != second.header("webhook-signature")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET", "DELETE"])
def test_every_method_brings_its_body(admin: Admin, receiver: Receiver, method: str) -> None:
    _, (got,) = tried(admin, receiver, OK, method=method, payload={"a": "ä"})
    assert (got.method, json.loads(got.body)) == (method, {"a": "ä"})
    assert got.header("content-length") == str(len(got.body))
    assert got.header("transfer-encoding") is None


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_broken_connection_is_one_request_an_attempt(admin: Admin, method: str) -> None:
    with Receiver() as own:
        delivery, got = tried(admin, own, does.resets, method=method, retry="once")
    assert (delivery["state"], len(got)) == ("failed", 1)


def test_connections_are_used_again(admin: Admin) -> None:
    with Receiver() as own:
        for _ in range(5):
            tried(admin, own, OK)
        assert own.connections == 1


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_connection_that_was_closed_meanwhile_costs_no_attempt(admin: Admin, method: str) -> None:
    with Receiver() as own:
        tried(admin, own, OK, method=method)
        hung_up = does.hangs_up_if_used
        delivery, got = tried(admin, own, hung_up, method=method, retry="once")
        assert (delivery["state"], delivery["attempts"]) == ("succeeded", 1)
        assert [one.connection for one in got] == [1, 2]


def test_our_headers_cannot_be_replaced(admin: Admin, receiver: Receiver) -> None:
    own = {"User-Agent": "Theirs/1", "content-type": "application/cloudevents+json"}
    _, (got,) = tried(admin, receiver, OK, headers=own)
    assert got.all("user-agent") == ["Theirs/1"]
    assert got.all("content-type") == ["application/cloudevents+json"]
    for name in ("Host", "webhook-id", "Webhook-Signature", "Content-Length", "Expect", "TE"):
        url, _ = receiver.place()
        body = {"webhook": {"url": url, "payload": {}, "headers": {name: "x"}}}
        assert admin.send("POST", "/v1/messages", body).status_code == 400


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
