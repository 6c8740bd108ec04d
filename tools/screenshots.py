"""Take docs/screenshots again: the main pages of a dashboard that has something in it, light, dark
and on a phone.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from gatepost.dashboard.sections import SECTIONS
from tests.browser.conftest import LOOKS
from tests.dashboard import seed
from tests.dashboard.visitor import COOKIE, Visitor, sign_in
from tests.server import Server, Tenant

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/screenshots"
ZONE = "Europe/Berlin"


def main() -> int:
    """Write every picture anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder) / "data") as server,
        sync_playwright() as playwright,
    ):
        tenant = make_tenant(server)
        seed.fill(server, tenant, hostile=False)
        secret = sign_in(server, tenant.account, name="Ada Lovelace")
        pages = places(server, tenant.account, secret)
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for look, options in LOOKS.items():
            take(browser, look, options, server.address, secret, pages)
        browser.close()
    return 0


def make_tenant(server: Server) -> Tenant:
    """An account with names that look well."""
    inside = server._inside()
    account = inside.make_account("Analytical Engines", "unlimited")
    project = inside.make_project(account, "Web shop")
    return Tenant(account, project, server.make_key(account, project))


def places(server: Server, account: str, secret: str) -> dict[str, str]:
    """Pages by the names of their pictures: where sections begin, one event, one person."""
    visitor = Visitor(server, account, secret)
    feed = visitor.open("feed")
    visitor.client.close()
    event = next(one for one in feed.links if "/events/" in one)
    start = f"{server.address}/dashboard/{account}"
    begun = {section.name: start + section.path for section in SECTIONS}
    return begun | {"event": event, "person": f"{start}/person?name=ada"}


def take(
    browser: Browser,
    look: str,
    options: dict[str, Any],
    address: str,
    secret: str,
    pages: dict[str, str],
) -> None:
    """Take all pages in one look."""
    context = browser.new_context(**options, timezone_id=ZONE, reduced_motion="reduce")
    context.add_cookies([{"name": COOKIE, "value": secret, "url": address}])
    tab = context.new_page()
    tab.goto(next(iter(pages.values())))  # the first page learns the zone
    for name, page in pages.items():
        tab.goto(page)
        settle(tab)
        tab.screenshot(path=FOLDER / f"{name}-{look}.png", animations="disabled")
    context.close()


def settle(tab: Page) -> None:
    """Wait until the page's scripts have done what they do at first."""
    state = tab.locator("[data-live-state]")
    if state.count():
        tab.wait_for_function("document.querySelector('[data-live-state]').dataset.state")


if __name__ == "__main__":
    sys.exit(main())
