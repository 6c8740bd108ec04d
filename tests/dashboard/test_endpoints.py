"""Endpoints: made, understood, changed, tried, recovered and ended by forms."""

from urllib.parse import urlsplit

import pytest

from gatepost.dashboard.sections.endpoints.standing import standing
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import Page, Visitor
from tests.waiting import wait_for

URL = "https://nowhere.example/hooks"
HEALTHY = {"succeeded": 99, "failed": 1, "failuresInRow": 0, "openUntil": None}
AT = "2026-01-15T10:30:00.000Z"


def made(owner: Visitor, **fields: str) -> tuple[Page, str]:
    """A new endpoint: the page that shows its secret, and its id."""
    form = owner.open("endpoints/new")
    page = owner.submit(form, "Make it", url=URL, **fields)
    assert page.status == 201, page.text
    return page, urlsplit(page.link("To the endpoint")).path.rpartition("/")[2]


def secret_of(page: Page) -> str:
    (found,) = (one.text for one in page.root.all("code") if one.text.startswith("whsec_"))
    return found


def said(page: Page) -> str:
    found = (one for one in page.root.all("div") if "data-toast" in one.attributes)
    return " ".join(one.text.strip() for one in found)


def test_one_is_made_and_its_secret_shown_once(visitor: Visitor) -> None:
    empty = visitor.open("endpoints")
    assert "No endpoints yet" in empty.text
    form = visitor.open(empty.link("Make an endpoint"))
    wrong = visitor.submit(
        form, "Make it", url="ftp://example.com", types="event.orders, Odd!", headers="Host: a"
    )
    assert wrong.status == 400
    assert set(wrong.errors()) == {"url", "types", "headers"}
    assert wrong.root.one("input", name="url").attributes["value"] == "ftp://example.com"
    for name, given, words in (
        ("match", "{", "Must be JSON"),
        ("rate", "much", "number"),
        ("headers", "Authorization", "in each line"),
        ("match", '{"metadata": [{"path": "a", "op": "odd"}]}', ""),
    ):
        again = visitor.submit(form, "Make it", url=URL, **{name: given})
        assert words in again.errors()[name]
    own = {"retry": "own", "delays": "10, 60.5", "headers": "Authorization: Bearer hush"}
    match = '{"channels": ["orders"]}'
    fields = {"url": URL, "name": "Shop", "types": "event.orders\nmessage.*", "match": match}
    page = visitor.submit(wrong, "Make it", **fields, **own, rate="2.5")
    assert page.status == 201
    assert len(secret_of(page)) > 30
    twice = visitor.submit(wrong, "Make it", **fields, **own, rate="2.5")
    assert "shown once" in said(twice)
    shown = visitor.open(page.link("To the endpoint"))
    assert "whsec_" not in shown.answer.text
    assert "hush" not in shown.answer.text
    for words in ("Shop", URL, "message.*", '"orders"', "Waits of 10, 60.5 s", "2.5 a second"):
        assert words in shown.text.replace("10.0", "10")
    assert len(visitor.ask("api/v1/endpoints").json()["data"]["endpoints"]) == 1


def test_one_is_changed(visitor: Visitor) -> None:
    _, one = made(visitor, headers="X-Key: hush", rate="3")
    form = visitor.open(f"endpoints/{one}/edit")
    assert form.root.one("input", name="rate").attributes["value"] == "3"
    wrong = visitor.submit(form, "Save", url="https://elsewhere.example/")
    assert "Give them again" in wrong.errors()["headers"]
    page = visitor.submit(form, "Save", name="Other", array="yes", rate="", retry="short")
    assert page.title == "Other"
    assert "an array with one object" in page.text
    form = visitor.open(f"endpoints/{one}/edit")
    gone = visitor.submit(form, "Save", url="https://elsewhere.example/", drop_headers="yes")
    assert "https://elsewhere.example/" in gone.text


