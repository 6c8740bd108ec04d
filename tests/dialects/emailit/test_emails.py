"""E-mails over Emailit's wire: sent by its own client, read back, and what becomes of them."""

import asyncio
import base64
import html
import re
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import httpx2
import pytest
from emailit import ApiErrorException  # type: ignore[import-untyped] # it comes without types

from tests import plain
from tests.delivery.receiver import Receiver, answers, redirects, truncates
from tests.delivery.smtp import Mailserver, says
from tests.dialects.emailit.mails import (
    SENDER,
    await_status,
    letter,
    milestones,
    send,
    shown,
    somebody,
    use,
)
from tests.dialects.emailit.wire import NOWHERE, Account, data_of, refused
from tests.server import unique
from tests.waiting import wait_for

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
NOT_FOUND = {"error": "Email not found", "message": "No email with this id"}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def later(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).isoformat()


def test_emailits_client_sends_one_and_reads_it_back(
    poster: Account, mailserver: Mailserver
) -> None:
    to, client = somebody(), poster.sdk()
    sent = client.emails.send(letter(to, html="<p>Hi</p>", meta={"order": "7", "copies": 2}))
    assert re.fullmatch(r"em_[0-9a-f]{32}", sent.id)
    assert (sent.object, sent.status, sent.scheduled_at) == ("email", "accepted", None)
    assert (sent["from"], sent.to, sent.subject) == (SENDER, [to], "Hello")
    assert sent.ids == {to: sent.id}
    assert sent.tracking == {"loads": False, "clicks": False}
    assert MOMENT.fullmatch(sent.created_at)
    got = mailserver.one(to).message
    assert got["Message-ID"] == sent.message_id
    await_status(poster, sent.id, "delivered")
    read = client.emails.get(sent.id)
    assert (read.object, read.type, read.to, read.status) == ("email", "outbound", to, "delivered")
    assert read.meta == {"order": "7", "copies": "2"}
    assert read.body == {"text": "How are you?", "html": "<p>Hi</p>"}
    assert (read.token, read.message_id) == (sent.token, sent.message_id)
    assert read.headers["Message-ID"] == got["Message-ID"]
    assert [one.id for one in client.emails.list()] == [sent.id]
    assert client.emails.get_body(sent.id).to_dict()["text"] == "How are you?"
    assert "body" not in client.emails.get_meta(sent.id).to_dict()
    assert milestones(poster, sent.id) == ["email.accepted", "email.delivered"]


def test_what_is_read_raw_is_what_was_sent(poster: Account, mailserver: Mailserver) -> None:
    to = somebody()
    picture = bytes(range(256))
    sent = send(
        poster,
        f"Zoë <{to}>",
        subject="Grüße → 4711",
        html='<p>Grüße <img src="cid:logo"></p>',
        headers={"X-Campaign": "Frühling"},
        reply_to=["Sam <sam@example.com>", "hello@acme.example"],
        attachments=[
            {
                "filename": "löwe.png",
                "content": encoded(picture),
                "content_type": "image/png",
                "content_id": "logo",
            },
            {"filename": "a.txt", "content": encoded(b"a\n"), "content_type": "text/plain"},
        ],
    )
    got = mailserver.one(to)
    raw = poster.get(f"/emails/{sent['id']}/raw")["raw"]
    assert raw.encode() == got.raw
    read = message_from_string(raw, _class=EmailMessage, policy=policy.default)
    assert read["Reply-To"] == "Sam <sam@example.com>"
    assert (read["Subject"], read["X-Campaign"]) == ("Grüße → 4711", "Frühling")
    files = poster.sdk().emails.get_attachments(sent["id"])
    contents = {one["filename"]: base64.b64decode(one["content"]) for one in files}
    assert contents == {"löwe.png": picture, "a.txt": b"a\n"}
    whole = shown(poster, sent["id"])
    assert [one["filename"] for one in whole["attachments"]] == ["löwe.png", "a.txt"]
    assert "content" not in whole["attachments"][0]
    assert whole["headers"]["Subject"] == "Grüße → 4711"


