"""Pages of mails that tell of themselves."""

import html
import re

import pytest

from gatepost.base.ids import AccountId, DeliveryId
from gatepost.engine import tracking
from gatepost.engine.tracking import Tracked, Tracker

PEPPER = bytes(range(32))
MAIL = Tracked(AccountId(b"a" * 16), DeliveryId(b"d" * 16))
TRACKER = Tracker("https://post.example.org", PEPPER)


def link_of(page: str) -> Tracked | None:
    """What the first link of a page says, once it is read as HTML."""
    found = re.search(r"""href\s*=\s*["']([^"']*)""", page, re.IGNORECASE)
    assert found
    token = html.unescape(found[1]).partition("?t=")[2]
    return tracking.read(PEPPER, token)


@pytest.mark.parametrize(
    ("anchor", "url"),
    [
        ('<a href="https://a.example/x?a=1&amp;b=2">', "https://a.example/x?a=1&b=2"),
        ("<A class='b' HREF = 'HTTP://a.example'>", "HTTP://a.example"),
        ('<a\nhref="https://a.example/ü#x" id=i>', "https://a.example/ü#x"),
        ('<a data-x="1" href=" https://a.example ">', "https://a.example"),
    ],
)
def test_links_to_the_web_are_tracked(anchor: str, url: str) -> None:
    page = TRACKER.page(f"<p>{anchor}x</a>", MAIL, opens=False, clicks=True)
    assert link_of(page) == MAIL._replace(url=url)
    assert page.endswith("x</a>")


@pytest.mark.parametrize(
    "page",
    [
        '<a href="mailto:a@b.example">',
        '<a href="#top">',
        '<a href="/path">',
        '<a href="javascript:alert(1)">',
        '<a name="https://a.example">',
        '<a href="https://post.example.org/unsubscribe?t=x">',
        '<link href="https://a.example/style.css">',
        '<abbr href="https://a.example">',
        "href=https://a.example",
        '<a href="https://a.example/' + "x" * 9000 + '">',
    ],
)
def test_others_stay_as_they_are(page: str) -> None:
    assert TRACKER.page(page, MAIL, opens=False, clicks=True) == page


def test_the_image_comes_last() -> None:
    for page in ("<body>x</body></html>", "x", "<pre></body></pre>x</BODY >"):
        found = TRACKER.page(page, MAIL, opens=True, clicks=False)
        assert re.sub(r'<img src="[^"]*" width="1" height="1" alt="">', "", found) == page
        assert not re.search('alt="">.*x<', found)


def test_a_token_is_of_one_installation_and_cannot_be_changed() -> None:
    token = tracking.write(PEPPER, MAIL._replace(url="https://a.example"))
    assert tracking.read(PEPPER, token) == MAIL._replace(url="https://a.example")
    assert tracking.read(bytes(32), token) is None
    for at in range(len(token) - 1):
        other = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert tracking.read(PEPPER, other) is None
    for bad in ("", "A", "!", "ü", token[:-4], token + "AAAA"):
        assert tracking.read(PEPPER, bad) is None
