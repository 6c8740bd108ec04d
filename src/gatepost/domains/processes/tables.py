"""The table processes own."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

processes = Table(
    "processes",
    metadata,
    id_column("id"),
    text_column("role"),
    text_column("host"),
    Column("pid", Integer, nullable=False),
    text_column("version"),
    ms_column("started_at"),
    ms_column("seen_at"),
    PrimaryKeyConstraint("id"),
)