def test_each_recipient_has_an_email_of_their_own(poster: Account, mailserver: Mailserver) -> None:
    to, cc, bcc = somebody("to"), somebody("cc"), somebody("bcc")
    sent = send(poster, [to, to], cc=cc, bcc=[bcc, cc])
    assert list(sent["ids"]) == [to, cc, bcc]
    assert sent["id"] == sent["ids"][to]
    assert bcc.encode() not in b"".join(mailserver.one(one).raw for one in (to, cc, bcc))
    listed = poster.get("/emails")["data"]
    assert {one["to"]: one["id"] for one in listed} == sent["ids"]
    assert all("body" not in one and one["type"] == "outbound" for one in listed)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("451 4.3.0 Try again later", "attempted"),
        ("554 5.7.1 We do not like it", "failed"),
    ],
)
def test_what_a_server_refuses(
    poster: Account, mailserver: Mailserver, answer: str, status: str
) -> None:
    to = somebody()
    mailserver.does[to] = says(answer)
    sent = send(poster, to)
    found = await_status(poster, sent["id"], status)
    assert found["error"] == answer
    (told,) = of_type(poster, sent["id"], f"email.{status}")[:1]
    enhanced = answer.split()[1]
    wanted = (int(answer[:3]), enhanced, answer)
    assert (told["smtp_code"], told["smtp_enhanced_code"], told["smtp_response"]) == wanted


def of_type(account: Account, email_id: str, type_: str) -> list[dict[str, Any]]:
    """What was kept of an e-mail under a type."""
    found = account.native("GET", "/v1/events?channel=emailit&limit=100").json()["data"]["events"]
    told = [one["metadata"] for one in found if one["title"] == type_]
    return [one for one in told if one["id"] == email_id]


def test_who_is_not_there_bounces_and_is_suppressed_from_then_on(
    poster: Account, mailserver: Mailserver
) -> None:
    to, other = somebody(), somebody()
    mailserver.refuses[to] = "550 5.1.1 No such user"
    first = send(poster, to)
    await_status(poster, first["id"], "bounced")
    second = send(poster, [to.upper().replace("EXAMPLE.COM", "example.com"), other])
    assert second["status"] == "suppressed"
    assert await_status(poster, second["id"])["status"] == "suppressed"
    assert await_status(poster, second["ids"][other])["status"] == "delivered"
    kept = milestones(poster, second["id"])
    assert kept == ["email.accepted", "email.suppressed"]
    assert milestones(poster, first["id"]) == ["email.accepted", "email.bounced"]


async def test_many_that_come_together(poster: Account, mailserver: Mailserver) -> None:
    """Those that are kept in one transaction refuse, and are suppressed, each for itself."""
    nobody, wrong = somebody("nobody"), unique("none")
    poster.native("POST", "/v1/suppressions", {"email": nobody})
    good = [letter([somebody(), nobody]) for _ in range(20)]
    bad = [letter(somebody(), template=wrong) for _ in range(10)]
    url = f"{poster.server.address}/v2/emails"
    headers = {"Authorization": f"Bearer {poster.key.secret}"}
    async with plain.AsyncClient(timeout=60) as http:
        asked = [http.post(url, json=one, headers=headers) for one in (*good, *bad)]
        found = await asyncio.gather(*asked)
    assert [one.status_code for one in found] == [201] * 20 + [404] * 10
    listed = poster.get("/emails?limit=100")["data"]
    assert len(listed) == 40
    assert {one["to"] for one in listed if one["status"] == "suppressed"} == {nobody}
    for one in good:
        await asyncio.to_thread(mailserver.one, one["to"][0])
    assert mailserver.to(nobody) == []


def test_what_is_done_with_an_email(poster: Account, mailserver: Mailserver) -> None:
    to = somebody()
    page = '<p><a href="https://example.com/x">x</a></p>'
    sent = send(poster, to, html=page, tracking={"opens": True, "clicks": True})
    assert sent["tracking"] == {"loads": True, "clicks": True}
    got = mailserver.one(to).message.get_body(("html",))
    assert got is not None
    text = got.get_content()
    await_status(poster, sent["id"], "delivered")
    image, link = re.search(r'src="([^"]+)"', text), re.search(r'href="([^"]+)"', text)
    assert image is not None
    assert link is not None
    follow(poster, image[1])
    await_status(poster, sent["id"], "loaded")
    follow(poster, link[1])
    assert await_status(poster, sent["id"], "clicked")["status"] == "clicked"
    assert poster.get("/emails")["data"][0]["status"] == "clicked"


