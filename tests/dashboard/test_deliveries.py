"""Deliveries and messages: looked for, understood, sent again, ended, sent by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests import plain
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.server import Server, Tenant
from tests.waiting import wait_for

HARM = "</pre><script>document.title='run'</script>"
Post = Callable[..., Any]


@pytest.fixture
def tenant_of(
    make_tenant: Callable[..., Tenant], make_visitor: MakeVisitor
) -> tuple[Tenant, Visitor]:
    tenant = make_tenant()
    return tenant, make_visitor(tenant.account)


@pytest.fixture
def owner(tenant_of: tuple[Tenant, Visitor]) -> Visitor:
    return tenant_of[1]


@pytest.fixture
def post(server: Server, tenant_of: tuple[Tenant, Visitor]) -> Post:
    """Asks the API; its data."""

    def post_(path: str, **body: Any) -> Any:
        key = {"authorization": f"Bearer {tenant_of[0].key.secret}"}
        answer = plain.post(f"{server.address}{path}", headers=key, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"]

    return post_


@pytest.fixture
def send(post: Post) -> Callable[..., str]:
    """Sends a webhook that leads nowhere; the id of its delivery."""

    def send_(payload: Any = None, **more: Any) -> str:
        webhook = {"url": "https://nowhere.example/hook", "payload": payload or {"order": 4711}}
        sent = post("/v1/messages", webhook=webhook, **{"retry": "once", **more})
        return str(sent["deliveries"][0]["id"])

    return send_


def await_word(visitor: Visitor, where: str, word: str) -> Page:
    def look() -> Page | None:
        page = visitor.open(where)
        return page if word in page.text else None

    return wait_for(look, f"{word!r} on {where}")


def rows(page: Page) -> list[str]:
    """Where the rows of a list lead, the last part of it."""
    found = [one for one in page.root.one("main").all("a") if "data-row" in one.attributes]
    return [urlsplit(one.attributes["href"]).path.rpartition("/")[2] for one in found]


def buttons(page: Page) -> set[str]:
    return {one.text.strip() for one in page.root.one("main").all("button")}


def ahead() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def test_why_it_failed_and_once_more(owner: Visitor, send: Callable[..., str]) -> None:
    one = send({"said": HARM})
    page = await_word(owner, f"deliveries/{one}", "It is not tried again.")
    assert "See whether the name of the host is right" in page.text
    assert "Attempt 1" in page.text
    assert HARM in page.text
    assert [each.attributes.get("type") for each in page.root.all("script")] == ["module"]
    facts = [each.text.strip() for each in page.root.one("main").all("dt")]
    assert {"webhook-id", "webhook-signature", "User-Agent"} <= set(facts)
    again = owner.submit(page, "Replay")
    assert again.root.one("div", role="status").text.strip() == "It is sent again."
    page = await_word(owner, f"deliveries/{one}", "Attempt 1, by hand")
    assert page.text.count("Attempt 1") == 2


def test_the_log_is_looked_through(owner: Visitor, post: Post, send: Callable[..., str]) -> None:
    failed, later = send(), send(sendAt=ahead())
    mail = post("/v1/messages", email={"to": "a@example.com", "subject": "s", "text": "t"})
    await_word(owner, "deliveries?state=failed", "message.webhook")
    mailed = mail["deliveries"][0]["id"]
    await_word(owner, "deliveries?state=succeeded", "a@example.com")
    page = owner.open("deliveries")
    assert rows(page) == [mailed, later, failed]
    assert page.root.one("div", id="log").attributes["data-refresh"]
    assert rows(owner.open(page.link("Failed"))) == [failed]
    assert rows(owner.submit(page, "Filter", transport="email")) == [mailed]
    found = owner.submit(page, "Filter", type="message.webhook")
    assert rows(found) == [later, failed]
    assert "data-refresh" in found.root.one("div", id="log").attributes
    assert "No deliveries like that" in owner.open("deliveries?transport=push").text
    wrong = owner.open("deliveries?since=yesterday", 400)
    assert set(wrong.errors()) == {"since"}
    assert rows(owner.open(f"messages?type={mail['type']}")) == [mail["id"]]
    assert rows(owner.open("messages?state=failed")) != []


def test_many_are_replayed_after_a_look_at_how_many(
    owner: Visitor, send: Callable[..., str]
) -> None:
    ids = [send() for _ in range(3)]
    for one in ids:
        await_word(owner, f"deliveries/{one}", "It is not tried again.")
    log = owner.open("deliveries?transport=webhook&state=failed")
    page = owner.open(log.link("Replay these…"))
    assert "3 deliveries" in page.text
    done = owner.submit(page, "Replay them")
    assert "3 deliveries start again." in done.root.one("div", role="status").text
    assert parse_qs(urlsplit(done.address).query) == {"transport": ["webhook"]}
    for one in ids:
        await_word(owner, f"deliveries/{one}", "by hand")
    assert "0 deliveries" in owner.open("deliveries/replay?state=canceled").text
    assert "arrive a second time" in owner.open("deliveries/replay?state=succeeded").text


def test_what_has_not_begun_is_ended(
    owner: Visitor, make_visitor: MakeVisitor, send: Callable[..., str]
) -> None:
    first, second = (send(sendAt=ahead(), orderingKey="order-1") for _ in range(2))
    third = send(sendAt=ahead())
    assert "An earlier one" in owner.open(f"deliveries/{second}").text
    page = owner.open(f"deliveries/{first}")
    done = owner.submit(page, "Skip")
    assert "It was skipped" in done.root.one("div", role="status").text
    assert "ended by hand" in done.text
    late = owner.submit(page, "Skip", once="another")
    assert late.root.one("div", role="alert").text.strip() == "It has ended."
    await_word(owner, f"deliveries/{second}", "when it is due")
    message = owner.open(f"deliveries/{third}").link("message.webhook")
    done = owner.submit(owner.open(message), "Cancel")
    assert "Canceled" in done.text
    viewer = make_visitor(owner.account, role="viewer")
    seen = viewer.open(f"deliveries/{second}")
    assert not {"Skip", "Cancel", "Replay"} & buttons(seen)
    assert "Send a message" not in viewer.open("deliveries").text
    csrf = seen.root.one("meta", name="csrf").attributes["content"]
    refused = viewer.ask(f"deliveries/{second}/skip", "POST", headers={"x-csrf-token": csrf})
    assert refused.status_code == 403


def test_a_message_is_sent_by_hand(owner: Visitor) -> None:
    empty = owner.open("deliveries")
    assert "Nothing has been sent yet" in empty.text
    page = owner.open(empty.link("Send a message"))
    wrong = owner.submit(page, "Send it", url="ftp://example.com", payload='{"a": 1}')
    assert set(wrong.errors()) == {"url"}
    assert wrong.root.one("textarea").text.strip() == '{"a": 1}'
    wrong = owner.submit(wrong, "Send it", url="https://nowhere.example/", payload="{")
    assert "Must be JSON" in wrong.errors()["payload"]
    sent = owner.submit(wrong, "Send it", payload='{"a": 1}')
    assert sent.title == "message.webhook"
    assert '"a": 1' in sent.text
    page = owner.open(page.link("E-mail"))
    wrong = owner.submit(page, "Send it", to="nobody, jane@example.com", subject="Hello")
    assert set(wrong.errors()) == {"to", "text"}
    sent = owner.submit(wrong, "Send it", to="bob@example.com, jane@example.com", text="Hi")
    assert sent.title == "message.email"
    assert len(rows(sent)) == 2
    delivery = await_word(owner, f"deliveries/{rows(sent)[0]}", "It was taken")
    assert "mailbox?recipient=bob" in delivery.link("See the mail, as it was caught")
