"""The page of a report: over time, of events, of tags, or both against each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from gatepost.dashboard import saved
from gatepost.dashboard.desk import Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.render import zone_of
from gatepost.dashboard.sections.reports import asked as asking
from gatepost.dashboard.sections.reports import ranges, views
from gatepost.dashboard.sections.reports import source as sources
from gatepost.dashboard.sections.reports.asked import BEFORE, CUSTOM, FILTERS, GROUPS, VIEWS, Asked
from gatepost.dashboard.sections.reports.ranges import BUCKETS, PERIODS, Span, Wrong
from gatepost.dashboard.sections.reports.source import Source
from gatepost.dashboard.sections.reports.views import Wanted
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

CALLED = {"to": "until"}
"""Fields that are called otherwise here than in the API."""
AGAINST = ((BEFORE, "The time before"),)
HERE = "#chart"
CHOICES = 50
"""So many names and tags are offered where one is typed, and aggregators to compare with."""
SHOWS: Mapping[str, Callable[[Wanted], Awaitable[dict[str, Any]]]] = {
    "time": views.time,
    "events": views.events,
    "tags": views.tags,
    "grid": views.grid,
}


async def of_aggregator(visit: Visit) -> Response:
    """Show what was counted in an aggregator."""
    return _filtered(visit) or await show(visit, await sources.aggregator(visit))


async def of_project(visit: Visit) -> Response:
    """Show how many events a project has had."""
    if visit.project is None:
        return visit.page("reports/no_project.html")
    return _filtered(visit) or await show(visit, await sources.project(visit))


async def show(visit: Visit, source: Source) -> Response:
    """Show a report as the address asks for it."""
    asked = asking.read(visit.query)
    wanted, form = plan(source, asked, visit.services.clock(), visit.api.get)
    others, views_ = await asyncio.gather(_others(visit, source), saved.views(visit, "counts"))
    coming = asyncio.ensure_future(SHOWS[asked.view](wanted))

    def shown() -> tuple[int, dict[str, Any]]:
        status, said, found = outcome(coming, form)
        return status, {"form": said, "found": found, "links": _links(visit, asked, found)}

    return await visit.page_with(
        "reports/report.html",
        "reports/late.html",
        coming,
        shown,
        source=source,
        asked=asked,
        form=form,
        wanted=wanted,
        known=_known(visit, source),
        exports=_exports(visit, wanted),
        tabs=[(visit.changed(view=one), VIEWS[one], one == asked.view) for one in VIEWS],
        options=_options(wanted, others),
        saved=views_,
        periods=PERIODS,
        filters=FILTERS,
        span_words=span_words,
        custom=CUSTOM,
        share=_share(visit, source),
        may_count=visit.api.may(Scope.PROJECTS_WRITE),
    )


def outcome(coming: asyncio.Future[Any], form: Form) -> tuple[int, Form, Any]:
    """A report that has come: the status of its page, the form, and what is shown of it."""
    try:
        found = coming.result()
    except Refused as refused:
        return refused.status, form.refused(refused, CALLED), None
    return 400 if form.problem else 200, form, found


def plan(
    source: Source, asked: Asked, now_ms: int, get: Callable[..., Awaitable[Any]]
) -> tuple[Wanted, Form]:
    """What is to be read, and the form with what was wrong in the address."""
    zone_name = asked.zone or source.zone
    zone = zone_of(zone_name)
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    form = Form.starting(_standing(asked, zone_name))
    try:
        span = _span(asked, now)
    except Wrong as wrong:
        form, span = form.wrong(wrong.name, wrong.message), ranges.preset(ranges.USUAL, now)
    most = ranges.BARS_MAX if asked.by == "none" else ranges.STACKS_MAX
    bucket = ranges.bucket(span, asked.bucket, most)
    return Wanted(source, asked, span, bucket, zone_name, zone, get), form


def _span(asked: Asked, now: datetime) -> Span:
    if asked.period == CUSTOM:
        return ranges.custom(asked.first, asked.last, now, now.tzinfo or UTC)
    return ranges.preset(asked.period, now)


def _standing(asked: Asked, zone: str) -> dict[str, object]:
    """What the form's fields show."""
    return {
        "from": asked.first if ranges.is_day(asked.first) else "",
        "until": asked.last if ranges.is_day(asked.last) else "",
        "bucket": asked.bucket,
        "by": asked.by,
        "against": asked.against,
        "timezone": zone,
    }


def _filtered(visit: Visit) -> Response | None:
    """Where a filter was typed, the address with it among the others."""
    if "add" not in visit.query:
        return None
    return visit.redirect(visit.changed(add=None, text=None, **asking.added(visit.query)))


def _known(visit: Visit, source: Source) -> str:
    """Where names and tags are listed, of which one may be typed."""
    return " ".join(visit.stream(source.listing(one), limit=CHOICES) for one in ("events", "tags"))


async def _others(visit: Visit, source: Source) -> list[Source]:
    """Aggregators to compare with."""
    found = await visit.api.page("/v1/aggregators", "aggregators", {"limit": CHOICES})
    return [one for one in map(sources.of, found.items) if one.id != source.id]


def span_words(wanted: Wanted) -> str:
    """The days a report is of."""
    first, last = wanted.span.since, wanted.span.until
    begin = f"{first:%-d %b}" if first.year == last.year else f"{first:%-d %b %Y}"
    one = wanted.span.days == 1
    days = f"{first:%-d %b %Y}" if one else f"{begin} to {last:%-d %b %Y}"
    return f"{days}, {wanted.zone_name}"


def _options(wanted: Wanted, others: list[Source]) -> dict[str, list[tuple[str, str]]]:
    """What the fields of the form offer, with words."""
    fits = "As fits" if wanted.asked.bucket else f"As fits: by {wanted.bucket}"
    return {
        "bucket": [("", fits), *((one, f"By {one}") for one in BUCKETS)],
        "by": [*GROUPS.items()],
        "against": [("", "Nothing"), *AGAINST, *((one.id or "", one.name) for one in others)],
        "add": [*FILTERS.items()],
    }


def _links(visit: Visit, asked: Asked, found: Any) -> dict[str, list[Any]]:
    """Where the legend leads: to the same page without a line, or with it again."""
    hide = list(asked.hide)
    tokens, hidden = ((found or {}).get(one, []) for one in ("tokens", "hidden"))
    shown = {
        name: visit.changed(hide=[one for one in hide if one != token]) for name, token in hidden
    }
    return {
        "toggles": [visit.changed(hide=[*hide, one]) + HERE for one in tokens],
        "hidden": [(name, address + HERE) for name, address in shown.items()],
    }


def _share(visit: Visit, source: Source) -> str | None:
    """Where what is shown is shared; None for those who may not."""
    if not visit.api.may(Scope.AGGREGATORS_WRITE):
        return None
    shown = asking.about(visit.query)
    return visit.url("counts", "shares", "new", of=source.id or "project", **shown)


def _exports(visit: Visit, wanted: Wanted) -> dict[str, str]:
    """Where what is shown is to be had as a file."""
    query = views.exported(wanted)
    path = wanted.source.report
    return {form: visit.stream(path, **query, format=form) for form in ("csv", "json")}


__all__ = ["of_aggregator", "of_project", "plan", "show"]
