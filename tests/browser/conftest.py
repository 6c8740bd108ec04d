"""A real browser: one per test process, a context of its own for each visitor."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.dashboard.conftest import everything, furnished, make_visitor, visitor
from tests.dashboard.visitor import COOKIE

__all__ = ["everything", "furnished", "make_visitor", "visitor"]

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {
        "color_scheme": "light",
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
    },
}
WATCH = """
globalThis.shifts = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.shifts += one.value;
}).observe({type: "layout-shift", buffered: true});
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Window:
    """One visitor's browser, and what went wrong in it."""

    context: BrowserContext
    faults: list[str] = field(default_factory=list)

    async def open(self, address: str) -> Page:
        """A new tab at an address."""
        page = await self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        await page.goto(address)
        return page

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.location.get('url')}: {message.text}")


MakeWindow = Callable[..., Awaitable[Window]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a screen."""
    path = shutil.which("chromium") or "/usr/bin/chromium"
    options = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root it needs to be told
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=path, args=options)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser) -> AsyncIterator[MakeWindow]:
    """Makes a visitor's browser: `await window(address, session's secret, look="dark")`. Whatever
    its console or the policy says against a page fails the test.
    """
    made: list[Window] = []

    async def make(server: str, secret: str | None = None, look: str = "light") -> Window:
        context = await browser.new_context(**LOOKS[look], timezone_id="Europe/Berlin")
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        await context.add_init_script(WATCH)
        if secret is not None:
            await context.add_cookies([{"name": COOKIE, "value": secret, "url": server}])
        made.append(Window(context))
        return made[-1]

    yield make
    for one in made:
        await one.context.close()
    faults = [fault for one in made for fault in one.faults]
    if faults:
        pytest.fail("\n".join(faults))
