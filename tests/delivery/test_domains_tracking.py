"""Mails that tell when they are opened and which links are followed, where that was asked for."""

import html
import re
from typing import Any

import httpx2
import pytest

from tests import plain
from tests.api.admin import Admin
from tests.delivery.listeners import listen
from tests.delivery.mails import ended, mail, somebody
from tests.delivery.receiver import Receiver
from tests.dialects.native.wire import data_of, problems_of
from tests.server import Server, unique

SHOP = "https://shop.example/offer?a=1&b=%C3%BC#top"
PAGE = (
    f'<body><p>Hi <a class="x" href="{html.escape(SHOP)}">offer</a> <A HREF=\'http://b.example\'>b'
    '</A> <a href="mailto:x@example.com">mail</a> <a href="#top">up</a> <a name="n">n</a></p>'
    "</body>"
)
ALL = {"opens": True, "clicks": True}


@pytest.fixture
def visitor() -> Any:
    with plain.Client(timeout=30) as client:
        yield client


def arrived(admin: Admin, **more: Any) -> tuple[str, str]:
    """A mail's HTML as it was sent, and the id of its delivery."""
    to = somebody()
    done = ended(admin, mail(admin, to, **{"html": PAGE, **more}))
    (found,) = admin.get(f"/v1/mailbox?recipient={to}")["mails"]
    return admin.get(f"/v1/mailbox/{found['id']}")["html"].strip(), done["id"]


def led(admin: Admin, page: str, attribute: str) -> list[str]:
    """Where the tracked links or images of a page lead, on the server under test."""
    found = [html.unescape(one) for one in re.findall(f'(?i){attribute}="([^"]*)"', page)]
    ours = [one for one in found if "/mail/" in one]
    return [admin.wire.address + "/" + one.split("/", 3)[3] for one in ours]


def tracking(admin: Admin, delivery_id: str) -> dict[str, Any]:
    return admin.get(f"/v1/deliveries/{delivery_id}/tracking")


def test_nothing_is_tracked_unless_it_is_asked_for(admin: Admin) -> None:
    page, delivery_id = arrived(admin)
    assert page == PAGE
    assert tracking(admin, delivery_id) == {"opens": 0, "clicks": 0, "tracks": []}


def test_opens_and_clicks_are_kept(admin: Admin, visitor: httpx2.Client) -> None:
    page, delivery_id = arrived(admin, tracking=ALL)
    (image,), (shop, other) = led(admin, page, "src"), led(admin, page, "href")
    assert page.index("<img") < page.index("</body>")
    assert 'href="mailto:x@example.com"' in page
    assert 'href="#top"' in page

    seen = visitor.get(image, headers={"User-Agent": "Mail/1"})
    assert (seen.status_code, seen.headers["content-type"]) == (200, "image/gif")
    assert seen.headers["cache-control"] == "no-store"
    assert visitor.head(image).status_code == 200
    for link, target in ((shop, SHOP), (other, "http://b.example")):
        answer = visitor.get(link)
        assert (answer.status_code, answer.headers["location"]) == (302, target)

    found = tracking(admin, delivery_id)
    assert (found["opens"], found["clicks"]) == (1, 2)
    kinds = [(one["kind"], one["url"]) for one in found["tracks"]]
    assert kinds == [("opened", None), ("clicked", SHOP), ("clicked", "http://b.example")]
    assert (found["tracks"][0]["agent"], found["tracks"][0]["address"]) == ("Mail/1", "127.0.0.1")


def test_one_of_them_alone(admin: Admin) -> None:
    page, _ = arrived(admin, tracking={"opens": True})
    assert (len(led(admin, page, "src")), led(admin, page, "href")) == (1, [])
    page, _ = arrived(admin, tracking={"clicks": True}, html='<a href="http://a.example">a</a>')
    assert (led(admin, page, "src"), len(led(admin, page, "href"))) == ([], 1)


def test_a_domain_says_how_its_mails_are_tracked(delivering: Server, admin: Admin) -> None:
    name = f"{unique('mail')}.example.com"
    made = delivering.cli("domain", "add", name, "--trust", "--account", admin.account)
    path = f"/v1/domains/{made['id']}"
    data_of(admin.send("PATCH", path, {"trackOpens": True, "trackClicks": True}), 200)
    mine = {"from": f"ada@{name.title()}"}
    page, _ = arrived(admin, **mine)
    assert (len(led(admin, page, "src")), len(led(admin, page, "href"))) == (1, 2)
    page, _ = arrived(admin, **mine, tracking={"clicks": False})
    assert (len(led(admin, page, "src")), led(admin, page, "href")) == (1, [])


def test_each_recipient_is_tracked_alone(admin: Admin, visitor: httpx2.Client) -> None:
    (first, one), (second, two) = arrived(admin, tracking=ALL), arrived(admin, tracking=ALL)
    assert led(admin, first, "src") != led(admin, second, "src")
    visitor.get(led(admin, first, "src")[0])
    assert (tracking(admin, one)["opens"], tracking(admin, two)["opens"]) == (1, 0)


def test_nobody_is_led_where_no_mail_has_led_them(admin: Admin, visitor: httpx2.Client) -> None:
    page, delivery_id = arrived(admin, tracking=ALL)
    image, link = led(admin, page, "src")[0], led(admin, page, "href")[0]
    path, _, token = link.partition("?t=")
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    for bad in (
        f"{path}?t={flipped}",
        f"{path}?t=",
        path,
        f"{path}?t={token[:40]}",
        f"{path}?t={'A' * 9000}",
        f"{path}?url=https://evil.example",
        image.replace("/mail/open", "/mail/click"),
        link.replace("/mail/click", "/mail/open"),
    ):
        answer = visitor.get(bad)
        assert (answer.status_code, answer.headers.get("location")) == (404, None), bad
    assert visitor.post(link).status_code == 405
    assert tracking(admin, delivery_id)["tracks"] == []


def test_endpoints_are_told(admin: Admin, receiver: Receiver, visitor: httpx2.Client) -> None:
    listener = listen(admin, receiver, types=["message.clicked", "message.opened"])
    page, delivery_id = arrived(admin, tracking=ALL)
    visitor.get(led(admin, page, "href")[0])
    told = listener.await_type("message.clicked")
    assert (told["deliveryId"], told["url"]) == (delivery_id, SHOP)


def test_other_accounts_see_none_of_it(admin: Admin, delivering: Server) -> None:
    _, delivery_id = arrived(admin, tracking=ALL)
    other = admin.using(delivering.make_tenant().key.secret)
    assert other.wire.get(f"/v1/deliveries/{delivery_id}/tracking").status_code == 404


def test_what_cannot_be_tracked_is_named(admin: Admin) -> None:
    email = {"to": somebody(), "subject": "s", "text": "t", "tracking": {"opens": 1}}
    answer = admin.send("POST", "/v1/messages", {"email": email})
    assert problems_of(answer) == [["email", "tracking", "opens"]]
