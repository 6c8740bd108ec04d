"""A key made, copied, refused and looked for, while the ledger is looked at; ended in a dialog."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests import plain
from tests.browser.conftest import MakeWindow
from tests.dashboard.visitor import sign_in
from tests.server import Server, Tenant

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_key_and_why_it_was_refused(
    server: Server, make_tenant: Callable[..., Tenant], window: MakeWindow
) -> None:
    account = make_tenant().account
    tab = await (await window(server.address, sign_in(server, account))).open(
        f"{server.address}/dashboard/{account}/keys"
    )
    await tab.get_by_role("link", name="New key").click()
    await tab.get_by_label("Name").fill("web shop")
    await expect(tab.get_by_text("people:read")).to_be_hidden()
    await tab.get_by_label("Single scopes").check()
    await tab.get_by_label("people:read").check()
    await tab.get_by_role("button", name="Make the key").click()
    shown = tab.get_by_role("region", name="Secret")
    await shown.get_by_role("button", name="Copy").click()
    await expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    secret = await tab.evaluate("navigator.clipboard.readText()")
    assert secret == await shown.locator("pre").first.inner_text()

    await tab.get_by_role("link", name="to the keys").click()
    await tab.get_by_role("link", name="Refused requests").click()
    await expect(tab.get_by_role("heading", name="Nothing was refused")).to_be_visible()
    headers = {"authorization": f"Bearer {secret}"}
    refused = await asyncio.to_thread(plain.get, f"{server.address}/v1/events", headers=headers)
    assert refused.status_code == 403
    await expect(tab.get_by_text("lacks the scope events:read")).to_be_visible(timeout=15_000)
    await tab.locator("td summary").click()
    await expect(tab.get_by_text("Use a key with the scope")).to_be_visible()

    await tab.get_by_role("link", name="web shop").click()
    await tab.get_by_role("button", name="End", exact=True).first.click()
    dialog = tab.get_by_role("dialog", name="End this key for good?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    await tab.get_by_role("button", name="End", exact=True).first.click()
    await dialog.get_by_role("button", name="End").click()
    await expect(tab.get_by_role("status")).to_contain_text("The key was ended")
    await expect(tab.get_by_role("link", name="web shop")).to_have_count(0)
