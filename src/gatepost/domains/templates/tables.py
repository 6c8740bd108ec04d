"""The table templates own."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

templates = Table(
    "templates",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("alias"),
    Column("version", Integer, nullable=False),
    text_column("name"),
    text_column("subject"),
    text_column("html", nullable=True),
    text_column("text", nullable=True),
    text_column("sender"),
    text_column("reply_to"),
    ms_column("published_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

# Versions that were deleted keep their number: it never means another text.
Index(
    "uq_templates_version",
    templates.c.account_id,
    templates.c.alias,
    templates.c.version,
    unique=True,
)
