"""The log of deliveries, newest first, and many of them started again."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Page, Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.render import number
from gatepost.dashboard.sections.deliveries import asked as asking
from gatepost.dashboard.sections.deliveries import words
from gatepost.dashboard.sections.deliveries.asked import Asked
from gatepost.dashboard.sections.feed.asked import typed
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

ENDPOINTS_MAX = 100


async def show(visit: Visit) -> Response:
    """Show a page of deliveries."""
    asked = asking.read(visit.query)
    (found, form, status), known = await asyncio.gather(
        page_of(visit, "deliveries", asked), endpoints(visit)
    )
    return visit.page(
        "deliveries/log.html",
        status,
        asked=asked,
        form=form,
        found=found,
        endpoints=known,
        fields=fields(asked, visit),
        words=words,
        may_send=visit.api.may(Scope.MESSAGES_SEND),
        may_change=visit.api.may(Scope.MESSAGES_WRITE),
    )


async def page_of(visit: Visit, noun: str, asked: Asked) -> tuple[Page, Form, int]:
    """A page of a list, the form of its filters, and the page's status: none of it is lost where
    what was asked for is refused.
    """
    form = Form.starting()
    try:
        return await visit.api.page(f"/v1/{noun}", noun, asked.query(visit)), form, 200
    except Refused as refused:
        return Page([], None), form.refused(refused), refused.status


async def endpoints(visit: Visit) -> dict[str, Any]:
    """The project's endpoints by their ids, for their names; none for whom they are hidden."""
    if not visit.api.may(Scope.ENDPOINTS_READ) or visit.project is None:
        return {}
    found = await visit.api.page("/v1/endpoints", "endpoints", {"limit": ENDPOINTS_MAX})
    return {one["id"]: one for one in found.items}


def fields(asked: Asked, visit: Visit) -> dict[str, str]:
    """Moments as fields show them."""
    return {name: typed(asked.get(name), visit.zone) for name in asking.MOMENTS}


async def ask(visit: Visit) -> Response:
    """Show how many would be started again, and ask."""
    return await _ask(visit, asking.read(visit.query), Form())


async def _ask(visit: Visit, asked: Asked, form: Form) -> Response:
    wanted = {**asked.filter(visit), "state": asking.again(asked)}
    counted, known = await asyncio.gather(
        visit.api.get("/v1/deliveries/count", wanted), endpoints(visit)
    )
    return visit.page(
        "deliveries/replay.html",
        400 if form.problem else 200,
        asked=asked,
        form=form,
        counted=counted,
        states=asking.again(asked),
        endpoints=known,
        words=words,
        kept=_kept(asked),
    )


async def replay(visit: Visit) -> Response:
    """Start them again."""
    asked = asking.read(visit.form)
    body = asking.replay(asked, visit)
    try:
        done = await visit.api.send("POST", "/v1/deliveries/replay", body, once=visit.form.once)
    except Refused as refused:
        return await _ask(visit, asked, visit.form.refused(refused))
    count = done["replayed"]
    said = "1 delivery starts again." if count == 1 else f"{number(count)} deliveries start again."
    more = " There are more: do it once more." if done["more"] else ""
    return visit.redirect(visit.url("deliveries", **_kept(asked, ("state",))), said + more)


def _kept(asked: Asked, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The filter as the address has it; whoever has replayed wants to see them in any state."""
    kept: dict[str, Any] = {**asked.given, "state": list(asked.states)}
    return {name: value for name, value in kept.items() if value and name not in without}
