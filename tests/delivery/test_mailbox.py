"""Mails that nobody takes are caught: over the API, and on the command line."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.mails import ended, mail, refused, somebody
from tests.server import Server
from tests.waiting import wait_for


def caught(admin: Admin, to: str) -> dict[str, Any]:
    """The only mail to an address."""
    (found,) = admin.get(f"/v1/mailbox?recipient={to.replace('+', '%2B')}")["mails"]
    return dict(found)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_mail_is_caught_and_shown(admin: Admin) -> None:
    to = somebody()
    files = [
        {"filename": "löwe.png", "content": encoded(b"png"), "contentId": "logo"},
        {"filename": "a.txt", "content": encoded(b"hello")},
    ]
    message = mail(admin, f"Jürgen <{to}>", html="<p>Hü</p>", attachments=files)
    done = ended(admin, message)
    assert (done["state"], done["log"][0]["via"]) == ("succeeded", "catcher")
    found = caught(admin, to)
    assert found["messageId"] == message["id"]
    assert found["deliveryId"] == done["id"]
    assert (found["recipient"], found["subject"]) == (to, "Hello")
    whole = admin.get(f"/v1/mailbox/{found['id']}")
    assert (whole["text"], whole["html"]) == ("How are you?\n", "<p>Hü</p>\n")
    assert ["To", f"Jürgen <{to}>"] in whole["headers"]
    shown = [(one["filename"], one["contentType"], one["size"]) for one in whole["attachments"]]
    assert shown == [("löwe.png", "image/png", 3), ("a.txt", "text/plain", 5)]
    files_at = f"/v1/mailbox/{found['id']}/attachments"
    first, second = (admin.send("GET", f"{files_at}/{number}") for number in range(2))
    assert (first.content, second.content) == (b"png", b"hello")
    assert first.headers["content-type"] == "application/octet-stream"
    assert first.headers["x-content-type-options"] == "nosniff"
    named = "attachment; filename*=UTF-8''l%C3%B6we.png"
    assert first.headers["content-disposition"] == named
    for number in ("2", "-1", "x", "0" * 9, "%C2%B2"):
        assert admin.send("GET", f"{files_at}/{number}").status_code == 404
    raw = admin.send("GET", f"/v1/mailbox/{found['id']}/raw")
    assert raw.headers["content-type"] == "message/rfc822"
    assert len(raw.content) == found["size"]
    assert raw.content.startswith(b'From: "Gatepost" <gatepost@localhost>\r\n')


def test_another_account_sees_none_of_it(admin: Admin, delivering: Server) -> None:
    to = somebody()
    ended(admin, mail(admin, to))
    mail_id = caught(admin, to)["id"]
    other = delivering.make_tenant().key.secret
    theirs = admin.using(other)
    assert theirs.get("/v1/mailbox")["mails"] == []
    at = f"/v1/mailbox/{mail_id}"
    for path in (at, f"{at}/raw", f"{at}/attachments/0"):
        assert theirs.send("GET", path).status_code == 404


def test_pages(admin: Admin) -> None:
    message = mail(admin, [somebody() for _ in range(5)])
    for one in message["deliveries"]:
        ended(admin, {"deliveries": [one]})
    found = admin.all_of("/v1/mailbox", "mails", 2)
    assert len({one["id"] for one in found}) == 5
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)


def test_the_command_line_shows_them(admin: Admin, delivering: Server) -> None:
    to = somebody()
    ended(admin, mail(admin, to, text="Grüße \x1b[31mrot", subject="Über uns"))
    account = ("--account", admin.account)
    (listed,) = delivering.cli("mail", "list", *account)["mails"]
    assert (listed["recipient"], listed["subject"]) == (to, "Über uns")
    shown = delivering.command("mail", "show", *account).stdout
    assert f"To: {to}\n" in shown
    assert "Subject: Über uns\n" in shown
    assert "Grüße  [31mrot" in shown
    raw = delivering.command("mail", "show", listed["id"], "--raw", *account).stdout
    assert "\nMessage-ID: <" in raw
    whole = delivering.cli("mail", "show", listed["id"], *account)
    assert whole["text"].startswith("Grüße")
    assert delivering.command("mail", "show", "mail_" + "0" * 32, *account).returncode == 1


def test_a_mail_from_the_command_line(admin: Admin, delivering: Server) -> None:
    to = somebody()
    account = ("--account", admin.account)
    sent = delivering.cli("mail", "send", to, "Hi", "there", *account)
    message = admin.get(f"/v1/messages/{sent['id']}")
    ended(admin, message)
    assert caught(admin, to)["subject"] == "Hi"
    wrong = delivering.command("mail", "send", "nobody", "Hi", "there", *account)
    assert wrong.returncode == 2
    assert "address" in wrong.stderr


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"to": "jane"}, ["to", 0]),
        ({"to": "a@b@c.example"}, ["to", 0]),
        ({"to": "a@example.com\r\nBcc: b@example.com"}, ["to", 0]),
        ({"to": "Jane\n <a@example.com>"}, ["to", 0]),
        ({"to": ["a@example.com, b@example.com"]}, ["to", 0]),
        ({"to": []}, ["to"]),
        ({"to": [f"a{n}@example.com" for n in range(30)], "cc": ["b@example.com"] * 21}, ["to"]),
        ({"cc": ["x"]}, ["cc", 0]),
        ({"from": "Boss <boss>"}, ["from"]),
        ({"replyTo": "nobody"}, ["replyTo", 0]),
        ({"subject": "Hello\r\nBcc: b@example.com"}, ["subject"]),
        ({"subject": "Hello\u2028you"}, ["subject"]),
        ({"subject": ""}, ["subject"]),
        ({"text": None}, ["text"]),
        ({"headers": {"Bcc": "b@example.com"}}, ["headers", "Bcc"]),
        ({"headers": {"from": "b@example.com"}}, ["headers", "from"]),
        ({"headers": {"Content-Type": "text/html"}}, ["headers", "Content-Type"]),
        ({"headers": {"X-A": "b\nBcc: b@example.com"}}, ["headers", "X-A"]),
        ({"headers": {"X A": "b"}}, ["headers", "X A"]),
        ({"headers": {"X-A:\r\nBcc": "b"}}, ["headers", "X-A:\r\nBcc"]),
        (
            {"unsubscribe": True, "headers": {"List-Unsubscribe": "x"}},
            ["headers", "List-Unsubscribe"],
        ),
        ({"attachments": [{"filename": "a\nb", "content": ""}]}, ["attachments", 0, "filename"]),
        (
            {"attachments": [{"filename": "a", "content": "", "contentType": "a/b\r\nX: y"}]},
            ["attachments", 0, "contentType"],
        ),
        (
            {"attachments": [{"filename": "a", "content": "", "contentId": "a>\r\nX: y"}]},
            ["attachments", 0, "contentId"],
        ),
        ({"attachments": [{"filename": "a", "content": "§"}]}, ["attachments", 0, "content"]),
    ],
)
def test_what_can_be_no_mail(admin: Admin, members: dict[str, Any], path: list[Any]) -> None:
    whole = {"to": "a@example.com", "subject": "x", "text": "y"} | members
    assert path in refused(admin, **whole)
    assert admin.get("/v1/messages")["messages"] == []


def test_a_mail_may_be_much_larger_than_other_requests(admin: Admin) -> None:
    to, content = somebody(), bytes(range(256)) * 32_768
    files = [{"filename": "large.bin", "content": encoded(content)}]
    done = ended(admin, mail(admin, to, attachments=files))
    assert done["state"] == "succeeded"
    whole = admin.get(f"/v1/mailbox/{caught(admin, to)['id']}")
    assert whole["attachments"][0]["size"] == len(content)


def test_what_a_mail_says_does_not_hold_its_attachments(admin: Admin) -> None:
    files = [{"filename": "a.txt", "content": encoded(b"x" * 1000)}]
    message = mail(admin, somebody(), attachments=files)
    payload = admin.get(f"/v1/messages/{message['id']}")["payload"]
    (part,) = payload["attachments"]
    assert (part["filename"], part["bytes"]) == ("a.txt", 1000)
    assert "content" not in part


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own that keeps few mails."""
    with Server(tmp_path / "data", env={"GATEPOST_MAILBOX_BYTES_MAX": "100000"}) as running:
        yield running