def follow(account: Account, link: str) -> None:
    """Ask for what a mail names: it names an address of the settings, not where the server is."""
    account.http.get(f"{account.server.address}/{html.unescape(link).split('/', 3)[3]}")


@pytest.mark.parametrize(
    ("tracking", "shown_"),
    [
        (True, {"loads": True, "clicks": True}),
        (False, {"loads": False, "clicks": False}),
        ({"loads": True}, {"loads": True, "clicks": False}),
    ],
)
def test_tracking(account: Account, tracking: Any, shown_: dict[str, bool]) -> None:
    assert send(account, somebody(), tracking=tracking)["tracking"] == shown_


def test_a_template_is_filled_and_told_apart_from_none(account: Account) -> None:
    alias = unique("welcome")
    new = {"alias": alias, "name": alias, "subject": "For {{name}}", "html": "<p>{{name}}</p>"}
    made = account.native("POST", "/v1/templates", new)
    assert made.status_code == 201, made.text
    version = made.json()["data"]["id"].replace("template_", "tem_")
    body = {"from": SENDER, "to": somebody(), "variables": {"name": "<Zoë>"}}
    for name in (alias, version):
        sent = account.post("/emails", body | {"template": name}, 201)
        assert sent["subject"] == "For <Zoë>"
        assert shown(account, sent["id"])["body"]["html"] == "<p>&lt;Zoë&gt;</p>"
    for name in (unique("none"), f"tem_{NOWHERE}"):
        found = refused(account.send("POST", "/emails", body | {"template": name}), 404)
        assert found == {"error": "Template not found", "message": "Template not found"}


def test_attachments_by_their_urls(
    poster: Account, mailserver: Mailserver, receiver: Receiver
) -> None:
    to, content = somebody(), bytes(range(256)) * 3000
    url, path = receiver.place(answers(200, content, "Content-Type: application/pdf; x=y"))
    sent = send(poster, to, attachments=[{"filename": "bill.pdf", "url": url}])
    (got,) = mailserver.one(to).message.iter_attachments()
    assert (got.get_content_type(), got.get_payload(decode=True)) == ("application/pdf", content)
    assert len(receiver.at(path)) == 1
    assert shown(poster, sent["id"])["attachments"][0]["size"] == len(content)


@pytest.mark.parametrize(
    "does",
    [answers(404), redirects("http://127.0.0.1:1/"), truncates()],
    ids=["missing", "elsewhere", "truncated"],
)
def test_what_cannot_be_fetched_is_not_sent(poster: Account, receiver: Receiver, does: Any) -> None:
    url, _ = receiver.place(does)
    files = [{"filename": "x", "url": url}]
    answer = poster.send("POST", "/emails", letter(somebody(), attachments=files))
    found = refused(answer, 400)
    assert found["error"] == "Validation failed"
    assert found["validation_errors"][0].startswith("attachments.0.url: ")
    assert poster.get("/emails")["data"] == []


def test_a_file_that_is_too_large_is_not_read_to_its_end(
    poster: Account, receiver: Receiver
) -> None:
    url, _ = receiver.place(answers(200, bytes(30_000_000)))
    files = [{"filename": "x", "url": url}]
    answer = poster.send("POST", "/emails", letter(somebody(), attachments=files))
    assert refused(answer, 413)["error"] == "Message too large"


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://10.0.0.1/x", "ftp://example.com/x", "x"]
)
def test_files_are_fetched_from_where_deliveries_may_go_alone(poster: Account, url: str) -> None:
    files = [{"filename": "x", "url": url}]
    answer = poster.send("POST", "/emails", letter(somebody(), attachments=files))
    (why,) = refused(answer, 400)["validation_errors"]
    assert why == "attachments.0.url: Not an address that may be reached"


