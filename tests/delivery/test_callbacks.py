"""What providers report later, each in its documented words: who bounced, who complained."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.mails import ended, mail, make_mailer, somebody
from tests.dialects.native.wire import data_of
from tests.server import Server

SNS = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37"
OWN = {"ses": {"username": "AKIDEXAMPLE", "region": "eu-central-1"}}


def made(admin: Admin, kind: str) -> dict[str, Any]:
    """A mailer that is never asked: what matters is what comes back."""
    return make_mailer(admin, kind=kind, secret="key-of-it", enabled=False, **OWN.get(kind, {}))


def callback(admin: Admin, kind: str) -> str:
    """Where a new mailer's provider reports, on this machine."""
    url: str = made(admin, kind)["callbackUrl"]
    return admin.wire.address + urlsplit(url).path


def report(http: httpx2.Client, url: str, said: Any) -> int:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return http.post(url, content=body).status_code


def suppressed(admin: Admin) -> list[tuple[str, str, str]]:
    found = admin.get("/v1/suppressions")["suppressions"]
    return sorted((one["email"], one["type"], one["reason"]) for one in found)


def sendgrid(event: str, to: str, **more: Any) -> dict[str, Any]:
    return {
        "email": to,
        "timestamp": 1513299569,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": event,
        "category": "cat facts",
        "sg_event_id": "sg_event_id",
        "sg_message_id": "sg_message_id",
        **more,
    }


def postmark(kind: str, to: str, **more: Any) -> dict[str, Any]:
    return {
        "RecordType": "Bounce",
        "ID": 4323372036854775807,
        "Type": kind,
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Tag": "Test",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"a_key": "a_value"},
        "ServerID": 23,
        "MessageStream": "outbound",
        "Description": "The server was unable to deliver your message",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": to,
        "From": "sender@example.com",
        "BouncedAt": "2019-11-05T16:33:54.9070259Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Test subject",
        "Content": "<Full dump of bounce>",
        **more,
    }


def resend(event: str, to: list[str], **more: Any) -> dict[str, Any]:
    return {
        "type": event,
        "created_at": "2026-11-22T23:41:12.126Z",
        "data": {
            "created_at": "2026-11-22T23:41:11.894719+00:00",
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "from": "Acme <onboarding@resend.dev>",
            "to": to,
            "subject": "Sending this example",
            "tags": {"category": "confirm_email"},
            **more,
        },
    }


def resend_bounce(kind: str) -> dict[str, Any]:
    return {"message": "The recipient is unknown.", "subType": "General", "type": kind}


def sns(said: Any, kind: str = "Notification") -> dict[str, Any]:
    return {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:Mails",
        "Message": said if isinstance(said, str) else json.dumps(said),
        "Timestamp": "2026-11-22T00:54:06.655Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRN…",
    }


def ses_bounce(to: str, kind: str = "Permanent", name: str = "notificationType") -> dict[str, Any]:
    gone = {
        "emailAddress": to,
        "status": "5.1.1",
        "action": "failed",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return {
        name: "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": "General",
            "reportingMTA": "dns; email.example.com",
            "bouncedRecipients": [gone],
            "timestamp": "2016-01-27T14:59:38.237Z",
            "feedbackId": "00000138111222aa-33322211-cccc",
        },
        "mail": {"source": "john@example.com", "destination": [to]},
    }


def ses_complaint(to: str, feedback: str = "abuse") -> dict[str, Any]:
    return {
        "notificationType": "Complaint",
        "complaint": {
            "userAgent": "AnyCompany Feedback Loop (V0.01)",
            "complainedRecipients": [{"emailAddress": to}],
            "complaintFeedbackType": feedback,
            "arrivalDate": "2016-01-27T14:59:38.237Z",
        },
        "mail": {"source": "john@example.com", "destination": [to]},
    }


def test_only_providers_have_an_address(admin: Admin) -> None:
    for kind in ("sendgrid", "postmark", "resend", "ses"):
        it = made(admin, kind)
        assert f"/mail/callbacks/{it['id']}/" in it["callbackUrl"]
        assert admin.get(f"/v1/mailers/{it['id']}") == it
    server = make_mailer(admin, kind="smtp", host="smtp.example.com", enabled=False)
    assert server["callbackUrl"] is None
    urls = [one["callbackUrl"] for one in admin.get("/v1/mailers")["mailers"]]
    assert len(set(urls)) == 5


