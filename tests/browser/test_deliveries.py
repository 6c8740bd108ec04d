"""A delivery while it is looked at, and a mail that means harm in its frame."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests import plain
from tests.browser.conftest import MakeWindow
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import COOKIE
from tests.server import Server, Tenant

pytestmark = pytest.mark.asyncio(loop_scope="session")
HARM = """
<style>* { color: rgb(1, 2, 3) } body { background: url(https://evil.example/css) }</style>
<base href="https://evil.example/" target="_top"><meta http-equiv="refresh" content="0;url=/x">
<p id="here">Hello</p><script>top.document.title = "run"; location = "https://evil.example/"</script>
<img src="/x" onerror="top.document.title = 'run'" alt="a"><svg onload="top.document.title='run'"/>
<iframe src="/dashboard"></iframe><a id="out" href="/dashboard/you">leave</a>
<form id="form" action="/dashboard/sign-out" method="post" target="_top">
<button>send</button></form>
"""
EXPECTED = re.compile(
    r"policy|Content Security Policy|sandbox|allow-|Refused|Blocked|X-Frame-Options", re.IGNORECASE
)


async def post(server: Server, tenant: Tenant, **message: Any) -> str:
    def ask() -> str:
        headers = {"authorization": f"Bearer {tenant.key.secret}"}
        answer = plain.post(f"{server.address}/v1/messages", headers=headers, json=message)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["data"]["deliveries"][0]["id"])

    return await asyncio.to_thread(ask)


async def test_deliveries_as_they_come(
    server: Server, tenant_of: tuple[Tenant, str], window: MakeWindow
) -> None:
    tenant, secret = tenant_of
    start = f"{server.address}/dashboard/{tenant.account}"
    tab = await (await window(server.address, secret)).open(f"{start}/deliveries")
    await expect(tab.get_by_text("Nothing has been sent yet")).to_be_visible()
    await expect(tab.locator("[data-refresh-state]")).to_have_text("Live")
    webhook = {"url": "https://nowhere.example/", "payload": {"a": 1}}
    await post(server, tenant, webhook=webhook, retry="once")
    row = tab.locator(".log > li").first
    await expect(row.get_by_text("Failed")).to_be_visible(timeout=15_000)
    await tab.keyboard.press("j")
    await expect(row.locator("[data-row]")).to_be_focused()
    await post(server, tenant, webhook=webhook, retry="once")
    await expect(tab.locator(".log > li")).to_have_count(2, timeout=15_000)
    await expect(tab.locator(".log > li").nth(1).locator("[data-row]")).to_be_focused()
    await tab.get_by_role("button", name="Pause").click()
    await expect(tab.locator("[data-refresh-state]")).to_have_text("Paused")

    await tab.locator("[data-row]").first.click()
    await expect(tab.get_by_text("It is not tried again.")).to_be_visible()
    await tab.get_by_role("button", name="Replay").click()
    await expect(tab.get_by_text("Attempt 1, by hand")).to_be_visible(timeout=15_000)
    await expect(tab.get_by_text("It is not tried again.")).to_be_visible(timeout=15_000)
    await expect(tab.get_by_role("button", name="Copy delivery_")).to_be_visible()

    await tab.goto(f"{start}/endpoints/new")
    await expect(tab.get_by_label("Waits of my own", exact=True)).to_be_hidden()
    await tab.get_by_label("Schedule of attempts").select_option("own")
    await tab.get_by_label("Waits of my own", exact=True).fill("10, 60")
    await tab.get_by_label("URL").fill("https://nowhere.example/hooks")
    await tab.get_by_role("button", name="Make it").click()
    await expect(tab.get_by_text("This secret is shown only now")).to_be_visible()
    await tab.get_by_role("link", name="To the endpoint").click()
    await tab.get_by_role("button", name="Disable").click()
    await tab.get_by_role("dialog").get_by_role("button", name="Disable").click()
    await expect(tab.get_by_text("Somebody has disabled it")).to_be_visible()


async def test_a_mail_stays_in_its_frame(
    server: Server, tenant_of: tuple[Tenant, str], window: MakeWindow
) -> None:
    tenant, secret = tenant_of
    mail = {"to": "jane@example.com", "subject": "Harm", "text": "t", "html": HARM}
    await post(server, tenant, email=mail)
    start = f"{server.address}/dashboard/{tenant.account}"
    browser = await window(server.address, secret)
    tab = await browser.open(f"{start}/mailbox")
    asked: list[str] = []

    async def reached(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body="")

    await tab.route("https://evil.example/**", reached)
    await tab.get_by_role("link", name="Harm").click(timeout=15_000)
    frame = tab.frame_locator("iframe.mail")
    await expect(frame.locator("#here")).to_have_css("color", "rgb(1, 2, 3)")
    await expect(tab.locator("h1")).not_to_have_css("color", "rgb(1, 2, 3)")
    here = tab.url
    for harm in ("#out", "#form button"):
        await frame.locator(harm).click()
    await expect(tab.locator("h1")).to_have_text("Harm")
    assert tab.url == here
    assert await tab.title() == "Harm · Gatepost"
    body = next(one for one in tab.frames if one.url.endswith("/body"))
    assert await body.evaluate("origin") == "null"
    await tab.goto(body.url)
    assert await tab.evaluate("origin") == "null"
    assert await tab.title() == ""
    await tab.goto(f"{start}/mailbox")
    await expect(tab.locator("h1")).to_have_text("Caught mails")
    assert asked == []
    unexpected = [one for one in browser.faults if not EXPECTED.search(one)]
    browser.faults.clear()  # what the policy has against the mail is what is wanted
    assert unexpected == []


@pytest.fixture
def tenant_of(server: Server, make_visitor: MakeVisitor) -> tuple[Tenant, str]:
    tenant = server.make_tenant()
    return tenant, str(make_visitor(tenant.account).client.cookies[COOKIE])
