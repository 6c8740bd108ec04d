"""Reports that are shared by a link: made, listed, revoked, and shown to whoever has it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import AppError, Code
from gatepost.dashboard.desk import Api, Query, Refused, at, encode
from gatepost.dashboard.forms import Fields, Form
from gatepost.dashboard.sections.reports import asked as asking
from gatepost.dashboard.sections.reports import report
from gatepost.dashboard.sections.reports import source as sources
from gatepost.dashboard.sections.reports.manage import AGGREGATORS, NO_PROJECT
from gatepost.dashboard.sections.reports.source import Source
from gatepost.dashboard.visit import Visit
from gatepost.domains.shares.model import Share
from gatepost.gate.scopes import Scope

SHARES = "/v1/reports/shares"
PAGE = 50
ENDS = (("7", "In 7 days"), ("30", "In 30 days"), ("365", "In a year"), ("", "When it is revoked"))
USUAL = "30"
OF, PROJECT = "of", "project"
NOTHING = AppError(Code.NOT_FOUND, "This link shows nothing, or nothing any more.")


async def list_(visit: Visit) -> Response:
    """Show what is shared."""
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    found = await visit.api.page(SHARES, "shares", query)
    now = datetime.fromtimestamp(visit.services.clock() / 1000, UTC)
    may = visit.api.may(Scope.AGGREGATORS_WRITE)
    return visit.page(
        "reports/shares.html",
        found=found,
        form=Form(),
        ended=_ended(now),
        where=lambda one: _where(visit, one),
        may=may,
    )


def _ended(now: datetime) -> Any:
    return lambda one: one["expiresAt"] and datetime.fromisoformat(one["expiresAt"]) <= now


async def new(visit: Visit) -> Response:
    """Show the form that shares a report as it is shown now."""
    source = await _source(visit, visit.query.get(OF))
    view = _view(visit.query)
    form = Form.starting({"name": source.name, "ends": USUAL, OF: visit.query.get(OF)})
    return _new(visit, source, form, view)


async def create(visit: Visit) -> Response:
    """Share it, and show the link this once."""
    form = visit.form
    source, view = await _source(visit, form.get(OF)), _view(Fields.of(form.get("view").encode()))
    which = {"aggregatorId": source.id} if source.id else {"projectId": _project(visit)}
    wanted = {"name": form.get("name"), **which, "view": view, "expiresAt": _end(visit, form)}
    try:
        made = await visit.api.send("POST", SHARES, wanted, once=form.once)
    except Refused as refused:
        refusal = form.refused(refused, {"expiresAt": "ends"})
        return _new(visit, source, refusal, view, refused.status)
    return visit.page("reports/shared_link.html", link=visit.address + made["path"], made=made)


async def revoke(visit: Visit) -> Response:
    """Stop sharing one."""
    where = at(SHARES, visit.path["share"])
    await visit.api.send("DELETE", where, once=visit.form.once)
    return visit.redirect(visit.url("counts", "shares"), "The link shows nothing any more")


async def show(visit: Visit) -> Response:
    """Show a report to whoever has the link: that one, as it was shared."""
    opened = await visit.services.operators.shares.open(visit.path["secret"])
    if opened is None:
        raise NOTHING
    share = opened.share
    project = None if share.project_id is None else ids.show("project", share.project_id)
    api = visit.ask_as(opened.caller, project)
    asked = asking.read(Fields.of(share.view.encode()))
    try:
        source = await _shared(api, share)
    except Refused as refused:
        raise NOTHING from refused
    wanted, form = report.plan(source, asked, visit.services.clock(), api.get)
    coming = asyncio.ensure_future(report.SHOWS[asked.view](wanted))

    def shown() -> tuple[int, dict[str, Any]]:
        try:
            return 200, {"found": coming.result()}
        except Refused as refused:
            raise NOTHING from refused

    return await visit.page_with(
        "reports/shared.html",
        "reports/late.html",
        coming,
        shown,
        share=share,
        source=source,
        asked=asked,
        wanted=wanted,
        form=form,
        links=None,
        filters=asking.FILTERS,
        span_words=report.span_words,
    )


async def _source(visit: Visit, of: str) -> Source:
    if of == PROJECT:
        return await sources.project(visit)
    return sources.of(await visit.api.get(at(AGGREGATORS, of)))


async def _shared(api: Api, share: Share) -> Source:
    if share.aggregator_id is not None:
        found = await api.get(at(AGGREGATORS, ids.show("aggregator", share.aggregator_id)))
        return sources.of(found)
    if share.project_id is None:
        raise NOTHING
    found = await api.get(at("/v1/projects", ids.show("project", share.project_id)))
    return sources.of_project(found, "UTC")


def _view(query: Fields) -> str:
    """What of an address says how a report is shown."""
    return encode(asking.about(query)).decode()


def _where(visit: Visit, share: Any) -> str:
    """The page of a shared report."""
    view = asking.about(Fields.of(share["view"].encode()))
    if share["aggregatorId"]:
        return visit.url("counts", share["aggregatorId"], **view)
    return visit.url("counts", "events", project=share["projectId"], **view)


def _project(visit: Visit) -> str:
    if visit.project is None:
        raise NO_PROJECT
    return visit.project.id


def _end(visit: Visit, form: Form) -> str | None:
    days = form.get("ends")
    if not days.isdecimal() or not days.isascii() or len(days) > len("3650"):
        return None
    at_ms = visit.services.clock() + int(days) * DAY_MS
    return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms)).isoformat()


def _new(visit: Visit, source: Source, form: Form, view: str, status: int = 200) -> Response:
    asked = asking.read(Fields.of(view.encode()))
    return visit.page(
        "reports/share.html",
        status,
        source=source,
        form=form,
        view=view,
        asked=asked,
        filters=asking.FILTERS,
        views=asking.VIEWS,
        ends=ENDS,
    )
