"""The tables relays own."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

relays = Table(
    "relays",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("method"),
    text_column("path"),
    text_column("upstream"),
    text_column("units"),
    text_column("scope"),
    text_column("customer"),
    Column("timeout_ms", Integer, nullable=False),
    Column("trusted", Boolean, nullable=False),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "uq_relays_live_route",
    relays.c.account_id,
    relays.c.method,
    relays.c.path,
    unique=True,
    sqlite_where=relays.c.deleted_at.is_(None),
    postgresql_where=relays.c.deleted_at.is_(None),
)

# What requests on their way have taken of quotas, until the upstream has answered.
relay_holds = Table(
    "relay_holds",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("takes"),
    ms_column("expires_at"),
    PrimaryKeyConstraint("account_id", "id"),
)