def program(filename: str) -> dict[str, str]:
    """A file that may run."""
    return {"filename": filename, "content": "YQ==", "content_type": "application/pdf"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"from": None}, "from: Required"),
        ({"from": "x"}, "from: "),
        ({"to": []}, "to: "),
        ({"to": "not an address"}, "to.0: "),
        ({"to": [f"a{number}@example.com" for number in range(51)]}, "to: "),
        ({"subject": ""}, "subject: Required"),
        ({"text": None}, "text: "),
        ({"reply_to": "x@"}, "reply_to"),
        ({"headers": {"From": "x"}}, "headers.From: "),
        ({"headers": {"X": "a\r\nBcc: b@example.com"}}, "headers.X: "),
        ({"scheduled_at": "tomorrow at 9am"}, "scheduled_at: "),
        ({"scheduled_at": "2020-01-01T00:00:00Z"}, "scheduled_at: "),
        ({"scheduled_at": 12}, "scheduled_at: "),
        ({"scheduled_at": "nan"}, "scheduled_at: "),
        ({"scheduled_at": "2999-01-01"}, "scheduled_at: "),
        ({"attachments": [{"filename": "x"}]}, "attachments.0.content: "),
        ({"attachments": [program("x.exe")]}, "attachments.0.filename: "),
        ({"attachments": [program("x.pdf.JS")]}, "attachments.0.filename: "),
        ({"attachments": [program("x.Bat. .")]}, "attachments.0.filename: "),
        ({"attachments": [{"filename": "x", "content": "YQ=="}]}, "attachments.0.content_type: "),
        ({"attachments": [{"filename": "x", "content": "?"}]}, "attachments.0.content: "),
        (
            {"attachments": [{"filename": "x", "url": "http://x", "content": "YQ=="}]},
            "attachments.0.content: ",
        ),
        ({"meta": {"x": {}}}, "meta"),
    ],
)
def test_what_is_wrong_is_said(account: Account, change: dict[str, Any], problem: str) -> None:
    found = refused(account.send("POST", "/emails", letter(somebody()) | change), 400)
    assert found["error"] == "Validation failed"
    assert found["validation_errors"][0].startswith(problem), found
    assert account.get("/emails")["data"] == []


def test_a_body_that_is_none(account: Account) -> None:
    for body in (b"{", b""):
        found = refused(account.send("POST", "/emails", body), 400)
        assert (found["statusCode"], found["error"]) == (400, "Bad Request")
    found = refused(account.send("POST", "/emails", b"[]"), 400)
    assert found["error"] == "Validation failed"


def test_an_unverified_domain(poster: Account, mailserver: Mailserver) -> None:
    strict = Account(poster.server, poster.http)
    use(strict, mailserver, anySender=False)
    found = refused(strict.send("POST", "/emails", letter(somebody())), 422)
    assert found == {
        "error": "From/Sender domain is not valid or not verified",
        "details": "From/Sender domain is not verified for this workspace. From: " + SENDER,
    }
    with pytest.raises(ApiErrorException) as caught:
        strict.sdk().emails.send(letter(somebody()))
    assert caught.value.http_status == 422


def test_a_key_that_is_bound_to_a_domain(poster: Account) -> None:
    name = f"{unique('d')}.example"
    made = poster.native("POST", "/v1/domains", {"name": name})
    assert made.status_code == 201, made.text
    key = poster.make(unique("key"), scope="sending", sending_domain_id=domain_id(made))["key"]
    body = letter(somebody(), sender=f"x@{name}")
    found = refused(poster.send("POST", "/emails", body, key=key), 422)
    assert found["details"].startswith("From/Sender domain is not verified for this workspace.")
    found = refused(poster.send("POST", "/emails", letter(somebody()), key=key), 422)
    assert found["details"] == (
        f"API key is restricted to sending domain: {name}. From/Sender address must use this"
        f" domain. From: {SENDER}"
    )
    sent = send(poster, somebody(), scheduled_at=later(hours=1))
    refused(poster.send("POST", f"/emails/{sent['id']}/cancel", key=key), 422)
    assert shown(poster, sent["id"])["status"] == "scheduled"


def domain_id(made: httpx2.Response) -> str:
    return str(made.json()["data"]["id"]).replace("domain_", "dom_")


def test_what_is_too_large(account: Account) -> None:
    files = [{"filename": "x", "content": encoded(bytes(27_000_000)), "content_type": "x/y"}]
    body = letter(somebody(), attachments=files)
    found = refused(account.send("POST", "/emails", body), 413)
    assert found["error"] == "Message too large"


def test_a_key_that_only_sends_reads_nothing(account: Account) -> None:
    key = account.make_key(scope="sending").secret
    sent = data_of(account.send("POST", "/emails", letter(somebody()), key=key), 201)
    for path in ("", f"/{sent['id']}", f"/{sent['id']}/raw", f"/{sent['id']}/body"):
        found = refused(account.send("GET", f"/emails{path}", key=key), 403)
        assert found["error"] == "Forbidden"


