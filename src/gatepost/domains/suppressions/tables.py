"""The table suppressions own."""

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

suppressions = Table(
    "suppressions",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("address"),
    text_column("type"),
    text_column("reason"),
    ms_column("created_at"),
    ms_column("keep_until", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("uq_suppressions_address", suppressions.c.account_id, suppressions.c.address, unique=True)

Index(
    "ix_suppressions_ends",
    suppressions.c.account_id,
    suppressions.c.keep_until,
    sqlite_where=suppressions.c.keep_until.is_not(None),
    postgresql_where=suppressions.c.keep_until.is_not(None),
)
