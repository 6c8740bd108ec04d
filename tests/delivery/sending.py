"""Messages that are sent over the API, and what becomes of them."""

from typing import Any

import httpx2

from tests.api.admin import Admin
from tests.dialects.native.wire import data_of
from tests.waiting import wait_for

ENDED = {"succeeded", "failed", "canceled"}


def try_send(admin: Admin, url: str, once: str | None = None, **more: Any) -> httpx2.Response:
    """Ask for a webhook to a URL; `payload`, `headers` and `method` are its own, the rest is the
    message's.
    """
    webhook = {"url": url, "payload": more.pop("payload", {"hello": "world"})}
    webhook |= {name: more.pop(name) for name in ("headers", "method") if name in more}
    return admin.send("POST", "/v1/messages", {"webhook": webhook, **more}, once)


def send(admin: Admin, url: str, **more: Any) -> dict[str, Any]:
    """Send a webhook to a URL; returns the message, which has one delivery."""
    return data_of(try_send(admin, url, **more), 202)


def sent(admin: Admin, url: str, **more: Any) -> str:
    """The id of the delivery of a webhook to a URL."""
    (delivery,) = send(admin, url, **more)["deliveries"]
    return str(delivery["id"])


def delivery(admin: Admin, delivery_id: str) -> dict[str, Any]:
    return admin.get(f"/v1/deliveries/{delivery_id}")


def await_state(admin: Admin, delivery_id: str, *states: str) -> dict[str, Any]:
    """The delivery once it is in one of these states; without any, once it has ended."""
    wanted = set(states) or ENDED

    def look() -> dict[str, Any] | None:
        found = delivery(admin, delivery_id)
        return found if found["state"] in wanted else None

    return wait_for(look, f"{delivery_id} to be {' or '.join(sorted(wanted))}")


def await_attempts(admin: Admin, delivery_id: str, number: int) -> dict[str, Any]:
    """The delivery once so many attempts have been logged."""

    def look() -> dict[str, Any] | None:
        found = delivery(admin, delivery_id)
        return found if len(found["log"]) >= number else None

    return wait_for(look, f"{number} attempts of {delivery_id}")


def change(admin: Admin, delivery_id: str, verb: str) -> httpx2.Response:
    """Replay, cancel or skip."""
    return admin.send("POST", f"/v1/deliveries/{delivery_id}/{verb}")


def changed(admin: Admin, delivery_id: str, verb: str) -> dict[str, Any]:
    return data_of(change(admin, delivery_id, verb), 200)
