"""Mails through providers over HTTP: what each is told, and who is asked after whom."""

import base64
import json
from email import message_from_bytes, policy
from typing import Any

import pytest

from tests.api.admin import Admin
from tests.delivery.mails import ended, mail, make_mailer, make_smtp, refused, somebody
from tests.delivery.receiver import Receiver, answers, in_turn, stalls
from tests.delivery.sending import await_attempts
from tests.delivery.smtp import Mailserver
from tests.dialects.native.wire import data_of
from tests.server import unique

SENDER = "Zoë <zoe@example.org>"
PATHS = {
    "sendgrid": "/v3/mail/send",
    "resend": "/emails",
    "postmark": "/email",
    "ses": "/v2/email/outbound-emails",
}
ACCEPTS = {
    "sendgrid": answers(202, b""),
    "resend": answers(200, b'{"id":"x"}'),
    "postmark": answers(200, b'{"ErrorCode":0,"MessageID":"x"}'),
    "ses": answers(200, b'{"MessageId":"x"}'),
}


class Provider:
    """What stands in for a provider: a place of the test's own on the receiver."""

    def __init__(self, admin: Admin, receiver: Receiver, kind: str, **more: Any) -> None:
        base = f"/{unique(kind)}"
        self.path = base + PATHS[kind]
        self.receiver = receiver
        receiver.does[self.path] = ACCEPTS[kind]
        own = {"username": "AKIDEXAMPLE", "region": "eu-central-1"} if kind == "ses" else {}
        given = {"kind": kind, "url": receiver.address + base, "secret": "key-of-it"}
        self.made = make_mailer(admin, **given, **own, **{"anySender": True, **more})

    def answer(self, status: int, body: bytes = b"{}") -> None:
        self.receiver.does[self.path] = answers(status, body)

    @property
    def asked(self) -> list[Any]:
        return [json.loads(one.body) for one in self.receiver.at(self.path)]


def send(admin: Admin, to: str, **more: Any) -> dict[str, Any]:
    return ended(admin, mail(admin, to, **{"from": SENDER, **more}))


def whole() -> dict[str, Any]:
    return {
        "html": "<p>Hi <img src='cid:logo'></p>",
        "replyTo": "help@example.org",
        "headers": {"X-Campaign": "spring"},
        "attachments": [
            {"filename": "logo.png", "content": encoded(b"png"), "contentId": "logo"},
            {"filename": "a.txt", "content": encoded(b"text")},
        ],
    }


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_sendgrid(admin: Admin, receiver: Receiver) -> None:
    to, provider = somebody(), Provider(admin, receiver, "sendgrid")
    done = send(admin, to, **whole())
    (asked,) = provider.asked
    (got,) = receiver.at(provider.path)
    assert got.header("authorization") == "Bearer key-of-it"
    assert asked["personalizations"] == [
        {"to": [{"email": to}], "custom_args": {"delivery_id": done["id"]}}
    ]
    assert asked["from"] == {"email": "zoe@example.org", "name": "Zoë"}
    assert asked["reply_to_list"] == [{"email": "help@example.org"}]
    assert [one["type"] for one in asked["content"]] == ["text/plain", "text/html"]
    assert asked["headers"]["X-Campaign"] == "spring"
    assert asked["headers"]["Message-ID"] == done["log"][0]["headers"]["Message-ID"]
    assert asked["tracking_settings"]["click_tracking"] == {"enable": False}
    assert asked["attachments"][0] == {
        "content": encoded(b"png"),
        "filename": "logo.png",
        "type": "image/png",
        "disposition": "inline",
        "content_id": "logo",
    }
    assert (done["state"], done["log"][0]["via"]) == ("succeeded", "sendgrid")


def test_resend(admin: Admin, receiver: Receiver) -> None:
    to, provider = somebody(), Provider(admin, receiver, "resend")
    done = send(admin, to, **whole())
    (asked,) = provider.asked
    (got,) = receiver.at(provider.path)
    assert got.header("authorization") == "Bearer key-of-it"
    assert got.header("idempotency-key") == done["id"]
    assert (asked["from"], asked["to"]) == ('"Zoë" <zoe@example.org>', [to])
    assert asked["tags"] == [{"name": "delivery_id", "value": done["id"]}]
    assert (asked["text"], asked["html"]) == ("How are you?", whole()["html"])
    assert asked["attachments"][0]["content_id"] == "logo"
    assert done["log"][0]["via"] == "resend"


