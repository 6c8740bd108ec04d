"""Counts: the first event comes, a chart is read by keys, a line is hidden."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing

import pytest
from playwright.async_api import expect

from tests import plain
from tests.browser.conftest import MakeWindow
from tests.dashboard import seed_counts
from tests.dashboard.visitor import COOKIE, Visitor
from tests.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_from_the_first_event_to_a_chart(
    server: Server, visitor: Visitor, window: MakeWindow
) -> None:
    start = f"{server.address}/dashboard/{visitor.account}"
    browser = await window(server.address, visitor.client.cookies[COOKIE])
    tab = await browser.open(f"{start}/counts/new")
    await tab.get_by_label("Name").fill("Web shop")
    await tab.get_by_role("button", name="Make aggregator").click()
    await expect(tab.get_by_text("Waiting for first event")).to_be_visible()
    aggregator = tab.url.split("/counts/")[1].split("/")[0]
    await tab.get_by_role("button", name="Make a key for it").click()
    snippet = await tab.locator("pre").inner_text()
    secret = snippet.split("Bearer ")[1].split("'")[0]
    setup = await browser.open(f"{start}/counts/{aggregator}/setup")
    await asyncio.to_thread(_count, server, secret, aggregator)
    await expect(setup.get_by_text("It works")).to_be_visible(timeout=20_000)
    await expect(tab.get_by_text("The first event has come")).to_be_visible(timeout=20_000)
    assert secret in await tab.locator("pre").inner_text()

    await setup.get_by_role("link", name="See the report").click()
    plot = setup.get_by_role("slider")
    await plot.focus()
    await plot.press("End")
    said = re.compile("user_signup 3, order_paid 2, page_view 1, All 6")
    await expect(plot).to_have_attribute("aria-valuetext", said)
    await expect(setup.locator(".tip")).to_contain_text("user_signup")
    await plot.press("ArrowLeft")
    await expect(plot).to_have_attribute("aria-valuetext", re.compile("All 0"))
    await expect(setup.locator(".tip")).to_contain_text("Nothing")
    await setup.get_by_role("link", name="Hide user_signup").click()
    await expect(setup.get_by_role("link", name="Show user_signup")).to_be_visible()
    await setup.wait_for_url(re.compile("hide="))
    await setup.get_by_role("slider").press("End")
    await expect(setup.locator(".tip")).not_to_contain_text("user_signup")
    await setup.reload()
    await expect(setup.get_by_role("link", name="Show user_signup")).to_be_visible()
    await setup.locator("summary", has_text="Filters").click()
    await expect(setup.locator("#known option")).to_have_count(0)
    await setup.get_by_label("Event or tag").focus()
    await expect(setup.locator("#known option[value=order_paid]")).to_have_count(1)


def _count(server: Server, secret: str, aggregator: str) -> None:
    headers = {"authorization": f"Bearer {secret}"}
    with closing(plain.Client(base_url=server.address, headers=headers)) as client:
        seed_counts.count(client, aggregator, seed_counts.EVENTS)
