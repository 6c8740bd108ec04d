"""The ledger of refused requests, and when keys were last used: off the hot path.

Both are gathered in memory and written in the background, so a crash may lose the last second
of them. Nothing that was acknowledged depends on either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base.clock import HOUR_MS
from gatepost.base.ids import AccountId, KeyId, ProjectId
from gatepost.base.log import mask
from gatepost.domains.keys import store as keys
from gatepost.gate.admit import Caller
from gatepost.gate.denials import Denials, Refusal
from gatepost.gate.tables import refusals
from gatepost.storage.db import Tx

Slot = tuple[AccountId, int, KeyId, str, str]
_SLOT = ("account_id", "hour", "key_id", "code", "route")
_LATEST = ("project_id", "detail", "address", "request_id", "last_at")
_ORDER = tuple(refusals.c[name] for name in ("last_at", "hour", "key_id", "code", "route"))


class Place(NamedTuple):
    """Where a line stands in the order they are listed in; no two stand in one place."""

    last_at: int
    hour: int
    key_id: bytes
    code: str
    route: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """How often one key was refused on one route for one reason within an hour.

    `detail`, `address`, `request_id` and `last_at` are the latest one's.
    """

    account_id: AccountId
    hour: int
    key_id: KeyId
    code: str
    route: str
    project_id: ProjectId | None
    count: int
    detail: str
    address: str | None
    request_id: str
    last_at: int

    @property
    def place(self) -> Place:
        """Where this line stands."""
        return Place(self.last_at, self.hour, self.key_id, self.code, self.route)


class Ledger:
    """What waits to be written. Used from the event loop alone.

    `denials` are the refusals that go to the audit log besides.
    """

    def __init__(self) -> None:
        """Start with nothing waiting."""
        self.denials = Denials()
        self._refused: dict[Slot, Refused] = {}
        self._used: dict[tuple[AccountId, KeyId], int] = {}

    def used(self, caller: Caller, now: int) -> None:
        """Note that a key was used."""
        self._used[(caller.account_id, caller.key_id)] = now

    def refused(self, caller: Caller, refusal: Refusal) -> None:
        """Note a refusal."""
        hour, code, route = refusal.at // HOUR_MS, str(refusal.code), refusal.route
        slot = (caller.account_id, hour, caller.key_id, code, route)
        before = self._refused.get(slot)
        self._refused[slot] = Refused(
            account_id=caller.account_id,
            hour=hour,
            key_id=caller.key_id,
            code=code,
            route=route,
            project_id=caller.project_id,
            count=(before.count if before else 0) + 1,
            detail=refusal.detail,
            address=refusal.address,
            request_id=refusal.request_id,
            last_at=refusal.at,
        )

    def take_refused(self) -> list[Refused]:
        """Hand over the refusals that wait."""
        waiting, self._refused = list(self._refused.values()), {}
        return waiting

    def put_back(self, lines: list[Refused], used: Mapping[tuple[AccountId, KeyId], int]) -> None:
        """Take back what could not be written: newer ones stay the latest."""
        for one in lines:
            slot = _slot(one)
            newer = self._refused.get(slot)
            count = one.count + (newer.count if newer else 0)
            self._refused[slot] = msgspec.structs.replace(newer or one, count=count)
        self._used = {**used, **self._used}

    def take_used(self) -> dict[tuple[AccountId, KeyId], int]:
        """Hand over the uses that wait."""
        waiting, self._used = self._used, {}
        return waiting


def _slot(one: Refused) -> Slot:
    return one.account_id, one.hour, one.key_id, one.code, one.route


def write_refused(tx: Tx, waiting: list[Refused]) -> None:
    """Add refusals to the ledger; the newest detail stays."""
    rows = [_row(one) for one in sorted(waiting, key=_slot)]
    if not rows:
        return
    insert = tx.engine.insert(refusals)
    latest: dict[str, Any] = {name: insert.excluded[name] for name in _LATEST}
    added = {"count": refusals.c.count + insert.excluded["count"]}
    statement = insert.on_conflict_do_update(index_elements=list(_SLOT), set_=latest | added)
    tx.run(statement, rows)


def _row(one: Refused) -> dict[str, Any]:
    return msgspec.structs.asdict(one) | {"detail": mask(one.detail)}


def write_used(tx: Tx, used: dict[tuple[AccountId, KeyId], int]) -> None:
    """Write when keys were last used."""
    keys.touch(tx, used)


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    key_id: KeyId | None = None,
    code: str | None = None,
    project_id: ProjectId | None = None,
    before: Place | None = None,
    limit: int,
) -> list[Refused]:
    """The account's refusals, latest first, those before a place."""
    query = sa.select(refusals).where(refusals.c.account_id == account_id)
    if key_id is not None:
        query = query.where(refusals.c.key_id == key_id)
    if code is not None:
        query = query.where(refusals.c.code == code)
    if project_id is not None:
        query = query.where(refusals.c.project_id == project_id)
    if before is not None:
        query = query.where(sa.tuple_(*_ORDER) < sa.tuple_(*before))
    rows = tx.run(query.order_by(*(column.desc() for column in _ORDER)).limit(limit))
    return [_refused(row) for row in rows]


def expire(tx: Tx, before_hour: int) -> int:
    """Delete the ledger's lines of hours before one; returns how many."""
    return tx.run(sa.delete(refusals).where(refusals.c.hour < before_hour)).rowcount


def _refused(row: Any) -> Refused:
    return Refused(
        account_id=AccountId(row.account_id),
        hour=row.hour,
        key_id=KeyId(row.key_id),
        code=row.code,
        route=row.route,
        project_id=ProjectId(row.project_id) if row.project_id else None,
        count=row.count,
        detail=row.detail,
        address=row.address,
        request_id=row.request_id,
        last_at=row.last_at,
    )
