"""The tables verifications own."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

verification_lists = Table(
    "verification_lists",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    text_column("name"),
    Column("total", Integer, nullable=False),
    Column("processed", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    ms_column("check_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "id"),
)

# What is to be looked at next is found over all accounts.
Index(
    "ix_verification_lists_check",
    verification_lists.c.check_at,
    sqlite_where=verification_lists.c.check_at.is_not(None),
    postgresql_where=verification_lists.c.check_at.is_not(None),
)

verifications = Table(
    "verifications",
    metadata,
    id_column("account_id"),
    id_column("list_id"),
    Column("place", Integer, nullable=False),
    id_column("id"),
    text_column("email"),
    text_column("finding", nullable=True),
    ms_column("checked_at", nullable=True),
    PrimaryKeyConstraint("account_id", "list_id", "place"),
)