def test_postmark(admin: Admin, receiver: Receiver) -> None:
    to, provider = somebody(), Provider(admin, receiver, "postmark", stream="news")
    done = send(admin, to, **whole())
    (asked,) = provider.asked
    assert receiver.one(provider.path).header("x-postmark-server-token") == "key-of-it"
    assert (asked["To"], asked["MessageStream"]) == (to, "news")
    assert asked["Metadata"] == {"delivery_id": done["id"]}
    assert {"Name": "X-Campaign", "Value": "spring"} in asked["Headers"]
    assert asked["Attachments"][0]["ContentID"] == "cid:logo"
    assert (asked["TrackOpens"], asked["TrackLinks"]) == (False, "None")
    assert done["log"][0]["via"] == "postmark"


def test_ses(admin: Admin, receiver: Receiver) -> None:
    to, provider = somebody(), Provider(admin, receiver, "ses")
    done = send(admin, to, cc=[], **whole())
    (asked,) = provider.asked
    signature = receiver.one(provider.path).header("authorization") or ""
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/ses/aws4_request, SignedHeaders=host;x-amz-date" in signature
    assert asked["Destination"] == {"ToAddresses": [to]}
    raw = base64.b64decode(asked["Content"]["Raw"]["Data"])
    message = message_from_bytes(raw, policy=policy.default)
    assert (message["To"], message["X-Campaign"]) == (to, "spring")
    assert done["log"][0]["via"] == "ses"


def test_the_next_one_is_asked_within_the_same_attempt(admin: Admin, receiver: Receiver) -> None:
    third = Provider(admin, receiver, "postmark", priority=3)
    first = Provider(admin, receiver, "sendgrid", priority=1)
    second = Provider(admin, receiver, "resend", priority=2)
    first.answer(500)
    second.answer(422, b'{"message":"No"}')
    done = send(admin, somebody())
    (attempt,) = done["log"]
    assert (done["state"], attempt["via"]) == ("succeeded", "postmark")
    assert [len(one.asked) for one in (first, second, third)] == [1, 1, 1]


def test_one_that_stalls_costs_its_time_only(admin: Admin, receiver: Receiver) -> None:
    first = Provider(admin, receiver, "sendgrid", priority=1)
    Provider(admin, receiver, "resend", priority=2)
    receiver.does[first.path] = stalls
    (attempt,) = send(admin, somebody())["log"]
    assert (attempt["ok"], attempt["via"]) == (True, "resend")
    assert attempt["durationMs"] >= 3000


def test_a_server_after_a_provider(admin: Admin, receiver: Receiver) -> None:
    first = Provider(admin, receiver, "sendgrid", priority=1)
    first.answer(401, b'{"errors":[{"message":"The provided authorization grant is invalid"}]}')
    to = somebody()
    with Mailserver() as server:
        make_smtp(admin, server, priority=2)
        (attempt,) = send(admin, to)["log"]
        assert attempt["via"] == "smtp"
        assert server.one(to).sender == "zoe@example.org"


def test_all_refuse_for_ever(admin: Admin, receiver: Receiver) -> None:
    Provider(admin, receiver, "sendgrid", priority=1).answer(400)
    last = Provider(admin, receiver, "resend", priority=2)
    last.answer(422, b'{"statusCode":422,"message":"Invalid `to` field","name":"x"}')
    (attempt,) = send(admin, somebody())["log"]
    assert (attempt["via"], attempt["status"], attempt["nextAt"]) == ("resend", 422, None)
    assert attempt["error"] == "422 - Invalid `to` field"


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
def test_what_may_pass_is_tried_again(admin: Admin, receiver: Receiver, status: int) -> None:
    provider = Provider(admin, receiver, "sendgrid")
    receiver.does[provider.path] = in_turn(answers(status), ACCEPTS["sendgrid"])
    done = send(admin, somebody(), common={"retry": {"delaysSeconds": [0.1]}})
    assert [one["status"] for one in done["log"]] == [status, 202]
    assert (
        len({one["personalizations"][0]["custom_args"]["delivery_id"] for one in provider.asked})
        == 1
    )


def test_an_inactive_recipient_is_suppressed(admin: Admin, receiver: Receiver) -> None:
    to, first = somebody(), Provider(admin, receiver, "postmark", priority=1)
    second = Provider(admin, receiver, "resend", priority=2)
    first.answer(422, b'{"ErrorCode":406,"Message":"You tried to send to an inactive recipient"}')
    (attempt,) = send(admin, to)["log"]
    assert (attempt["via"], attempt["nextAt"]) == ("postmark", None)
    assert second.asked == []
    assert admin.get(f"/v1/suppressions/{to}")["type"] == "bounce"


