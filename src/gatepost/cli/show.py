"""How objects look on stdout: JSON for programs, aligned columns for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatepost.base import clock, ids
from gatepost.cli.common import Common, put, put_json
from gatepost.domains.accounts.model import Account
from gatepost.domains.aggregators.model import Aggregator
from gatepost.domains.customers.model import Customer
from gatepost.domains.keys.model import Key
from gatepost.domains.plans.model import Plan, show_limits
from gatepost.domains.projects.model import Project
from gatepost.domains.relays.model import EVERYBODY, Relay
from gatepost.engine.enroll import QuotaStanding

Shown = Mapping[str, Any]


def one(common: Common, shown: object, text: str) -> None:
    """Print one object; `text` is what a person sees."""
    if common.json:
        put_json(shown)
    else:
        put(text)


def many(common: Common, plural: str, rows: Sequence[Shown], columns: Sequence[str]) -> None:
    """Print a list as `{plural: [...]}`, or as columns without frames, fit for a pipe."""
    if common.json:
        put_json({plural: rows})
        return
    lines = [[name.upper() for name in columns]]
    lines += [[_cell(row[name]) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        put("  ".join(map(str.ljust, line, widths)).rstrip())


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "-"
    return "-" if value is None else printable(str(value))


def printable(text: str) -> str:
    """Blank out control characters: names and titles come from outside, terminals obey them."""
    return "".join(char if char.isprintable() else " " for char in text)


def account(it: Account) -> Shown:
    return {
        "id": ids.show("account", it.id),
        "name": it.name,
        "status": it.status,
        "plan": it.plan,
        "createdAt": clock.iso(it.created_at),
    }


def aggregator(it: Aggregator) -> Shown:
    return {
        "id": ids.show("aggregator", it.id),
        "name": it.name,
        "timezone": it.timezone,
        "archived": it.archived_at is not None,
        "accountId": ids.show("account", it.account_id),
        "createdAt": clock.iso(it.created_at),
    }


def customer(it: Customer) -> Shown:
    return {
        "id": ids.show("customer", it.id),
        "identifier": it.identifier,
        "name": it.name,
        "metadata": it.metadata,
        "status": it.status,
        "accountId": ids.show("account", it.account_id),
        "createdAt": clock.iso(it.created_at),
    }


def quota(of: Customer, standing: QuotaStanding) -> Shown:
    it = standing.quota
    return {
        "customerId": ids.show("customer", of.id),
        "metric": it.metric,
        "limit": it.limit,
        "period": it.period,
        "timezone": it.timezone,
        "mode": it.mode,
        "thresholds": it.thresholds,
        "used": standing.used,
        "remaining": standing.remaining,
        "overage": standing.overage,
        "resetsAt": clock.iso(standing.resets_at),
        "reached": standing.reached,
    }


def project(it: Project) -> Shown:
    return {
        "id": ids.show("project", it.id),
        "name": it.name,
        "accountId": ids.show("account", it.account_id),
        "createdAt": clock.iso(it.created_at),
    }


def key(it: Key) -> Shown:
    return {
        "id": ids.show("key", it.id),
        "name": it.name,
        "accountId": ids.show("account", it.account_id),
        "projectId": ids.show("project", it.project_id) if it.project_id else None,
        "customerId": ids.show("customer", it.customer_id) if it.customer_id else None,
        "start": it.start,
        "format": it.format,
        "scopes": it.scopes,
        "limit": None if it.limits is None else show_limits(it.limits),
        "domain": it.sending_domain,
        "allowFrom": it.allow_from,
        "enabled": it.enabled,
        "expiresAt": _moment(it.expires_at),
        "lastUsedAt": _moment(it.last_used_at),
        "createdAt": clock.iso(it.created_at),
    }


def plan(it: Plan) -> Shown:
    return {
        "name": it.name,
        "title": it.title,
        "keyLimit": show_limits(it.key_limits),
        "accountLimit": show_limits(it.account_limits),
        "mailLimit": show_limits(it.mail_limits),
        "quotas": [f"{q.name}={q.limit}:{','.join(q.counts)}:{q.period}" for q in it.quotas],
    }


def relay(it: Relay) -> Shown:
    everybodys = it.account_id == EVERYBODY
    return {
        "id": None if everybodys else ids.show("relay", it.id),
        "method": it.method,
        "path": it.path,
        "upstream": it.upstream,
        "units": it.units,
        "scope": it.scope,
        "customer": it.customer,
        "timeoutSeconds": it.timeout_ms / 1000,
        "trusted": it.trusted,
        "accountId": None if everybodys else ids.show("account", it.account_id),
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else clock.iso(at)
