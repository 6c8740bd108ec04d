"""Devices that are told by push messages, and a message to try them."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from gatepost.base.errors import Code
from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50


async def list_(visit: Visit) -> Response:
    """Show a page of devices, and what this one needs to become one of them."""
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    found, key, channels = await asyncio.gather(
        visit.api.page("/v1/push/devices", "devices", query),
        visit.api.get("/v1/push/key"),
        visit.api.get("/v1/channels"),
    )
    return visit.page(
        "push/list.html",
        found=found,
        key=key["publicKey"],
        channels=[one["name"] for one in channels["channels"]],
        email=visit.operator.operator.email,
        form=Form(),
        may_write=visit.api.may(Scope.PUSH_WRITE),
        may_send=visit.api.may(Scope.MESSAGES_SEND),
    )


async def test(visit: Visit) -> Response:
    """Send a notification to one device."""
    where = visit.url("push")
    push = {
        "to": {"device": visit.path["device"]},
        "title": "Gatepost reaches this device",
        "body": "Notifications will look like this.",
        "url": where,
        "ttlSeconds": 600,
    }
    try:
        await visit.api.send("POST", "/v1/messages", {"push": push}, once=visit.form.once)
    except Refused as refused:
        if refused.code == Code.NOT_FOUND:
            raise
        return visit.redirect(where, refused.detail, "problem")
    return visit.redirect(where, "A notification is on its way to the device.")


async def delete(visit: Visit) -> Response:
    """Forget a device."""
    path = at("/v1/push/devices", visit.path["device"])
    await visit.api.send("DELETE", path, once=visit.form.once)
    return visit.redirect(visit.url("push"), "The device is told nothing more.")
