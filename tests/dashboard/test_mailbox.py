"""Caught mails, which may mean harm, and mailers."""

import base64
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from gatepost.dashboard.sections.mailbox.body import POLICY, inline, placed
from tests import plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant
from tests.waiting import wait_for

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HTML = (
    "<style>body { display: none }</style><script>parent.document.title = 'run'</script>"
    '<img src="cid:logo"><img src="https://evil.example/x.png"><a href="/" target="_top">x</a>'
)
FILES = [
    {"filename": "l\u00f6we.gif", "content": base64.b64encode(PIXEL).decode(), "contentId": "logo"},
    {"filename": 'a"; b.html', "content": base64.b64encode(b"<script>1</script>").decode()},
]


@pytest.fixture
def owner(server: Server, make_tenant: Callable[..., Tenant], make_visitor: MakeVisitor) -> Visitor:
    """Of an account that has caught one mail."""
    tenant = make_tenant()
    email = {
        "to": "jane@example.com",
        "subject": "</title><script>1</script>\u202eHello",
        "text": "Plain </pre> \x07 text",
        "html": HTML,
        "attachments": FILES,
    }
    key = {"authorization": f"Bearer {tenant.key.secret}"}
    answer = plain.post(f"{server.address}/v1/messages", headers=key, json={"email": email})
    assert answer.status_code == 202, answer.text
    owner = make_visitor(tenant.account)
    wait_for(lambda: rows(owner.open("mailbox")), "the mail")
    return owner


def rows(page: Page) -> list[str]:
    return [one.attributes["href"] for one in page.root.all("a") if "data-row" in one.attributes]


def mail(owner: Visitor) -> Page:
    return owner.open(rows(owner.open("mailbox"))[0])


def test_html_is_shown_where_it_can_do_nothing(owner: Visitor) -> None:
    page = mail(owner)
    assert "Hello" in page.title
    assert "display: none" not in page.answer.text
    frame = page.root.one("iframe")
    assert frame.attributes["sandbox"] == ""
    body = owner.ask(frame.attributes["src"])
    assert body.headers["content-type"] == "text/html; charset=utf-8"
    assert body.headers["content-security-policy"] == POLICY
    assert {"sandbox", "default-src 'none'", "frame-ancestors 'self'"} <= set(POLICY.split("; "))
    assert "allow-" not in POLICY
    assert "script" not in POLICY
    assert body.headers["x-frame-options"] == "SAMEORIGIN"
    assert body.headers["x-content-type-options"] == "nosniff"
    encoded = base64.b64encode(PIXEL).decode()
    assert body.text.strip() == HTML.replace("cid:logo", f"data:image/gif;base64,{encoded}")


def test_its_other_views(owner: Visitor) -> None:
    page = mail(owner)
    text = owner.open(page.link("Text"))
    assert "Plain </pre> \u2407 text" in text.root.one("pre").text
    headers = owner.open(page.link("Headers"))
    assert "jane@example.com" in headers.root.one("table").text
    source = owner.open(page.link("Source"))
    assert "Content-Type: multipart/" in source.root.one("pre").text
    for one in (page, text, headers, source):
        scripts = [each.attributes.get("type") for each in one.root.all("script")]
        assert scripts == ["module"]
        assert "\u202e" not in one.answer.text
    raw = owner.ask(page.link("Download"))
    assert raw.headers["content-type"] == "message/rfc822"
    assert raw.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in raw.headers["content-security-policy"]
    assert owner.open(page.link("Its delivery")).title == "message.email"


def test_files_are_kept_never_shown(owner: Visitor) -> None:
    page = mail(owner)
    links = [one for one in page.root.all("a") if "download" in one.attributes]
    first, second = (owner.ask(one.attributes["href"]) for one in links)
    assert first.content == PIXEL
    assert second.content == b"<script>1</script>"
    for answer, name in ((first, "l%C3%B6we.gif"), (second, "a%22%3B%20b.html")):
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    assert owner.ask(links[0].attributes["href"][:-1] + "7").status_code == 404


def test_mails_are_found_by_their_recipient(owner: Visitor) -> None:
    page = owner.open("mailbox")
    assert len(rows(owner.submit(page, "Filter", recipient="Jane <jane@example.com>"))) == 1
    assert (
        "No mails to that address" in owner.submit(page, "Filter", recipient="b@example.com").text
    )
    wrong = owner.submit(page, "Filter", recipient="nobody")
    assert wrong.status == 400
    assert set(wrong.errors()) == {"recipient"}


def test_only_images_that_are_named_are_put_in() -> None:
    def file(name: str, kind: str = "image/png", size: int = 9) -> dict[str, object]:
        return {"contentId": name, "contentType": kind, "size": size}

    files = [file("a"), file("b", "image/svg+xml"), file("c", size=9_000_000), file("d")]
    html = "<img src=cid:a><img src='cid:b'><img src=\"cid:c\">cid:e"
    assert inline(html, files) == {"a": (0, "image/png")}
    assert placed(html, {"a": "data:,"}) == html.replace("cid:a", "data:,")


def test_mailers_are_made_changed_and_ended(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    empty = visitor.open("mailers")
    form = visitor.open(empty.link("Make a mailer"))
    wrong = visitor.submit(form, "Make it", host="10.0.0.1", port="", priority="x")
    assert set(wrong.errors()) == {"priority"}
    wrong = visitor.submit(wrong, "Make it", priority="3")
    assert set(wrong.errors()) == {"host"}
    listed = visitor.submit(
        wrong, "Make it", host="smtp.example.com", username="acme", secret="hush"
    )
    assert "smtp.example.com:587" in listed.text
    other = visitor.open(form.link("Amazon SES"))
    listed = visitor.submit(
        other, "Make it", region="eu-central-1", username="AK", secret="s", priority="1"
    )
    assert [one.text for one in listed.root.one("tbody").all("a")] == ["ses", "smtp"]
    provider = visitor.open(rows(listed)[0])
    (callback,) = [one.text for one in provider.root.one("main").all("code")]
    assert "/mail/callbacks/mailer_" in callback
    page = visitor.open(rows(listed)[1])
    assert "hush" not in page.answer.text
    assert "/mail/callbacks/" not in page.answer.text
    wrong = visitor.submit(page, "Save", host="smtp.example.org")
    assert "secret" in wrong.errors()
    assert "First" in visitor.submit(page, "Save", name="First", priority="0").text
    viewer = make_visitor(visitor.account, role="viewer")
    assert not viewer.open(rows(listed)[1]).root.one("main").all("form")
    assert callback not in viewer.open(rows(listed)[0]).text
    visitor.submit(page, "Delete")
    left = visitor.submit(visitor.open(rows(listed)[0]), "Delete")
    assert urlsplit(left.address).path.endswith("/mailers")
    assert "No mailers" in left.text