def test_the_oldest_go_where_they_are_too_many(small: Server, http: httpx2.Client) -> None:
    admin = make_admin(small, http)
    kept = []
    for _ in range(4):
        ended(admin, mail(admin, somebody(), text="word " * 8000))
        kept.append(admin.get("/v1/mailbox")["mails"][0]["id"])
    assert [one["id"] for one in admin.get("/v1/mailbox")["mails"]] == [kept[3], kept[2]]


def test_old_mails_and_attachments_of_nobody_are_forgotten(
    small: Server, http: httpx2.Client
) -> None:
    admin = make_admin(small, http)
    files = [{"filename": "a.txt", "content": encoded(b"x")}]
    message = mail(admin, somebody(), attachments=files)
    ended(admin, message)
    gone = mail(admin, somebody(), attachments=files)
    ended(admin, gone)
    small.stop()
    long_ago = bytes.fromhex("0" + "1" * 31)
    raw = bytes.fromhex(gone["id"].removeprefix("message_"))
    small.query("UPDATE attachments SET message_id = ? WHERE message_id = ?", long_ago, raw)
    small.query("UPDATE mailbox SET id = ? WHERE message_id = ?", long_ago, raw)
    small.start()
    left = "SELECT message_id FROM attachments"
    wait_for(lambda: len(small.query(left)) == 1, "the end of the attachment")
    wait_for(lambda: len(small.query("SELECT id FROM mailbox")) == 1, "the end of the mail")
    mine = bytes.fromhex(message["id"].removeprefix("message_"))
    assert bytes(small.query(left)[0][0]) == mine
