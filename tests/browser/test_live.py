"""How soon an open feed shows what a client was told is stored."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import MakeWindow
from tests.dashboard.visitor import sign_in
from tests.server import Server, Tenant

pytestmark = pytest.mark.asyncio(loop_scope="session")
CLIENT = Path(__file__).parents[1] / "dialects" / "native" / "emitkit_js"
LATE_MS = 300
SENT = 3
"""The quickest of so many counts: the machine may be busy with other tests."""
WATCH = """() => {
  globalThis.seenAt = {};
  new MutationObserver(() => {
    for (const row of document.querySelectorAll("[data-row]"))
      globalThis.seenAt[row.textContent] ??= Date.now();
  }).observe(document.body, {childList: true, subtree: true});
}"""


def create(server: Server, tenant: Tenant) -> list[dict[str, Any]]:
    """Events by the published npm package, and when it had each answer."""
    context = {"address": server.address, "key": tenant.key.secret}
    done = subprocess.run(
        ["node", "timed.mjs", "live", str(SENT)],
        cwd=CLIENT,
        env=os.environ | {"CHECK_CONTEXT": json.dumps(context)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told


async def test_an_event_of_the_npm_client_is_on_the_page_at_once(
    server: Server, tenant: Tenant, window: MakeWindow
) -> None:
    """Both ends read the same clock, that of this machine."""
    browser = await window(server.address, sign_in(server, tenant.account))
    tab = await browser.open(f"{server.address}/dashboard/{tenant.account}/feed?channel=live")
    await expect(tab.locator("[data-live-state]")).to_have_text("Live")
    await tab.evaluate(WATCH)
    told = await asyncio.to_thread(create, server, tenant)
    for one in told:
        await expect(tab.get_by_role("link", name=one["title"])).to_be_visible()
    seen_at = await tab.evaluate("seenAt")
    late = [seen_at[one["title"]] - one["answeredAt"] for one in told]
    assert len(late) == SENT
    assert min(late) <= LATE_MS, f"ms after the answer: {late}"
