"""Usage read back: reports, single requests, and what is added up in the course of time."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import NO_CUSTOMER, AccountId, CustomerId, ProjectId
from gatepost.base.periods import Bucket
from gatepost.domains.usage import report as reports
from gatepost.domains.usage.model import ERROR_FROM
from gatepost.domains.usage.report import Ask, Dimension, Figures, Report, Row
from gatepost.domains.usage.tables import usage_adjustments, usage_lines, usage_requests
from gatepost.storage.db import Tx

ROWS_MAX = 200_000
COLUMNS = {
    Dimension.CUSTOMER: usage_lines.c.customer_id,
    Dimension.ENDPOINT: usage_lines.c.route,
    Dimension.METHOD: usage_lines.c.route,
    Dimension.KEY: usage_lines.c.key_id,
    Dimension.PROJECT: usage_lines.c.project_id,
}


class Single(msgspec.Struct, frozen=True):
    """One request that was done for a customer; `at` in ms. `id` is where it is in their list."""

    id: bytes
    at: int
    key_id: bytes
    route: str
    status: int
    units: int
    response_bytes: int | None
    duration_ms: int
    request_id: str


def report(tx: Tx, account_id: AccountId, ask: Ask) -> Report:
    """Add up what was used; see `report.check` for what may be asked."""
    return reports.report(ask, _rows(tx, account_id, ask))


def adjusted(tx: Tx, account_id: AccountId, ask: Ask) -> Figures:
    """The corrections of the whole range and of the customers asked about, beside what was
    metered. They belong to no project.
    """
    if ask.project_id is not None:
        return Figures()
    requests = sa.func.coalesce(sa.func.sum(usage_adjustments.c.requests), 0)
    units = sa.func.coalesce(sa.func.sum(usage_adjustments.c.units), 0)
    query = sa.select(sa.cast(requests, sa.BigInteger), sa.cast(units, sa.BigInteger))
    where = [
        usage_adjustments.c.account_id == account_id,
        usage_adjustments.c.slot >= ask.since,
        usage_adjustments.c.slot < ask.until,
    ]
    if ask.customers:
        where.append(usage_adjustments.c.customer_id.in_(ask.customers))
    return Figures(*tx.run(query.where(*where)).one())


def requests(
    tx: Tx,
    account_id: AccountId,
    customer_id: CustomerId,
    *,
    project_id: ProjectId | None,
    before: bytes | None,
    since: int,
    limit: int,
) -> list[Single]:
    """A customer's single requests (of one project), latest first, those before an id and not
    before `since`.
    """
    query = sa.select(usage_requests).where(
        usage_requests.c.account_id == account_id,
        usage_requests.c.customer_id == customer_id,
        usage_requests.c.id >= ids.floor_at(since),
    )
    if project_id is not None:
        query = query.where(usage_requests.c.project_id == project_id)
    if before is not None:
        query = query.where(usage_requests.c.id < before)
    rows = tx.run(query.order_by(usage_requests.c.id.desc()).limit(limit))
    return [_single(row) for row in rows]


def _rows(tx: Tx, account_id: AccountId, ask: Ask) -> list[Row]:
    columns = {COLUMNS[one].name: COLUMNS[one] for one in ask.group_by if one in COLUMNS}
    if ask.bucket is not Bucket.NONE:
        columns["slot"] = usage_lines.c.slot
    by_status = Dimension.STATUS in ask.group_by
    failed = usage_lines.c.status >= ERROR_FROM
    status = usage_lines.c.status if by_status else sa.case((failed, ERROR_FROM), else_=0)
    groups = [*columns.values(), status.label("status")]
    sums = [
        sa.cast(sa.func.sum(column), sa.BigInteger).label(name)
        for name, column in (
            ("requests", usage_lines.c.requests),
            ("units", usage_lines.c.units),
        )
    ]
    query = sa.select(*groups, *sums).where(*_where(account_id, ask)).group_by(*groups)
    rows = tx.run(query.limit(ROWS_MAX + 1)).mappings().all()
    if len(rows) > ROWS_MAX:
        detail = "More than a report can tell apart: ask for a shorter time, or for fewer groups"
        raise AppError(Code.RANGE_TOO_LARGE, detail)
    return [Row(**{"slot": 0, **row}) for row in rows]


def _where(account_id: AccountId, ask: Ask) -> list[sa.ColumnElement[bool]]:
    where = [
        usage_lines.c.account_id == account_id,
        usage_lines.c.slot >= ask.since,
        usage_lines.c.slot < ask.until,
    ]
    if ask.customers:
        where.append(usage_lines.c.customer_id.in_(ask.customers))
    elif ask.named:
        where.append(usage_lines.c.customer_id != NO_CUSTOMER)
    if ask.endpoints:
        where.append(usage_lines.c.route.in_(ask.endpoints))
    if ask.project_id is not None:
        where.append(usage_lines.c.project_id == ask.project_id)
    if ask.keys:
        where.append(usage_lines.c.key_id.in_(ask.keys))
    return where


def _single(row: Any) -> Single:
    return Single(
        row.id,
        ids.time_of(row.id),
        row.key_id,
        row.route,
        row.status,
        row.units,
        row.response_bytes,
        row.duration_ms,
        row.request_id,
    )
