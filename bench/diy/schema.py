"""Tables of the baseline, and the preparation of an empty database."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, BigInteger, DateTime, ForeignKey, Index, Text, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """Declarative base of all tables."""


class ApiKey(Base):
    """A caller; the secret is stored as its SHA-256 only."""

    __tablename__ = "api_keys"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    limit_count: Mapped[int]
    limit_seconds: Mapped[int]
    enabled: Mapped[bool] = mapped_column(default=True)


class RateWindow(Base):
    """The current fixed window of a key."""

    __tablename__ = "rate_windows"
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used: Mapped[int]


class IdempotencyRecord(Base):
    """A claimed Idempotency-Key with the hash of its request and its stored response."""

    __tablename__ = "idempotency_records"
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    response: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Event(Base):
    """A stored event, with the three indexes its lists need."""

    __tablename__ = "events"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"))
    channel: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB)
    user_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    __table_args__ = (
        Index("events_by_time", "key_id", "created_at"),
        Index("events_by_channel", "key_id", "channel", "created_at"),
        Index("events_by_user", "key_id", "user_id", "created_at"),
    )


class UsageCounter(Base):
    """Requests of a key in one calendar month."""

    __tablename__ = "usage_counters"
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger)


def hash_secret(secret: str) -> bytes:
    """Return the stored form of an API key."""
    return hashlib.sha256(secret.encode()).digest()


def prepare(url: str, secret: str, limit_count: int, limit_seconds: int) -> None:
    """Create the tables and one key in an empty database."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add(
            ApiKey(
                name="bench",
                secret_hash=hash_secret(secret),
                limit_count=limit_count,
                limit_seconds=limit_seconds,
            ),
        )
    engine.dispose()
