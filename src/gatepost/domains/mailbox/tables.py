"""The table the mailbox owns."""

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, text_column

mailbox = Table(
    "mailbox",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    id_column("message_id"),
    id_column("delivery_id"),
    text_column("sender"),
    text_column("recipient"),
    text_column("subject"),
    Column("size", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "id"),
)
