"""The list of changes, newest first, and the same as a file."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import OK_MAX, Page, Refused, refusal
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.audit.difference import Difference, difference
from gatepost.dashboard.sections.feed.asked import moment, typed
from gatepost.dashboard.visit import Visit

PAGE = 25
PLAIN = ("action", "actor", "object")
MOMENTS = ("since", "before")
ABOUT = (
    ("key.", "Keys"),
    ("operator.", "Members"),
    ("invitation.", "Invitations"),
    ("project.", "Projects"),
    ("account.", "The account"),
    ("rule.", "Rules"),
    ("alert.", "Alerts"),
    ("endpoint.", "Endpoints"),
    ("delivery.", "Deliveries"),
    ("template.", "Templates"),
    ("domain.", "Domains"),
    ("mailer.", "Mailers"),
    ("suppression.", "Suppressions"),
    ("contact.", "Contacts"),
    ("aggregator.", "Aggregators"),
    ("customer.", "Customers"),
    ("quota.", "Quotas"),
    ("gatekey.", "Gate keys"),
    ("relay.", "Relays"),
    ("plan.", "Plans"),
    ("refused", "What was refused"),
)
"""What actions begin with, and how they are called together."""
KINDS = {"key": "Key", "operator": "Person", "cli": "Command line", "system": "Gatepost"}


async def show(visit: Visit) -> Response:
    """Show a page of it."""
    form, status = Form(visit.query.pairs), 200
    try:
        found = await visit.api.page("/v1/audit", "entries", {**_query(visit), "limit": PAGE})
    except Refused as refused:
        found, form, status = Page([], None), form.refused(refused), refused.status
    return visit.page(
        "audit/log.html",
        status,
        form=form,
        lines=[(one, _changes(one)) for one in found.items],
        next=found.next,
        groups=_groups(visit.query.get("action")),
        kinds=KINDS,
        narrowed=any(name in visit.query for name in (*PLAIN, *MOMENTS)),
        filters={name: visit.query.get(name) for name in (*PLAIN, *MOMENTS)},
        fields={name: typed(visit.query.get(name), visit.zone) for name in MOMENTS},
    )


async def export(visit: Visit) -> Response:
    """Give all that the filters leave as CSV."""
    answer = await visit.api.ask("GET", "/v1/audit", {**_query(visit), "format": "csv"})
    if answer.status > OK_MAX:
        raise refusal(answer)
    kept = {name: answer.headers[name] for name in ("content-type", "content-disposition")}
    return Response(answer.body, headers=kept)


def _query(visit: Visit) -> dict[str, str]:
    plain = {name: visit.query.get(name) for name in (*PLAIN, "cursor")}
    moments = {name: moment(visit.query.get(name), visit.zone) for name in MOMENTS}
    return {name: value for name, value in (plain | moments).items() if value}


def _groups(chosen: str) -> list[tuple[str, str]]:
    """What can be chosen; a single action is chosen by its link in a line."""
    known = chosen in {"", *(name for name, _ in ABOUT)}
    return [("", "Anything"), *ABOUT] + ([] if known else [(chosen, chosen)])


def _changes(entry: Any) -> list[Difference]:
    return difference(entry["before"], entry["after"])
