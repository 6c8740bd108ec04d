"""What requests on their way have taken of quotas, so that a crash gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId
from gatepost.domains.relays.tables import relay_holds
from gatepost.storage.db import Tx

Taken = Mapping[tuple[str, int], int]
"""Units by quota and period."""

_decode = msgspec.json.Decoder(list[tuple[str, int, int]]).decode


class Hold(NamedTuple):
    """What one request has taken of its account's quotas."""

    account_id: AccountId
    id: bytes
    taken: Taken


def add(tx: Tx, hold: Hold, expires_at: int) -> None:
    """Keep what was taken until a moment (ms)."""
    rows = [(quota, period, units) for (quota, period), units in hold.taken.items()]
    values = {
        "account_id": hold.account_id,
        "id": hold.id,
        "takes": msgspec.json.encode(rows).decode(),
        "expires_at": expires_at,
    }
    tx.run(sa.insert(relay_holds).values(values))


def remove(tx: Tx, account_id: AccountId, hold_id: bytes) -> Taken | None:
    """Forget one; returns what it had taken, None when it was forgotten already."""
    mine = (relay_holds.c.account_id == account_id, relay_holds.c.id == hold_id)
    row = tx.run(sa.delete(relay_holds).where(*mine).returning(relay_holds.c.takes)).first()
    return None if row is None else _taken(row)


def expired(tx: Tx, now: int, limit: int) -> list[Hold]:
    """Those past their time, of all accounts."""
    query = sa.select(relay_holds).where(relay_holds.c.expires_at <= now)
    ordered = query.order_by(relay_holds.c.account_id, relay_holds.c.id).limit(limit)
    return [Hold(AccountId(row.account_id), row.id, _taken(row)) for row in tx.run(ordered)]


def held(tx: Tx, account_id: AccountId, quota: str, period: int) -> int:
    """Units of a quota that requests on their way have taken."""
    query = sa.select(relay_holds.c.takes).where(relay_holds.c.account_id == account_id)
    return sum(_taken(row).get((quota, period), 0) for row in tx.run(query))


def _taken(row: Any) -> Taken:
    return {(quota, period): units for quota, period, units in _decode(row.takes)}
