"""The table accounts own."""

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

accounts = Table(
    "accounts",
    metadata,
    id_column("id"),
    text_column("name"),
    text_column("status"),
    text_column("plan"),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("name"),
)
