"""One person: who it is, what it did, all of it as a file, and erasure.

A user id may be any text, so it stands in the query rather than in the path.
"""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from gatepost.base.errors import AppError, Code
from gatepost.dashboard.desk import OK_MAX, Query, Refused, at, refusal
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.feed.feed import days
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50


async def show(visit: Visit) -> Response:
    """Show a person with a page of events."""
    where, cursor = _where(visit.query.get("name")), visit.query.get("cursor")
    query: Query = {"limit": PAGE, "cursor": cursor}
    try:
        person, found = await asyncio.gather(
            visit.api.get(where), visit.api.page(where + "/events", "events", query)
        )
    except Refused as refused:
        return await _unknown(visit, refused)
    return visit.page(
        "feed/person.html",
        person=person,
        found=found,
        days=days(visit, found.items),
        form=Form(),
        may_erase=visit.api.may(Scope.PEOPLE_ERASE),
    )


async def _unknown(visit: Visit, refused: Refused) -> Response:
    """Lead to the events of somebody who was never identified; raises Refused without any."""
    named: Query = {"userId": visit.query.get("name"), "limit": 1}
    found = await visit.api.page("/v1/events", "events", named) if visit.project else None
    if found is None or not found.items:
        raise refused
    return visit.redirect(visit.url("feed", userId=visit.query.get("name")))


async def export(visit: Visit) -> Response:
    """Give all that is held of a person as a file."""
    answer = await visit.api.ask("GET", _where(visit.query.get("name")) + "/export")
    if answer.status > OK_MAX:
        raise refusal(answer)
    kept = {name: answer.headers[name] for name in ("content-type", "content-disposition")}
    return Response(answer.body, headers=kept)


async def erase(visit: Visit) -> Response:
    """Erase a person who was named once more in the form."""
    name = visit.form.get("name")
    _where(name)
    await visit.api.send("DELETE", at("/v1/identities", name), once=visit.form.once)
    return visit.redirect(visit.url("feed"), "The person was erased. Its events stay, without it.")


def _where(name: str) -> str:
    if not name:
        raise AppError(Code.NOT_FOUND, "No person without a name")
    return at("/v1/people", name)
