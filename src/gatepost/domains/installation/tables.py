"""The table the installation owns."""

from sqlalchemy import PrimaryKeyConstraint, Table

from gatepost.storage.metadata import metadata, text_column

installation = Table(
    "installation",
    metadata,
    text_column("name"),
    text_column("value"),
    PrimaryKeyConstraint("name"),
)
