"""The tables usage owns."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.storage.metadata import id_column, metadata, ms_column, text_column
from gatepost.storage.parts import Parted

usage_lines = Table(
    "usage_lines",
    metadata,
    id_column("account_id"),
    id_column("customer_id"),
    ms_column("slot"),
    id_column("project_id"),
    id_column("key_id"),
    text_column("route"),
    Column("status", Integer, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    PrimaryKeyConstraint(
        "account_id", "customer_id", "slot", "project_id", "key_id", "route", "status"
    ),
    sqlite_with_rowid=False,
)

Index("ix_usage_lines_slot", usage_lines.c.account_id, usage_lines.c.slot)

# Single requests that were done for a customer.
usage_requests = Table(
    "usage_requests",
    metadata,
    id_column("account_id"),
    id_column("customer_id"),
    id_column("id"),
    id_column("project_id"),
    id_column("key_id"),
    text_column("route"),
    Column("status", Integer, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("response_bytes", BigInteger),
    Column("duration_ms", BigInteger, nullable=False),
    text_column("request_id"),
    PrimaryKeyConstraint("account_id", "customer_id", "id"),
)

# PostgreSQL drops whole parts instead.
Index("ix_usage_requests_id", usage_requests.c.id).ddl_if(dialect="sqlite")

REQUEST_PARTS = Parted("usage_requests", "id", DAY_MS, ids.floor_at, ahead=3, past=True)

usage_adjustments = Table(
    "usage_adjustments",
    metadata,
    id_column("account_id"),
    id_column("customer_id"),
    id_column("id"),
    ms_column("slot"),
    Column("requests", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    text_column("reason"),
    text_column("actor"),
    ms_column("created_at"),
    PrimaryKeyConstraint("account_id", "customer_id", "id"),
)
