"""The table mailers own."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

mailers = Table(
    "mailers",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("name"),
    text_column("kind"),
    Column("priority", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("any_sender", Boolean, nullable=False),
    text_column("host"),
    Column("port", Integer, nullable=False),
    text_column("tls"),
    text_column("username"),
    text_column("region"),
    text_column("url"),
    text_column("stream"),
    Column("secret", LargeBinary, nullable=False),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "id"),
)
