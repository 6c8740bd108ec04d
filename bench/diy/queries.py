"""The statements of one request, built once: building them anew costs more than running them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.diy.schema import ApiKey, Event, IdempotencyRecord, RateWindow, UsageCounter, hash_secret

AT = bindparam("at", type_=RateWindow.started_at.type)
EXPIRED = RateWindow.started_at <= bindparam("oldest", type_=RateWindow.started_at.type)

FIND_KEY = select(ApiKey.id, ApiKey.limit_count, ApiKey.limit_seconds).where(
    ApiKey.secret_hash == bindparam("secret_hash"),
    ApiKey.enabled,
)
CHARGE = (
    insert(RateWindow)
    .values(key_id=bindparam("key"), started_at=AT, used=1)
    .on_conflict_do_update(
        index_elements=[RateWindow.key_id],
        set_={
            "used": case((EXPIRED, 1), else_=RateWindow.used + 1),
            "started_at": case((EXPIRED, AT), else_=RateWindow.started_at),
        },
    )
    .returning(RateWindow.used)
)
CLAIM = insert(IdempotencyRecord).on_conflict_do_nothing().returning(IdempotencyRecord.key_id)
FIND_REPLY = select(IdempotencyRecord.request_hash, IdempotencyRecord.response).where(
    IdempotencyRecord.key_id == bindparam("key"),
    IdempotencyRecord.idempotency_key == bindparam("idempotency_key"),
)
ADD_EVENT = insert(Event)
ADD_USAGE = (
    insert(UsageCounter)
    .values(key_id=bindparam("key"), month=bindparam("in_month"), used=1)
    .on_conflict_do_update(
        index_elements=[UsageCounter.key_id, UsageCounter.month],
        set_={"used": UsageCounter.used + 1},
    )
)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


async def find_key(db: AsyncConnection, secret: str) -> Row[UUID, int, int] | None:
    """Return id, limit count and limit seconds of an enabled key."""
    return (await db.execute(FIND_KEY, {"secret_hash": hash_secret(secret)})).first()


async def charge(db: AsyncConnection, key: Row[UUID, int, int], at: datetime) -> int:
    """Count one request in the key's window; return how many it has now."""
    oldest = at - timedelta(seconds=key.limit_seconds)
    used = await db.scalar(CHARGE, {"key": key.id, "at": at, "oldest": oldest})
    return int(used or 0)


async def claim(db: AsyncConnection, record: dict[str, Any]) -> bool:
    """Store an idempotency record; false if its key was used before."""
    return (await db.execute(CLAIM, record)).first() is not None


async def find_reply(
    db: AsyncConnection,
    key_id: UUID,
    idempotency_key: str,
) -> Row[Any]:
    """Return request hash and response of a used idempotency key."""
    found = {"key": key_id, "idempotency_key": idempotency_key}
    return (await db.execute(FIND_REPLY, found)).one()


async def add_event(db: AsyncConnection, event: dict[str, Any]) -> None:
    """Store an event."""
    await db.execute(ADD_EVENT, event)


async def add_usage(db: AsyncConnection, key_id: UUID, at: datetime) -> None:
    """Count one event in the key's month."""
    await db.execute(ADD_USAGE, {"key": key_id, "in_month": f"{at:%Y-%m}"})
