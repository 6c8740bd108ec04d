"""A rule that is written, tried and saved with scripts; a browser that becomes a device."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pytest
from playwright.async_api import Page, expect

from tests import plain
from tests.browser.conftest import MakeWindow
from tests.dashboard.seed_sending import device
from tests.dashboard.visitor import sign_in
from tests.server import Server, Tenant, unique

pytestmark = pytest.mark.asyncio(loop_scope="session")

# No push service can be reached from a test: this stands for what one would answer a browser.
SUBSCRIBED = """
const given = %s;
PushManager.prototype.getSubscription = async () =>
  sessionStorage.given ? {toJSON: () => given, unsubscribe: async () => true} : null;
PushManager.prototype.subscribe = async function (wanted) {
  if (!wanted.userVisibleOnly || wanted.applicationServerKey.length !== 87) throw new Error("no");
  sessionStorage.given = "yes";
  return this.getSubscription();
};
"""
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/dashboard/");
  const shown = await registration.getNotifications();
  return shown.map((one) => [one.title, one.body, one.data.url]);
}"""


async def test_a_rule_grows_where_it_stands_and_a_device_is_told(
    server: Server, make_tenant: Callable[..., Tenant], window: MakeWindow
) -> None:
    tenant = make_tenant()
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    event = {"channelName": "payments", "title": "Paid", "metadata": {"amount": 5}}
    await asyncio.to_thread(
        lambda: plain.post(f"{server.address}/v1/events", headers=headers, json=event)
    )
    browser = await window(server.address, sign_in(server, tenant.account))
    below = f"{server.address}/dashboard/{tenant.account}"
    tab = await browser.open(f"{below}/rules/new")
    await write_a_rule(tab)
    await browser.context.grant_permissions(["notifications"], origin=server.address)
    await browser.context.add_init_script(SUBSCRIBED % json.dumps(device(unique("place"))))
    await become_a_device(tab, below)


async def write_a_rule(tab: Page) -> None:
    await tab.get_by_label("Name", exact=True).fill("Payments")
    await tab.evaluate("globalThis.same = true")
    await expect(tab.get_by_role("main").get_by_label("Events", exact=True)).to_be_hidden()
    await tab.get_by_label("when there are many").check()
    await tab.get_by_role("main").get_by_label("Events", exact=True).fill("1")
    await tab.get_by_label("Minutes", exact=True).fill("5")
    await tab.get_by_label("In one of these channels").fill("payments")
    await tab.get_by_role("button", name="E-mail").click()
    await expect(tab.get_by_label("E-mail to")).to_be_focused()
    await tab.keyboard.type("ada@example.com")
    await tab.get_by_role("button", name="A value in the metadata").click()
    await expect(tab.get_by_label("Value at")).to_be_focused()
    await expect(tab.get_by_label("E-mail to")).to_have_value("ada@example.com")
    await tab.get_by_role("button", name="Remove this condition").click()
    await expect(tab.get_by_label("Value at")).to_have_count(0)
    await tab.get_by_role("button", name="What would it tell?").click()
    await expect(tab.get_by_text("1 alert from 1 event")).to_be_visible()
    await expect(tab.get_by_role("heading", name="Try it on stored events")).to_be_focused()
    assert await tab.evaluate("globalThis.same"), "the page was not left"
    await tab.get_by_label("Name", exact=True).press("Enter")
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Payments")


async def become_a_device(tab: Page, below: str) -> None:
    await tab.goto(f"{below}/push")
    await expect(tab.get_by_role("status")).to_have_text("Notifications are off.")
    await tab.get_by_role("button", name="Notify me on this device").click()
    await expect(tab.get_by_role("row", name="push.example.net")).to_contain_text("this one")
    await expect(tab.get_by_role("status").first).to_have_text("Notifications are on.")
    talk = await tab.context.new_cdp_session(tab)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(said: dict[str, list[dict[str, str]]]) -> None:
        for one in said["registrations"]:
            if one["scopeURL"].endswith("/dashboard/") and not found.done():
                found.set_result(one["registrationId"])

    talk.on("ServiceWorker.workerRegistrationUpdated", registered)
    await talk.send("ServiceWorker.enable")
    origin = re.sub(r"/dashboard.*", "", below)
    said = {"title": "Payments: 1", "body": "Paid", "id": "message_1", "url": "/dashboard/x"}
    told = {"origin": origin, "registrationId": await found, "data": json.dumps(said)}
    await talk.send("ServiceWorker.deliverPushMessage", told)
    shown = [["Payments: 1", "Paid", "/dashboard/x"]]
    await tab.wait_for_function(f"async () => JSON.stringify(await ({SHOWN})()) !== '[]'")
    assert await tab.evaluate(SHOWN) == shown
    await tab.get_by_role("button", name="Notify me here no more").click()
    await expect(tab.get_by_text("No device is told of anything")).to_be_visible()
