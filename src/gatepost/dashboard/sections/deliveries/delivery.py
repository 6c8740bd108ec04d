"""One delivery: every attempt, why it stands where it does, what can be done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.render import pretty
from gatepost.dashboard.sections.deliveries import words
from gatepost.dashboard.sections.deliveries.why import explain
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

SAID = {
    "replay": "It is sent again.",
    "cancel": "It was canceled.",
    "skip": "It was skipped: whatever waited for it goes on.",
}


async def show(visit: Visit) -> Response:
    """Show a delivery."""
    delivery = await visit.api.get(at("/v1/deliveries", visit.path["delivery"]))
    message, endpoint, tracking = await asyncio.gather(
        visit.api.get(at("/v1/messages", delivery["messageId"])),
        _endpoint(visit, delivery["endpointId"]),
        _tracking(visit, delivery),
    )
    known = {} if endpoint is None else {endpoint["id"]: endpoint}
    payload, more = words.cut(pretty(message["payload"]))
    return visit.page(
        "deliveries/delivery.html",
        delivery=delivery,
        message=message,
        endpoint=endpoint,
        tracking=tracking,
        why=explain(delivery, endpoint),
        to=words.destination(delivery, known),
        payload=payload,
        more=more,
        form=Form(),
        words=words,
        acts=acts(delivery, message) if visit.api.may(Scope.MESSAGES_WRITE) else (),
    )


def acts(delivery: Mapping[str, Any], message: Mapping[str, Any]) -> tuple[str, ...]:
    """What can be done with a delivery now."""
    state, found = delivery["state"], []
    tried = state == "pending" and delivery["attempts"]
    if not message["erased"] and (state in words.ENDED or tried):
        found.append("replay")
    if state in {"pending", "waiting"}:
        found.append("skip" if delivery["orderingKey"] and state == "pending" else "cancel")
    return tuple(found)


async def _endpoint(visit: Visit, endpoint_id: str | None) -> Any:
    """The endpoint; None where there is none, or none any more."""
    if endpoint_id is None or not visit.api.may(Scope.ENDPOINTS_READ):
        return None
    try:
        return await visit.api.get(at("/v1/endpoints", endpoint_id))
    except Refused:
        return None


async def _tracking(visit: Visit, delivery: Mapping[str, Any]) -> Any:
    if delivery["transport"] != "email":
        return None
    return await visit.api.get(at("/v1/deliveries", delivery["id"], "tracking"))


def change(verb: str) -> Callable[[Visit], Awaitable[Response]]:
    """What a button does; what is too late is said on the page."""

    async def act(visit: Visit) -> Response:
        delivery_id = visit.path["delivery"]
        where = visit.url("deliveries", delivery_id)
        try:
            path = at("/v1/deliveries", delivery_id, verb)
            await visit.api.send("POST", path, once=visit.form.once)
        except Refused as refused:
            if refused.code != "conflict":
                raise
            return visit.redirect(where, f"{refused.detail}.", "problem")
        return visit.redirect(where, SAID[verb])

    return act
