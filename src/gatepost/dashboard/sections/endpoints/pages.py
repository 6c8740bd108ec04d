"""Endpoints: how they fare, and everything that can be done with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Page, Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.render import number
from gatepost.dashboard.sections.deliveries import words
from gatepost.dashboard.sections.endpoints import written
from gatepost.dashboard.sections.endpoints.standing import standing
from gatepost.dashboard.sections.feed.asked import TYPED, moment
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
LATEST = 10
GRACES = (
    ("86400", "For a day"),
    ("3600", "For an hour"),
    ("604800", "For seven days"),
    ("0", "Not at all: the former secret ends now"),
)
BACK = timedelta(days=1)
SAID = {"enable": "It is told things again.", "disable": "It is told nothing more."}
SHOWN_ONCE = "That has been done already. Its secret was shown once; rotate it for another one."


async def list_(visit: Visit) -> Response:
    """Show how all endpoints of the project fare."""
    if visit.project is None:
        return visit.page("endpoints/list.html", found=Page([], None), **_rights(visit))
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    found = await visit.api.page("/v1/endpoints", "endpoints", query)
    return visit.page("endpoints/list.html", found=found, standing=standing, **_rights(visit))


async def show(visit: Visit) -> Response:
    """Show one with its last deliveries."""
    return await _show(visit, Form.starting({"type": "event.test"}))


async def _show(visit: Visit, form: Form, status: int = 200) -> Response:
    endpoint_id = visit.path["endpoint"]
    endpoint, last = await asyncio.gather(_find(visit), _last(visit, endpoint_id))
    return visit.page(
        "endpoints/endpoint.html",
        status,
        endpoint=endpoint,
        endpoints={endpoint["id"]: endpoint},
        last=last,
        stands=standing(endpoint),
        schedules=dict(written.SCHEDULES),
        signatures=dict(written.SIGNATURES),
        words=words,
        form=form,
        **_rights(visit),
    )


async def _last(visit: Visit, endpoint_id: str) -> list[Any]:
    if not visit.api.may(Scope.MESSAGES_READ):
        return []
    query: Query = {"endpoint": endpoint_id, "limit": LATEST}
    return (await visit.api.page("/v1/deliveries", "deliveries", query)).items


async def ask_new(visit: Visit) -> Response:
    """Show the form of a new one."""
    return _form(visit, written.starting())


async def create(visit: Visit) -> Response:
    """Make one, and show its secret this once."""
    form = visit.form
    try:
        made = await visit.api.send("POST", "/v1/endpoints", written.new(form), once=form.once)
    except written.Wrong as wrong:
        return _form(visit, form.wrong(wrong.field, wrong.message), status=400)
    except Refused as refused:
        if refused.code == "idempotency_conflict":
            return visit.redirect(visit.url("endpoints"), SHOWN_ONCE, "problem")
        return _form(visit, form.refused(refused, written.NAMES), status=refused.status)
    return visit.page("endpoints/made.html", 201, endpoint=made, rotated=None)


async def ask_edit(visit: Visit) -> Response:
    """Show the form of one that stands."""
    endpoint = await _find(visit)
    return _form(visit, written.starting(endpoint), endpoint)


async def edit(visit: Visit) -> Response:
    """Change one."""
    form, endpoint = visit.form, await _find(visit)
    path = at("/v1/endpoints", endpoint["id"])
    try:
        await visit.api.send("PATCH", path, written.changes(form), once=form.once)
    except written.Wrong as wrong:
        return _form(visit, form.wrong(wrong.field, wrong.message), endpoint, 400)
    except Refused as refused:
        return _form(visit, form.refused(refused, written.NAMES), endpoint, refused.status)
    return visit.redirect(visit.url("endpoints", endpoint["id"]), "The endpoint was changed.")


def _form(
    visit: Visit, form: Form, endpoint: Mapping[str, Any] | None = None, status: int = 200
) -> Response:
    return visit.page(
        "endpoints/form.html",
        status,
        form=form,
        endpoint=endpoint,
        schedules=written.SCHEDULES,
        signatures=written.SIGNATURES,
    )


async def ask_rotate(visit: Visit) -> Response:
    """Explain what a new secret means, and ask."""
    endpoint, form = await _find(visit), Form.starting()
    return visit.page("endpoints/rotate.html", endpoint=endpoint, form=form, graces=GRACES)


async def rotate(visit: Visit) -> Response:
    """Give it a new secret, and show that this once."""
    form, endpoint = visit.form, await _find(visit)
    try:
        path = at("/v1/endpoints", endpoint["id"], "rotate")
        made = await visit.api.send("POST", path, rotation(form), once=form.once)
    except Refused as refused:
        if refused.code == "idempotency_conflict":
            back = visit.url("endpoints", endpoint["id"])
            return visit.redirect(back, SHOWN_ONCE, "problem")
        context = {"endpoint": endpoint, "form": form.refused(refused), "graces": GRACES}
        return visit.page("endpoints/rotate.html", refused.status, **context)
    grace = dict(GRACES).get(form.get("grace"), GRACES[0][1])
    return visit.page("endpoints/made.html", endpoint=made, rotated=grace)


def rotation(form: Form) -> dict[str, Any]:
    """How a secret is replaced, as the API's body has it."""
    grace = form.get("grace", GRACES[0][0])
    found: dict[str, Any] = {"graceSeconds": int(grace) if grace.isdecimal() else grace}
    return found | ({"secret": form.get("secret")} if "secret" in form else {})


