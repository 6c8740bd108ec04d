"""The tables the gate owns: remembered replies and the ledger of refusals."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from gatepost.base.clock import DAY_MS
from gatepost.storage.digests import Digested, Digests
from gatepost.storage.metadata import (
    id_column,
    metadata,
    ms_column,
    sequence_column,
    text_column,
)
from gatepost.storage.parts import Parted

# `scope` is the project's id, or the account's for what belongs to no project; `claim` is a
# 16-byte digest of the client's key; no two rows share both. Of a reply that carried a secret only
# the id it was about is kept, with status 0.
idempotency = Table(
    "idempotency",
    metadata,
    sequence_column("seq"),
    id_column("scope"),
    Column("claim", LargeBinary(16), nullable=False),
    Column("fingerprint", LargeBinary(16), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary),
    ms_column("expires_at"),
    sqlite_autoincrement=True,
)

REPLIES = Digests(Digested(idempotency, "scope", "claim"))

REPLY_PARTS = Parted("idempotency", "expires_at", DAY_MS, int, ahead=3, past=False)

refusals = Table(
    "refusals",
    metadata,
    id_column("account_id"),
    Column("hour", BigInteger, nullable=False),
    id_column("key_id"),
    text_column("code"),
    text_column("route"),
    id_column("project_id", nullable=True),
    Column("count", BigInteger, nullable=False),
    text_column("detail"),
    Column("address", Text),
    text_column("request_id"),
    ms_column("last_at"),
    PrimaryKeyConstraint("account_id", "hour", "key_id", "code", "route"),
)

Index("ix_refusals_last", refusals.c.account_id, refusals.c.last_at)
