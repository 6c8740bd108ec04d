"""Every page there is a link to: valid, accessible in all looks, no wider than a phone."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page

from gatepost.dashboard.routes import Route
from tests.browser.conftest import LOOKS, MakeWindow
from tests.dashboard.conftest import MakeVisitor
from tests.dashboard.visitor import COOKIE, Visitor

CHECKS = Path(__file__).parent / "checks"
USUAL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DARK = ["color-contrast"]
PHONE = ["target-size", "scrollable-region-focusable", "link-name", "button-name", "region"]
"""All that axe knows in the usual look; in the others what they change."""
EACH_MAX = 2 if os.environ.get("TEST_THOROUGH") == "1" else 1
"""How many addresses of one route are looked at."""
PARTS = 3
RUN = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
Everything = dict[Route, list[str]]


@pytest.fixture(scope="session")
def addresses(furnished: Visitor, everything: Everything, make_visitor: MakeVisitor) -> list[str]:
    """Those of pages of our own. Whoever looks is somebody else each time: one operator may ask
    only so often.
    """
    looking = make_visitor(furnished.account, superuser=True)
    found = [one for addresses in everything.values() for one in addresses[:EACH_MAX]]
    return [one for one in found if is_ours(looking, one)]


@cache
def axe() -> str:
    return (CHECKS / "node_modules/axe-core/axe.min.js").read_text()


def is_ours(looking: Visitor, address: str) -> bool:
    found = looking.client.head(address)
    assert found.status_code != httpx2.codes.TOO_MANY_REQUESTS
    headers = found.headers
    ours = "sandbox" not in headers["content-security-policy"]
    return ours and headers["content-type"].startswith("text/html")


async def violations(page: Page, rules: list[str]) -> list[str]:
    """What axe has against a page, with where it is."""
    found: dict[str, Any] = await page.evaluate(RUN, rules)
    return [
        f"{page.url}: {one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


async def faults(page: Page, address: str) -> list[str]:
    """What is wrong with a page in any look."""
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(LOOKS["light"]["viewport"])
    await page.goto(address)
    await page.evaluate(axe())
    found = await violations(page, USUAL)
    await page.emulate_media(color_scheme="dark")
    found += await violations(page, DARK)
    await page.set_viewport_size(LOOKS["phone"]["viewport"])
    found += await violations(page, PHONE)
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*found, f"{address}: {wide} px wider than the screen"] if wide > 0 else found


@pytest.mark.timeout(300)
def test_pages_are_valid(
    furnished: Visitor, addresses: list[str], make_visitor: MakeVisitor
) -> None:
    visitor = make_visitor(furnished.account, superuser=True)
    sources = {one: visitor.client.get(one).text for one in addresses}
    sources["nowhere"] = visitor.client.get("/dashboard/nowhere").text
    command = ["node", str(CHECKS / "html.mjs")]
    done = subprocess.run(
        command, input=json.dumps(sources), capture_output=True, text=True, check=True
    )
    wrong = json.loads(done.stdout)
    assert not wrong, json.dumps(wrong, indent=1)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.timeout(300)
@pytest.mark.asyncio(loop_scope="session")
async def test_pages_are_for_everybody(
    furnished: Visitor,
    addresses: list[str],
    make_visitor: MakeVisitor,
    window: MakeWindow,
    part: int,
) -> None:
    visitor = make_visitor(furnished.account, superuser=True)
    server = str(visitor.client.base_url).rstrip("/")
    browser = await window(server, visitor.client.cookies[COOKIE])
    tab = await browser.open(server + visitor.at("feed"))
    wrong = [fault for one in addresses[part::PARTS] for fault in await faults(tab, one)]
    assert not wrong, "\n".join(wrong)
