"""Alerts in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, AlertId, ProjectId, RuleId
from gatepost.domains.rules.alerts import Alert, AlertStatus
from gatepost.domains.rules.alerts_words import Words
from gatepost.domains.rules.tables import alerts
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = tuple(column.name for column in alerts.c)
_decode = msgspec.json.Decoder(Words).decode


class Narrow(NamedTuple):
    """Which alerts are wanted: all that is set must hold."""

    project_id: ProjectId | None = None
    rule_id: RuleId | None = None
    status: AlertStatus | None = None


def add(tx: Tx, opened: Iterable[Alert]) -> None:
    """Keep new ones."""
    sql.insert_rows(tx, alerts, COLUMNS, [_row(one) for one in opened])


def find(tx: Tx, account_id: AccountId, alert_id: AlertId) -> Alert | None:
    """Look one of the account's up."""
    query = sa.select(alerts).where(*_mine(account_id, alert_id))
    row = tx.run(query).mappings().first()
    return _alert(row) if row else None


def get(tx: Tx, account_id: AccountId, alert_id: AlertId) -> Alert:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, alert_id)
    if found is None:
        raise not_found("alert with this id")
    return found


def list_(
    tx: Tx, account_id: AccountId, wanted: Narrow, *, before: AlertId | None = None, limit: int
) -> list[Alert]:
    """The account's that are wanted, newest first."""
    query = sa.select(alerts).where(alerts.c.account_id == account_id, *_conditions(wanted))
    if before is not None:
        query = query.where(alerts.c.id < before)
    return _all(tx, query.order_by(alerts.c.id.desc()).limit(limit))


def told(tx: Tx, account_id: AccountId, alert_id: AlertId, now: int, next_at: int | None) -> None:
    """Note that one was told, and when somebody else is to be."""
    open_ = (alerts.c.acknowledged_at.is_(None), alerts.c.closed_at.is_(None))
    mine = _mine(account_id, alert_id)
    tx.run(sa.update(alerts).where(*mine).values(told_at=now))
    tx.run(sa.update(alerts).where(*mine, *open_).values(next_at=next_at))


def step(tx: Tx, alert: Alert, taken: int, next_at: int | None) -> bool:
    """Note that a step was taken, unless somebody has taken notice meanwhile; say whether."""
    as_it_was = (
        alerts.c.step == alert.step,
        alerts.c.acknowledged_at.is_(None),
        alerts.c.closed_at.is_(None),
    )
    mine = _mine(alert.account_id, alert.id)
    values = {"step": taken, "next_at": next_at}
    return tx.run(sa.update(alerts).where(*mine, *as_it_was).values(values)).rowcount == 1


def acknowledge(tx: Tx, account_id: AccountId, alert_id: AlertId, by: str, now: int) -> bool:
    """Note who has taken notice first; say whether it is this one."""
    values = {"acknowledged_at": now, "acknowledged_by": by, "next_at": None}
    unseen = alerts.c.acknowledged_at.is_(None)
    where = (*_mine(account_id, alert_id), unseen)
    return tx.run(sa.update(alerts).where(*where).values(values)).rowcount == 1


def close(tx: Tx, account_id: AccountId, alert_id: AlertId, now: int) -> bool:
    """Note that what one tells of has ended; say whether there is such a one."""
    values = {"closed_at": now, "next_at": None}
    where = _mine(account_id, alert_id)
    return tx.run(sa.update(alerts).where(*where).values(values)).rowcount == 1


def due(tx: Tx, now: int, limit: int) -> list[Alert]:
    """Those of which somebody else is to be told by now, of all accounts."""
    query = sa.select(alerts).where(alerts.c.next_at <= now)
    return _all(tx, query.order_by(alerts.c.next_at, alerts.c.id).limit(limit))


def next_due(tx: Tx) -> int | None:
    """When somebody else is to be told next (ms)."""
    waiting = sa.select(sa.func.min(alerts.c.next_at)).where(alerts.c.next_at.is_not(None))
    return tx.run(waiting).scalar()


def later_than(tx: Tx, at: int, limit: int) -> list[Alert]:
    """Those of which somebody else is to be told after a moment, the latest first."""
    query = sa.select(alerts).where(alerts.c.next_at > at)
    return _all(tx, query.order_by(alerts.c.next_at.desc()).limit(limit))


def any_before(tx: Tx, account_id: AccountId, before: bytes) -> bool:
    """Whether an account has one that is older than an id."""
    old = (alerts.c.account_id == account_id, alerts.c.id < before)
    return tx.run(sa.select(alerts.c.id).where(*old).limit(1)).first() is not None


def drop_before(tx: Tx, account_id: AccountId, before: bytes, limit: int) -> int:
    """Delete an account's that are older than an id; returns how many."""
    mine = alerts.c.account_id == account_id
    old = sa.select(alerts.c.id).where(mine, alerts.c.id < before).limit(limit)
    return tx.run(sa.delete(alerts).where(mine, alerts.c.id.in_(old))).rowcount


def _mine(account_id: AccountId, alert_id: AlertId) -> Sequence[sa.ColumnElement[bool]]:
    return (alerts.c.account_id == account_id, alerts.c.id == alert_id)


def _conditions(wanted: Narrow) -> Iterable[sa.ColumnElement[bool]]:
    if wanted.project_id is not None:
        yield alerts.c.project_id == wanted.project_id
    if wanted.rule_id is not None:
        yield alerts.c.rule_id == wanted.rule_id
    if wanted.status is AlertStatus.ACKNOWLEDGED:
        yield alerts.c.acknowledged_at.is_not(None)
    elif wanted.status is not None:
        yield alerts.c.acknowledged_at.is_(None)
        closed = alerts.c.closed_at
        yield closed.is_(None) if wanted.status is AlertStatus.OPEN else closed.is_not(None)


def _row(alert: Alert) -> tuple[Any, ...]:
    values = msgspec.structs.asdict(alert) | {"words": msgspec.json.encode(alert.words).decode()}
    return tuple(values[name] for name in COLUMNS)


def _all(tx: Tx, query: sa.Select[Any]) -> list[Alert]:
    return [_alert(row) for row in tx.run(query).mappings()]


def _alert(row: RowMapping) -> Alert:
    return Alert(**dict(row) | {"words": _decode(row["words"])})
