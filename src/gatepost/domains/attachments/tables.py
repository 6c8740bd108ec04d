"""The table attachments own."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata

attachments = Table(
    "attachments",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("message_id"),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("ix_attachments_message", attachments.c.account_id, attachments.c.message_id)
