"""The tables the outbox owns."""

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.storage.metadata import id_column, metadata, ms_column, text_column
from gatepost.storage.parts import Parted

messages = Table(
    "messages",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    text_column("type"),
    Column("body", Text),
    id_column("event_id", nullable=True),
    id_column("rule_id", nullable=True),
    Column("priority", Integer, nullable=False),
    Column("ordering_key", Text),
    Column("erase", Boolean, nullable=False),
    ms_column("expires_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "ix_messages_event",
    messages.c.account_id,
    messages.c.event_id,
    sqlite_where=messages.c.event_id.is_not(None),
    postgresql_where=messages.c.event_id.is_not(None),
)

# What was sent by hand is looked for by its type; what tells of events is far more.
_by_hand = messages.c.event_id.is_(None)
Index(
    "ix_messages_type",
    messages.c.account_id,
    messages.c.type,
    messages.c.id,
    sqlite_where=_by_hand,
    postgresql_where=_by_hand,
)

# The names that clients have given to messages, which are theirs for ever.
named_messages = Table(
    "named_messages",
    metadata,
    id_column("account_id"),
    id_column("name"),
    id_column("message_id"),
    PrimaryKeyConstraint("account_id", "name"),
)

deliveries = Table(
    "deliveries",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("message_id"),
    id_column("project_id"),
    id_column("queue_id"),
    id_column("endpoint_id", nullable=True),
    text_column("transport"),
    text_column("target"),
    text_column("policy"),
    Column("priority", Integer, nullable=False),
    text_column("state"),
    ms_column("due_at"),
    Column("attempts", Integer, nullable=False),
    Column("ordering_key", Text),
    Column("error", Text),
    Column("status", Integer),
    ms_column("started_at", nullable=True),
    ms_column("done_at", nullable=True),
    Column("manual", Boolean, nullable=False),
    Column("fault", Text),
    PrimaryKeyConstraint("account_id", "id"),
)

_pending = sa.text("state = 'pending'")
_sending = sa.text("state = 'sending'")
_ordered = sa.text("ordering_key IS NOT NULL AND state IN ('pending', 'waiting', 'sending')")

# What a pump looks for: the next ones of a queue, class by class.
Index(
    "ix_deliveries_next",
    deliveries.c.account_id,
    deliveries.c.queue_id,
    deliveries.c.priority,
    deliveries.c.due_at,
    sqlite_where=_pending,
    postgresql_where=_pending,
)
Index(
    "ix_deliveries_ordered",
    deliveries.c.account_id,
    deliveries.c.queue_id,
    deliveries.c.ordering_key,
    deliveries.c.id,
    sqlite_where=_ordered,
    postgresql_where=_ordered,
)
Index(
    "ix_deliveries_sending",
    deliveries.c.account_id,
    deliveries.c.queue_id,
    sqlite_where=_sending,
    postgresql_where=_sending,
)
Index("ix_deliveries_message", deliveries.c.account_id, deliveries.c.message_id)
Index(
    "ix_deliveries_endpoint",
    deliveries.c.account_id,
    deliveries.c.endpoint_id,
    deliveries.c.id,
    sqlite_where=deliveries.c.endpoint_id.is_not(None),
    postgresql_where=deliveries.c.endpoint_id.is_not(None),
)

# Those that nobody will try again are few, and looked for often.
_failed = sa.text("state = 'failed'")
Index(
    "ix_deliveries_failed",
    deliveries.c.account_id,
    deliveries.c.id,
    sqlite_where=_failed,
    postgresql_where=_failed,
)

attempts = Table(
    "attempts",
    metadata,
    id_column("account_id"),
    id_column("delivery_id"),
    id_column("id"),
    Column("number", Integer, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("status", Integer),
    Column("fault", Text),
    Column("error", Text),
    Column("headers", Text),
    Column("response", Text),
    ms_column("next_at", nullable=True),
    Column("manual", Boolean, nullable=False),
    Column("via", Text),
    PrimaryKeyConstraint("account_id", "delivery_id", "id"),
)

# PostgreSQL drops whole parts instead.
Index("ix_attempts_id", attempts.c.id).ddl_if(dialect="sqlite")

ATTEMPT_PARTS = Parted("attempts", "id", DAY_MS, ids.floor_at, ahead=3, past=True)

queues = Table(
    "queues",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("transport"),
    text_column("name"),
    ms_column("due_at", nullable=True),
    id_column("owner", nullable=True),
    ms_column("lease_until"),
    Column("fence", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    ms_column("open_until"),
    Column("cap", Integer),
    Column("rate", Float),
    PrimaryKeyConstraint("account_id", "id"),
)

_due = queues.c.due_at.is_not(None)
_owned = queues.c.owner.is_not(None)

# Which queues have anything to do, of all accounts, in the order of their time.
Index("ix_queues_due", queues.c.due_at, sqlite_where=_due, postgresql_where=_due)

Index("ix_queues_owner", queues.c.owner, sqlite_where=_owned, postgresql_where=_owned)
Index("ix_queues_lease", queues.c.lease_until, sqlite_where=_owned, postgresql_where=_owned)

# Destinations that are left alone.
_open = sa.text("open_until > 0")
Index("ix_queues_open", queues.c.open_until, sqlite_where=_open, postgresql_where=_open)

# How far events have been told to whom they concern.
outbox_marks = Table(
    "outbox_marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