def test_sendgrid(admin: Admin, http: httpx2.Client) -> None:
    to = [somebody(name) for name in "abcdef"]
    reason = "500 unknown recipient"
    events = [
        sendgrid("processed", somebody()),
        sendgrid("bounce", to[0], type="bounce", status="5.0.0", reason=reason),
        sendgrid("dropped", to[1], reason="Bounced Address", status="5.0.0"),
        sendgrid("spamreport", to[2].upper()),
        sendgrid("unsubscribe", to[3]),
        sendgrid("bounce", to[4], type="blocked", reason="500 unknown recipient"),
        sendgrid("dropped", to[5], reason="Invalid SMTPAPI header"),
        sendgrid("deferred", somebody(), response="400 try again later", attempt="5"),
        sendgrid("group_unsubscribe", somebody(), asm_group_id=10),
    ]
    assert report(http, callback(admin, "sendgrid"), events) == 204
    assert suppressed(admin) == [
        (to[0], "bounce", reason),
        (to[1], "bounce", "Bounced Address"),
        (to[2], "complaint", "The provider reported a complaint"),
        (to[3], "unsubscribe", "The provider reported that they unsubscribed"),
    ]


def test_postmark(admin: Admin, http: httpx2.Client) -> None:
    url, to = callback(admin, "postmark"), [somebody(name) for name in "abcd"]
    said = [
        postmark("HardBounce", to[0]),
        postmark("BadEmailAddress", to[1], Description=None),
        postmark("ManuallyDeactivated", to[2]),
        postmark("SpamComplaint", to[3], RecordType="SpamComplaint"),
        postmark("SoftBounce", somebody()),
        postmark("Transient", somebody()),
        {"RecordType": "Delivery", "Recipient": somebody(), "Tag": "welcome-email"},
        {"RecordType": "Open", "Recipient": somebody(), "FirstOpen": True},
    ]
    assert [report(http, url, one) for one in said] == [204] * len(said)
    words = "The server was unable to deliver your message"
    assert suppressed(admin) == [
        (to[0], "bounce", words),
        (to[1], "bounce", "The provider reported a bounce"),
        (to[2], "bounce", words),
        (to[3], "complaint", words),
    ]


def test_resend(admin: Admin, http: httpx2.Client) -> None:
    url, to = callback(admin, "resend"), [somebody(name) for name in "ab"]
    several = [somebody(), somebody()]
    said = [
        resend("email.bounced", [to[0]], bounce=resend_bounce("Permanent")),
        resend("email.complained", [to[1]]),
        resend("email.bounced", [somebody()], bounce=resend_bounce("Transient")),
        resend("email.bounced", several, bounce=resend_bounce("Permanent")),
        resend("email.delivered", [somebody()]),
        {"type": "contact.created", "data": {"email": somebody(), "unsubscribed": True}},
    ]
    assert [report(http, url, one) for one in said] == [204] * len(said)
    assert suppressed(admin) == [
        (to[0], "bounce", "The recipient is unknown."),
        (to[1], "complaint", "The provider reported a complaint"),
    ]


