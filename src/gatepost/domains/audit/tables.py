"""The table the audit log owns."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

audit = Table(
    "audit",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id", nullable=True),
    ms_column("at"),
    text_column("actor_kind"),
    text_column("actor_id"),
    text_column("actor_name"),
    Column("address", Text),
    text_column("action"),
    text_column("object"),
    text_column("object_name"),
    Column("before", Text),
    Column("after", Text),
    PrimaryKeyConstraint("account_id", "id"),
)
