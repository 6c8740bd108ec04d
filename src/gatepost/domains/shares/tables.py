"""The table shares own."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

shares = Table(
    "shares",
    metadata,
    id_column("account_id"),
    id_column("id"),
    Column("digest", LargeBinary(32), nullable=False),
    text_column("name"),
    id_column("aggregator_id", nullable=True),
    id_column("project_id", nullable=True),
    text_column("view"),
    text_column("created_by"),
    ms_column("created_at"),
    ms_column("expires_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("uq_shares_digest", shares.c.digest, unique=True)