def test_a_provider_can_be_named(admin: Admin, receiver: Receiver) -> None:
    first = Provider(admin, receiver, "sendgrid", priority=1)
    second = Provider(admin, receiver, "resend", priority=2)
    third = Provider(admin, receiver, "postmark", priority=3)
    assert send(admin, somebody(), provider="postmark")["log"][0]["via"] == "postmark"
    third.answer(500)
    named = {"provider": third.made["id"], "fallback": "resend"}
    assert send(admin, somebody(), **named)["log"][0]["via"] == "resend"
    assert (len(first.asked), len(second.asked), len(third.asked)) == (0, 1, 2)
    body = {"to": somebody(), "from": SENDER, "subject": "x", "text": "y"}
    assert refused(admin, **body, provider="ses") == [["provider"]]
    assert refused(admin, **body, fallback="resend") == [["fallback"]]
    assert refused(admin, **body, provider="resend", fallback="resend") == [["fallback"]]


def test_one_that_is_off_is_not_asked(admin: Admin, receiver: Receiver) -> None:
    first = Provider(admin, receiver, "sendgrid", priority=1)
    Provider(admin, receiver, "resend", priority=2)
    path = f"/v1/mailers/{first.made['id']}"
    assert data_of(admin.send("PATCH", path, {"enabled": False}), 200)["enabled"] is False
    assert send(admin, somebody())["log"][0]["via"] == "resend"
    assert first.asked == []


def test_a_mailer_judges_senders_only_if_it_is_told_to(admin: Admin, receiver: Receiver) -> None:
    provider = Provider(admin, receiver, "sendgrid", anySender=False)
    body = {"to": somebody(), "from": SENDER, "subject": "x", "text": "y"}
    assert refused(admin, **body) == [["from"]]
    assert provider.asked == []


def test_a_message_that_waits_leaves_as_it_is_allowed_then(
    admin: Admin, receiver: Receiver
) -> None:
    provider = Provider(admin, receiver, "sendgrid")
    provider.answer(500)
    retry = {"retry": {"delaysSeconds": [0.5]}}
    message = mail(admin, somebody(), common=retry, **{"from": SENDER})
    await_attempts(admin, message["deliveries"][0]["id"], 1)
    data_of(admin.send("PATCH", f"/v1/mailers/{provider.made['id']}", {"anySender": False}), 200)
    done = ended(admin, message)
    assert (done["state"], done["log"][-1]["fault"]) == ("failed", "configuration")
    assert len(provider.asked) == 1


def test_a_secret_is_kept_and_does_not_go_elsewhere(admin: Admin, receiver: Receiver) -> None:
    made = Provider(admin, receiver, "sendgrid").made
    assert "secret" not in made
    assert made["hasSecret"] is True
    path = f"/v1/mailers/{made['id']}"
    moved = admin.send("PATCH", path, {"url": "https://elsewhere.example"})
    assert moved.status_code == 400
    assert moved.json()["details"][0]["path"] == ["secret"]
    both = {"url": "https://elsewhere.example", "secret": "another"}
    assert data_of(admin.send("PATCH", path, both), 200)["url"] == both["url"]
    data_of(admin.send("DELETE", path), 200)
    assert admin.send("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("given", "member"),
    [
        ({"kind": "smtp"}, "host"),
        ({"kind": "smtp", "host": "mail.example.com", "username": "u"}, "secret"),
        ({"kind": "smtp", "host": "10.0.0.1"}, "host"),
        (
            {"kind": "smtp", "host": "a.example", "username": "u", "secret": "s", "tls": "none"},
            "tls",
        ),
        ({"kind": "sendgrid"}, "secret"),
        ({"kind": "sendgrid", "secret": "s", "url": "https://169.254.169.254"}, "url"),
        ({"kind": "ses", "secret": "s", "username": "u"}, "region"),
        ({"kind": "pigeon"}, "kind"),
    ],
)
def test_what_can_be_no_mailer(admin: Admin, given: dict[str, Any], member: str) -> None:
    response = admin.send("POST", "/v1/mailers", given)
    assert response.status_code == 400
    assert response.json()["details"][0]["path"] == [member]
