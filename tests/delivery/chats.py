"""Chats that are written to over the API."""

from typing import Any

import httpx2

from tests.api.admin import Admin
from tests.dialects.native.wire import data_of
from tests.waiting import wait_for

ENDED = {"succeeded", "failed", "canceled"}


def ask(
    admin: Admin, *, once: str | None = None, retry: Any = "once", **chat: Any
) -> httpx2.Response:
    """Ask for a text in chats: `url` or `urls`, `body`, …"""
    said = {"body": "Hello", **chat}
    return admin.send("POST", "/v1/messages", {"chat": said, "retry": retry}, once)


def say(admin: Admin, url: str, **more: Any) -> dict[str, Any]:
    """Write to one chat; returns the delivery once it has ended, with its attempts."""
    (delivery,) = data_of(ask(admin, url=url, **more), 202)["deliveries"]
    return ended(admin, delivery["id"])


def ended(admin: Admin, delivery_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = admin.get(f"/v1/deliveries/{delivery_id}")
        return found if found["state"] in ENDED else None

    return wait_for(look, f"the end of {delivery_id}", 20)
