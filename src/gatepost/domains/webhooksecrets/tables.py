"""The table webhook secrets own."""

from sqlalchemy import Column, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    id_column("account_id"),
    Column("secrets", LargeBinary, nullable=False),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id"),
)