def test_ses(admin: Admin, http: httpx2.Client) -> None:
    url, to = callback(admin, "ses"), [somebody(name) for name in "abcd"]
    said = [
        sns(ses_bounce(to[0])),
        sns(ses_bounce(f"Jane <{to[1]}>", name="eventType")),
        ses_bounce(to[2]),
        sns(ses_complaint(to[3])),
        sns(ses_complaint(somebody(), "not-spam")),
        sns(ses_bounce(somebody(), "Transient")),
        sns({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have…"}),
        sns("Successfully validated SNS topic for Amazon SES event publishing."),
        sns("You have chosen to deactivate subscription …", "UnsubscribeConfirmation"),
    ]
    assert [report(http, url, one) for one in said] == [204] * len(said)
    words = "smtp; 550 5.1.1 user unknown"
    bounced = [(one, "bounce", words) for one in to[:3]]
    assert suppressed(admin) == [
        *bounced,
        (to[3], "complaint", "The provider reported a complaint"),
    ]


def test_a_subscription_is_confirmed_by_hand(admin: Admin, http: httpx2.Client) -> None:
    it = made(admin, "ses")
    url = admin.wire.address + urlsplit(it["callbackUrl"]).path
    asked = sns("You have chosen to subscribe to the topic …", "SubscriptionConfirmation")
    assert report(http, url, asked | {"SubscribeURL": SNS}) == 204
    for other in ("https://sns.example.com/", "http://" + SNS[8:], "https://x.amazonaws.com/", "x"):
        assert report(http, url, asked | {"SubscribeURL": other}) == 400
    entries = admin.get("/v1/audit")["entries"]
    (found,) = [one for one in entries if one["action"] == "mailer.confirm"]
    assert (found["object"], found["after"]) == (it["id"], {"confirmUrl": SNS})


def test_a_report_that_comes_again(admin: Admin, http: httpx2.Client) -> None:
    url, to = callback(admin, "postmark"), somebody()
    for _ in range(3):
        assert report(http, url, postmark("HardBounce", to)) == 204
    assert report(http, url, postmark("SpamComplaint", to, RecordType="SpamComplaint")) == 204
    assert [one[:2] for one in suppressed(admin)] == [(to, "bounce")]
    audited = [one["action"] for one in admin.get("/v1/audit")["entries"]]
    assert audited.count("suppression.create") == 1


def test_nothing_more_is_sent_and_only_by_that_account(
    admin: Admin, delivering: Server, http: httpx2.Client
) -> None:
    to, it = somebody(), made(admin, "postmark")
    url = delivering.address + urlsplit(it["callbackUrl"]).path
    assert report(http, url, postmark("HardBounce", to)) == 204
    data_of(admin.send("DELETE", f"/v1/mailers/{it['id']}"), 200)
    assert ended(admin, mail(admin, to))["log"][0]["fault"] == "suppressed"
    other = make_admin(delivering, http)
    assert ended(other, mail(other, to))["state"] == "succeeded"
    assert report(http, url, postmark("HardBounce", somebody())) == 404
    assert [one[0] for one in suppressed(admin)] == [to]


def test_one_that_would_have_ended_lasts(admin: Admin, http: httpx2.Client) -> None:
    to, given = somebody(), {"keepUntil": "2091-01-01T00:00:00Z"}
    data_of(admin.send("POST", "/v1/suppressions", {"email": to, **given}), 201)
    assert report(http, callback(admin, "postmark"), postmark("HardBounce", to)) == 204
    (found,) = admin.get("/v1/suppressions")["suppressions"]
    assert (found["type"], found["keepUntil"]) == ("bounce", None)


def test_many_at_once(admin: Admin, http: httpx2.Client) -> None:
    to = [somebody() for _ in range(250)]
    events = [sendgrid("spamreport", one) for one in to]
    assert report(http, callback(admin, "sendgrid"), events) == 204
    found = admin.all_of("/v1/suppressions", "suppressions", 100)
    assert {one["email"] for one in found} == set(to)


@pytest.mark.parametrize("kind", ["sendgrid", "postmark", "resend", "ses"])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}", b"[1]", b"null", b"\xff", b'"x"', b"[" * 5000, b'{"Type":"Other"}'],
    ids=str,
)
def test_what_is_no_report(admin: Admin, http: httpx2.Client, kind: str, body: bytes) -> None:
    assert report(http, callback(admin, kind), body) == 400
    assert suppressed(admin) == []


def test_odd_members_suppress_nobody(admin: Admin, http: httpx2.Client) -> None:
    url, to = callback(admin, "postmark"), somebody()
    for wrong in ("", "jane", "a@b\r\nc", "\0@example.com", "x" * 10_000 + "@example.com"):
        assert report(http, url, postmark("HardBounce", wrong)) == 204
    assert suppressed(admin) == []
    odd = "a\0b\r\n<script>" + "x" * 1000
    assert report(http, url, postmark("HardBounce", to, Description=odd)) == 204
    ((_, _, reason),) = suppressed(admin)
    assert reason == ("a b <script>" + "x" * 1000)[:500]


def test_bodies_are_bounded(admin: Admin, http: httpx2.Client) -> None:
    url, to = callback(admin, "postmark"), somebody()
    large = postmark("HardBounce", to, Content="x" * 2 * 1_048_576)
    assert report(http, url, large) == 413
    assert suppressed(admin) == []


def test_an_address_that_was_changed(admin: Admin, http: httpx2.Client) -> None:
    url, other = callback(admin, "postmark"), callback(admin, "resend")
    base, _, token = url.rpartition("/")
    flipped = "0" if token[-1] != "0" else "1"
    wrong = [
        f"{base}/{token[:-1]}{flipped}",
        f"{base}/{token[:-1]}",
        f"{base}/{other.rpartition('/')[2]}",
        f"{base}/",
        base,
        url + "/",
        f"{base}/%00{token[1:]}",
        f"{base.rpartition('_')[0]}_{'0' * 32}/{token}",
    ]
    answers = [http.post(one, json=postmark("HardBounce", somebody())) for one in wrong]
    assert {(one.status_code, one.text) for one in answers} == {(404, "There is nothing here.")}
    assert http.get(url).status_code == 405
    assert suppressed(admin) == []


def test_whoever_tries_many_is_refused(tmp_path: Path, http: httpx2.Client) -> None:
    env = {"GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "2"}
    with Server(tmp_path / "data", env=env) as server:
        admin = make_admin(server, http)
        url, to = callback(admin, "postmark"), somebody()
        base = url.rpartition("/")[0]
        statuses = [report(http, f"{base}/{one:064}", b"{}") for one in range(3)]
        assert statuses == [404, 404, 429]
        assert int(http.post(url[:-1]).headers["retry-after"]) >= 1
        assert report(http, url, postmark("HardBounce", to)) == 204
        assert [one[0] for one in suppressed(admin)] == [to]
