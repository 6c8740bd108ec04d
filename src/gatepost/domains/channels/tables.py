"""The table channels own."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

channels = Table(
    "channels",
    metadata,
    id_column("project_id"),
    text_column("name"),
    id_column("id"),
    Column("icon", Text),
    Column("description", Text),
    ms_column("created_at"),
    PrimaryKeyConstraint("project_id", "name"),
)
