"""Messages: the list of them, and one with what it says."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.render import pretty
from gatepost.dashboard.sections.deliveries import asked as asking
from gatepost.dashboard.sections.deliveries import words
from gatepost.dashboard.sections.deliveries.log import endpoints, fields, page_of
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope


async def list_(visit: Visit) -> Response:
    """Show a page of messages."""
    asked = asking.read(visit.query, asking.MESSAGES)
    (found, form, status), known = await asyncio.gather(
        page_of(visit, "messages", asked), endpoints(visit)
    )
    return visit.page(
        "deliveries/messages.html",
        status,
        asked=asked,
        form=form,
        found=found,
        endpoints=known,
        fields=fields(asked, visit),
        words=words,
        may_send=visit.api.may(Scope.MESSAGES_SEND),
    )


async def show(visit: Visit) -> Response:
    """Show a message with its deliveries."""
    message, known = await asyncio.gather(
        visit.api.get(at("/v1/messages", visit.path["message"])), endpoints(visit)
    )
    payload, more = words.cut(pretty(message["payload"]))
    ends = any(one["state"] in {"pending", "waiting"} for one in message["deliveries"])
    return visit.page(
        "deliveries/message.html",
        message=message,
        endpoints=known,
        payload=payload,
        more=more,
        form=Form(),
        words=words,
        may_cancel=ends and visit.api.may(Scope.MESSAGES_WRITE),
    )


async def cancel(visit: Visit) -> Response:
    """End those of its deliveries that have not begun."""
    message_id = visit.path["message"]
    where = visit.url("messages", message_id)
    try:
        path = at("/v1/messages", message_id, "cancel")
        await visit.api.send("POST", path, once=visit.form.once)
    except Refused as refused:
        if refused.code != "conflict":
            raise
        return visit.redirect(where, f"{refused.detail}.", "problem")
    return visit.redirect(where, "What had not been sent was canceled.")