async def ask_recover(visit: Visit) -> Response:
    """Ask since when it has missed things."""
    endpoint = await _find(visit)
    since = (datetime.now(UTC) - BACK).isoformat()
    form = Form.starting({"since": _typed(endpoint["failingSince"] or since, visit)})
    return visit.page("endpoints/recover.html", endpoint=endpoint, form=form)


async def recover(visit: Visit) -> Response:
    """Start all deliveries to it again that have failed since a moment."""
    form, endpoint = visit.form, await _find(visit)
    between = {name: moment(form.get(name), visit.zone) for name in ("since", "until")}
    body = {name: value for name, value in between.items() if value}
    try:
        path = at("/v1/endpoints", endpoint["id"], "recover")
        done = await visit.api.send("POST", path, body, once=form.once)
    except Refused as refused:
        context = {"endpoint": endpoint, "form": form.refused(refused)}
        return visit.page("endpoints/recover.html", refused.status, **context)
    count = done["replayed"]
    said = "1 delivery starts again." if count == 1 else f"{number(count)} deliveries start again."
    more = " There are more: do it once more." if done["more"] else ""
    return visit.redirect(visit.url("deliveries", endpoint=endpoint["id"]), said + more)


async def test(visit: Visit) -> Response:
    """Send it an example, and lead to how that went."""
    form = visit.form
    path = at("/v1/endpoints", visit.path["endpoint"], "test")
    try:
        sent = await visit.api.send("POST", path, {"type": form.get("type")}, once=form.once)
    except Refused as refused:
        if not refused.fields:
            raise
        return await _show(visit, form.refused(refused), refused.status)
    return visit.redirect(visit.url("deliveries", sent["deliveryId"]), "An example is on its way.")


def switch(verb: str) -> Callable[[Visit], Awaitable[Response]]:
    """Enable or disable it."""

    async def act(visit: Visit) -> Response:
        endpoint_id = visit.path["endpoint"]
        path = at("/v1/endpoints", endpoint_id, verb)
        await visit.api.send("POST", path, once=visit.form.once)
        return visit.redirect(visit.url("endpoints", endpoint_id), SAID[verb])

    return act


async def delete(visit: Visit) -> Response:
    """End it."""
    path = at("/v1/endpoints", visit.path["endpoint"])
    await visit.api.send("DELETE", path, once=visit.form.once)
    return visit.redirect(visit.url("endpoints"), "The endpoint has ended.")


async def _find(visit: Visit) -> Any:
    return await visit.api.get(at("/v1/endpoints", visit.path["endpoint"]))


def _typed(iso: str, visit: Visit) -> str:
    return datetime.fromisoformat(iso).astimezone(visit.zone).strftime(TYPED)


def _rights(visit: Visit) -> dict[str, bool]:
    return {
        "may_change": visit.api.may(Scope.ENDPOINTS_WRITE),
        "may_replay": visit.api.may(Scope.MESSAGES_WRITE),
    }