@pytest.mark.parametrize("path", ["", "/raw", "/body", "/meta", "/attachments"])
def test_what_is_not_there_or_somebody_elses(
    account: Account, stranger: Account, path: str
) -> None:
    sent = send(account, somebody())
    for email_id in (sent["id"], f"em_{NOWHERE}", "em_x", "1234567890", sent["token"]):
        assert refused(stranger.send("GET", f"/emails/{email_id}{path}"), 404) == NOT_FOUND


def test_another_projects_emails_are_not_there(account: Account) -> None:
    sent = send(account, somebody())
    other = account.server.make_project(account.id)
    headers = {"X_Project_ID": other}
    assert data_of(account.send("GET", "/emails", **headers))["data"] == []
    path = f"/emails/{sent['id']}"
    assert refused(account.send("GET", path, **headers), 404) == NOT_FOUND


def test_mails_of_gateposts_own_api_are_not_listed(account: Account) -> None:
    mail = {"email": {"to": somebody(), "subject": "x", "text": "y"}}
    made = account.native("POST", "/v1/messages", mail).json()["data"]
    assert account.get("/emails")["data"] == []
    email_id = made["deliveries"][0]["id"].replace("delivery_", "em_")
    assert refused(account.send("GET", f"/emails/{email_id}"), 404) == NOT_FOUND


def test_pages_lead_to_each_other(account: Account) -> None:
    ids = [send(account, somebody(), subject=f"Number {number}")["id"] for number in range(5)]
    first = account.get("/emails?limit=2")
    second = account.get(first["next_page_url"])
    third = account.get(second["next_page_url"])
    listed = [one["id"] for page in (first, second, third) for one in page["data"]]
    assert listed == ids[::-1]
    assert third["next_page_url"] is None
    back = account.get(third["previous_page_url"])["data"]
    assert [one["id"] for one in back] == [one["id"] for one in second["data"]]
    for query in ("limit=0", "limit=101", "limit=x", "page=0", "type=sideways"):
        refused(account.send("GET", f"/emails?{query}"), 400)
    assert account.get("/emails?type=inbound")["data"] == []
    assert len(account.get("/emails?type=outbound")["data"]) == 5


def test_filters(account: Account) -> None:
    to = somebody("filtered")
    wanted = send(account, to, subject="Invoice 7")
    others = [send(account, somebody(), subject=f"Order {number}") for number in range(3)]
    assert ids_of(account, "subject.starts_with=invoice") == [wanted["id"]]
    assert ids_of(account, f"to.exact={to}") == [wanted["id"]]
    assert ids_of(account, "search=invoice") == [wanted["id"]]
    assert ids_of(account, "order=subject&direction=asc")[0] == wanted["id"]
    assert set(ids_of(account, "subject.contains=order")) == {one["id"] for one in others}
    assert ids_of(account, "status.exact=bounced") == []


def ids_of(account: Account, query: str) -> list[str]:
    return [one["id"] for one in account.get(f"/emails?{query}")["data"]]


def test_what_was_erased_tells_less(poster: Account, mailserver: Mailserver) -> None:
    to = somebody()
    sent = send(poster, to)
    mailserver.one(to)
    await_status(poster, sent["id"], "delivered")
    poster.server.query(
        "UPDATE messages SET body = NULL WHERE id = ?", bytes.fromhex(sent["token"])
    )
    found = shown(poster, sent["id"])
    assert (found["from"], found["subject"], found["to"]) == (None, None, to)
    assert (found["meta"], found["attachments"], found["message_id"]) == ({}, [], None)
    assert poster.get("/emails")["data"][0]["size"] == 0
    for path in ("raw", "body", "attachments"):
        gone = refused(poster.send("GET", f"/emails/{sent['id']}/{path}"), 404)
        assert gone["error"] == "Email content not found"


def test_a_caught_email_is_delivered_to_the_mailbox(account: Account) -> None:
    to = somebody()
    sent = send(account, to)
    await_status(account, sent["id"], "delivered")
    mails = wait_for(
        lambda: account.native("GET", f"/v1/mailbox?recipient={to}").json()["data"]["mails"],
        "the caught mail",
    )
    assert [one["subject"] for one in mails] == ["Hello"]
