"""One visitor from the first link to signing out, and the feed while it is looked at."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests import plain
from tests.browser.conftest import MakeWindow
from tests.dashboard import seed
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import COOKIE, sign_in
from tests.server import Server, Tenant

pytestmark = pytest.mark.asyncio(loop_scope="session")
PARTS = """row => [...row.querySelectorAll("a, bdi, .badge, .event-icon, time")].map((one) =>
  [one.tagName, one.textContent, one.title, one.href ? decodeURIComponent(one.href) : ""])"""


async def send(server: Server, secret: str, **event: Any) -> None:
    def post() -> None:
        headers = {"authorization": f"Bearer {secret}"}
        body = {"channelName": "orders", "title": "Something", **event}
        answer = plain.post(f"{server.address}/v1/events", headers=headers, json=body)
        assert answer.status_code == 201, answer.text

    await asyncio.to_thread(post)


@pytest.mark.once
async def test_from_the_first_link_to_signing_out(tmp_path: Path, window: MakeWindow) -> None:
    with Server(tmp_path / "data") as server:
        printed = json.loads(server.output().partition("serve-1.out\n")[2].partition("\n")[0])
        tab = await (await window(server.address)).open(printed["dashboard"])
        await tab.get_by_label("E-mail").fill("ada@example.com")
        await tab.get_by_label("Your name").fill("Ada")
        await tab.get_by_label("Password").fill("correct horse battery")
        await tab.get_by_role("button", name="Go on").click()
        await tab.get_by_role("link", name="Feed", exact=True).first.click()
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Feed")
        await expect(tab.get_by_text("Waiting for your first event")).to_be_visible()
        await expect(tab.locator("[data-live-state]")).to_have_text("Live")

        key = str(server.first_run_key)
        await send(server, key, title="First order", icon="🛒", userId="u1", tags=["eu"])
        await expect(tab.get_by_role("link", name="First order")).to_be_visible(timeout=1500)
        await expect(tab.get_by_text("Waiting for your first event")).to_have_count(0)
        await send(server, key, title="A refund", metadata={"amount": 12})
        await expect(tab.locator("[data-row]").first).to_have_text("A refund")

        await tab.keyboard.press("/")
        await expect(tab.get_by_label("Words in title or description")).to_be_focused()
        await tab.keyboard.type("refund")
        await tab.keyboard.press("Enter")
        await expect(tab).to_have_url(re.compile(r"/feed\?q=refund$"))
        await expect(tab.locator("[data-row]")).to_have_text(["A refund"])
        await tab.keyboard.press("j")
        await tab.keyboard.press("Enter")
        await expect(tab.get_by_role("heading", level=1)).to_have_text("A refund")
        await expect(tab.get_by_role("row", name="amount")).to_contain_text("12")

        await tab.keyboard.press("g")
        await tab.keyboard.press("f")
        await tab.get_by_role("link", name="u1").click()
        await expect(tab).to_have_url(re.compile(r"/feed\?userId=u1$"))  # never identified
        await expect(tab.locator("[data-row]")).to_have_text(["First order"])
        await tab.locator("summary", has_text="Ada").click()
        await tab.get_by_role("button", name="Sign out").first.click()
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")
        await tab.goto(f"{server.address}/dashboard")
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_what_comes_waits_while_it_is_paused(
    server: Server, tenant_of_feed: tuple[Tenant, str], window: MakeWindow
) -> None:
    tenant, secret = tenant_of_feed
    browser = await window(server.address, secret)
    tab = await browser.open(f"{server.address}/dashboard/{tenant.account}/feed")
    state = tab.locator("[data-live-state]")
    await expect(state).to_have_text("Live")
    before = await tab.locator("[data-row]").count()
    await tab.get_by_role("button", name="Pause").click()
    await expect(state).to_have_text("Paused")
    for hostile in seed.HOSTILE:
        await send(server, tenant.key.secret, **hostile)
    await expect(state).to_have_text("2 new events waiting")
    await expect(tab).to_have_title("(2) Feed · Gatepost")
    await expect(tab.locator("[data-row]")).to_have_count(before)
    await tab.get_by_role("button", name="Show 2 new events").click()
    await expect(tab.locator("[data-row]")).to_have_count(before + 2)
    await expect(tab).to_have_title("Feed · Gatepost")
    await same_after_reload(tab)


async def same_after_reload(tab: Page) -> None:
    """What the script has made of an event is what the server makes of it."""
    made = [await _plain(tab, index) for index in (0, 1)]
    await tab.reload()
    now = [await _plain(tab, index) for index in (0, 1)]
    assert made == now


async def _plain(tab: Page, index: int) -> list[list[str]]:
    """What a row says, and where it leads."""
    told: list[list[str]] = await tab.locator(".event").nth(index).evaluate(PARTS)
    return told


@pytest.fixture
def tenant_of_feed(server: Server, make_tenant: Any) -> tuple[Tenant, str]:
    """A tenant with a few events, and a session of its owner."""
    tenant = make_tenant()
    seed.fill_feed(server, tenant)
    return tenant, sign_in(server, tenant.account)


async def test_small_things(
    server: Server,
    make_visitor: MakeVisitor,
    window: MakeWindow,
    tenant_of_feed: tuple[Tenant, str],
) -> None:
    tenant, secret = tenant_of_feed
    browser = await window(server.address, secret)
    tab = await browser.open(f"{server.address}/dashboard/{tenant.account}/feed")
    html = tab.locator("html")
    await tab.get_by_role("button", name="Dark").first.click()
    await expect(html).to_have_attribute("data-theme", "dark")
    await tab.reload()
    await expect(html).to_have_attribute("data-theme", "dark")
    await expect(html).to_have_attribute("data-zone", "Europe/Berlin")

    await tab.keyboard.press("?")
    await expect(tab.get_by_role("dialog", name="Keys")).to_contain_text("Go to Feed")
    await tab.keyboard.press("Escape")

    await tab.locator("[data-row]", has_text="Ada Lovelace signed up").first.click()
    await tab.get_by_role("button", name="Copy event_").click()
    copied = await tab.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("event_")
    await tab.get_by_role("link", name="ada", exact=True).first.click()
    await tab.get_by_role("button", name="Erase").click()
    dialog = tab.get_by_role("dialog", name="Erase this person?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    await tab.get_by_role("button", name="Erase").click()
    await dialog.get_by_role("button", name="Erase").click()
    await expect(tab.get_by_role("status").filter(has_text="was erased")).to_be_visible()


async def test_a_phone_has_a_menu(
    server: Server, window: MakeWindow, tenant_of_feed: tuple[Tenant, str]
) -> None:
    tenant, secret = tenant_of_feed
    browser = await window(server.address, secret, "phone")
    tab = await browser.open(f"{server.address}/dashboard/{tenant.account}/feed")
    await tab.get_by_role("button", name="More", exact=True).click()
    menu = tab.get_by_role("navigation", name="All sections")
    await expect(menu.get_by_role("link", name="Feed")).to_be_visible()
    delivery = menu.get_by_role("group", name="Delivery")
    await expect(delivery.get_by_role("link", name="Devices")).to_be_visible()
    box = await tab.locator("#more").bounding_box()
    assert box is not None
    assert box["y"] >= 0, "the menu is no higher than the screen"
    assert await tab.evaluate("shifts") < 0.1
    await tab.locator("#more").get_by_role("button", name="Sign out").click()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert COOKIE not in {one["name"] for one in await browser.context.cookies()}
