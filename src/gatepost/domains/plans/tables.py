"""The table plans own."""

from sqlalchemy import PrimaryKeyConstraint, Table

from gatepost.storage.metadata import metadata, ms_column, text_column

plans = Table(
    "plans",
    metadata,
    text_column("name"),
    text_column("spec"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("name"),
)
