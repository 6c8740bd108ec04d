"""`/v1/alerts`: what rules have found, and whether anybody has taken notice."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code, not_found
from gatepost.base.ids import AlertId, RuleId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.domains.rules import alerts_store
from gatepost.domains.rules.alerts import Alert, AlertStatus
from gatepost.domains.rules.alerts_store import Narrow
from gatepost.domains.rules.alerts_words import Kind
from gatepost.engine import heed
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call

Status = Annotated[
    AlertStatus,
    Meta(
        description="`open`: nobody has taken notice; `acknowledged`: somebody has; `closed`: what "
        "was missing has come before anybody did."
    ),
]


class AlertsQuery(PageQuery, rename="camel", frozen=True):
    """Which alerts."""

    rule_id: str | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class AlertOut(msgspec.Struct, rename="camel"):
    """An alert. `key` is the value that the rule tells events apart by, `facts` are its numbers,
    `step` says how many steps of the escalation were taken.
    """

    id: str
    project_id: str
    rule_id: str
    status: Status
    kind: Kind
    title: str
    body: str
    key: str
    facts: dict[str, Any]
    opened_at: str
    told_at: str | None
    step: int
    next_step_at: str | None
    acknowledged_at: str | None
    acknowledged_by: str | None
    closed_at: str | None


class AlertsOut(msgspec.Struct, rename="camel"):
    """A page of alerts; `next_cursor` is null on the last one."""

    alerts: list[AlertOut]
    next_cursor: str | None


class Asked(msgspec.Struct, frozen=True):
    """Which page of which alerts."""

    wanted: Narrow
    before: bytes | None
    limit: int


def parse_page(call: Call, _body: bytes) -> Asked:
    """Read which alerts; raises INVALID, or NOT_FOUND."""
    query = queries.read(call, AlertsQuery)
    rule_id = None if query.rule_id is UNSET else RuleId(ids.parse("rule", query.rule_id))
    status = None if query.status is UNSET else query.status
    wanted = Narrow(call.project_id, rule_id, status)
    return Asked(wanted, admin.read_cursor(query.cursor), query.limit)


def list_(tx: Tx, call: Call, asked: Asked) -> Reply:
    """A page of the project's alerts, newest first."""
    before = None if asked.before is None else AlertId(asked.before)
    account_id, limit = call.caller.account_id, asked.limit
    found = alerts_store.list_(tx, account_id, asked.wanted, before=before, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    return ok(call, AlertsOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> AlertId:
    """Read the id in the path; raises NOT_FOUND."""
    return AlertId(ids.parse("alert", call.params["id"]))


def get(tx: Tx, call: Call, alert_id: AlertId) -> Reply:
    """Read one alert."""
    return ok(call, show(_find(tx, call, alert_id)))


def acknowledge(tx: Tx, call: Call, alert_id: AlertId) -> Reply:
    """Take notice of an alert."""
    admin.grantor(tx, call)
    it = _find(tx, call, alert_id)
    return ok(call, show(heed.acknowledge(tx, it.account_id, it.id, call.actor, call.now)))


def show(alert: Alert) -> AlertOut:
    """Write an alert for the wire."""
    words = alert.words
    return AlertOut(
        id=ids.show("alert", alert.id),
        project_id=ids.show("project", alert.project_id),
        rule_id=ids.show("rule", alert.rule_id),
        status=alert.status,
        kind=words.kind,
        title=words.title,
        body=words.body,
        key=alert.key,
        facts=words.facts,
        opened_at=clock.iso(alert.opened_at),
        told_at=admin.moment(alert.told_at),
        step=alert.step,
        next_step_at=admin.moment(alert.next_at),
        acknowledged_at=admin.moment(alert.acknowledged_at),
        acknowledged_by=alert.acknowledged_by,
        closed_at=admin.moment(alert.closed_at),
    )


def _find(tx: Tx, call: Call, alert_id: AlertId) -> Alert:
    found = alerts_store.get(tx, call.caller.account_id, alert_id)
    if admin.bound_elsewhere(call, found.project_id):
        raise not_found("alert with this id")
    return found


_endpoint = admin.managing("Alerts", Scope.RULES_READ, Scope.RULES_WRITE, project=True)


ENDPOINTS = (
    _endpoint(
        "listAlerts",
        "GET",
        "/v1/alerts",
        summary="List alerts",
        description="Newest first. A rule that tells of single events keeps alerts only if it "
        "escalates.",
        parse=parse_page,
        run=list_,
        query=AlertsQuery,
        response=AlertsOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "getAlert",
        "GET",
        "/v1/alerts/{id}",
        summary="Read an alert",
        parse=parse_id,
        run=get,
        response=AlertOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "acknowledgeAlert",
        "POST",
        "/v1/alerts/{id}/acknowledge",
        summary="Take notice of an alert",
        description="Nobody else is told of it. The first one who does is named.",
        parse=parse_id,
        run=acknowledge,
        response=AlertOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