def test_a_secret_is_replaced(visitor: Visitor) -> None:
    page, one = made(visitor)
    form = visitor.open(f"endpoints/{one}/rotate")
    wrong = visitor.submit(form, "Make a new secret", secret="mine")
    assert set(wrong.errors()) == {"secret"}
    new = visitor.submit(form, "Make a new secret", grace="3600")
    assert "signs as well: for an hour" in new.text
    assert secret_of(new) != secret_of(page)


def test_one_is_tried_switched_recovered_and_ended(visitor: Visitor) -> None:
    _, one = made(visitor, retry="once")
    page = visitor.open(f"endpoints/{one}")
    assert "not been told anything yet" in page.text
    wrong = visitor.submit(page, "Send it", type="Odd!")
    assert set(wrong.errors()) == {"type"}
    sent = visitor.submit(page, "Send it", type="event.orders")
    assert sent.title == "event.orders"

    def failed() -> Page | None:
        found = visitor.open(f"endpoints/{one}")
        return found if "1 failed" in found.text else None

    wait_for(failed, "the example to fail")
    off = visitor.submit(page, "Disable")
    assert "Somebody has disabled it" in off.text
    form = visitor.open(f"endpoints/{one}/recover")
    assert set(visitor.submit(form, "Recover", since="2020-01-01T00:00").errors()) == {"since"}
    again = visitor.submit(form, "Recover")
    assert said(again) == "1 delivery starts again."
    on = visitor.submit(off, "Enable")
    assert "Somebody has disabled it" not in on.text
    gone = visitor.submit(on, "Delete")
    assert "No endpoints yet" in gone.text
    visitor.open(f"endpoints/{one}", 404)


def test_the_secret_of_direct_webhooks(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    page = visitor.open("endpoints/direct")
    assert not [one for one in page.root.all("code") if one.text.startswith("whsec_")]
    first = secret_of(visitor.submit(page, "Show the secret"))
    other = visitor.submit(page, "Make a new secret")
    assert secret_of(other) != first
    assert "signs as well: for a day" in other.text
    visitor.submit(page, "Forget the chosen secret")
    assert secret_of(visitor.submit(page, "Show the secret")) == first
    viewer = make_visitor(visitor.account, role="viewer").open("endpoints/direct")
    assert "Your role does not see the secret." in viewer.text
    assert not viewer.root.one("main").all("form")


def test_who_may_only_look_cannot_change_them(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    _, one = made(visitor)
    viewer = make_visitor(visitor.account, role="viewer")
    page = viewer.open(f"endpoints/{one}")
    assert not page.root.one("main").all("form")
    csrf = {"x-csrf-token": page.root.one("meta", name="csrf").attributes["content"]}
    for verb in ("edit", "rotate", "recover", "test", "disable", "delete"):
        where = f"endpoints/{one}/{verb}"
        refused = viewer.ask(where, "POST", headers=csrf, data={"url": URL, "cap": "1"})
        assert refused.status_code in {403, 400}, verb
    assert viewer.ask("api/v1/endpoints").json()["data"]["endpoints"][0]["status"] == "enabled"


@pytest.mark.parametrize(
    ("more", "health", "word"),
    [
        ({}, {}, "Enabled"),
        ({"failingSince": AT}, {}, "Failing"),
        ({"failingSince": AT}, {"failuresInRow": 9, "openUntil": AT}, "Left alone for a while"),
        ({"failingSince": AT, "warnedAt": AT}, {"openUntil": AT}, "Failing for days"),
        ({"status": "disabled"}, {}, "Disabled"),
        ({"status": "failed"}, {}, "Disabled, as it failed"),
        ({"status": "gone"}, {}, "Disabled, as it is gone"),
    ],
)
def test_how_one_stands(more: dict[str, str], health: dict[str, object], word: str) -> None:
    usual = {"status": "enabled", "failingSince": None, "warnedAt": None}
    found = standing({**usual, **more, "health": {**HEALTHY, **health}})
    assert (found.word, found.rate) == (word, 99)
    assert bool(found.text) is (word != "Enabled")
    nothing = {**HEALTHY, "succeeded": 0, "failed": 0}
    assert standing({**usual, "health": nothing}).rate is None
