"""The table tracks own."""

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, text_column

tracks = Table(
    "tracks",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("delivery_id"),
    text_column("kind"),
    text_column("url", nullable=True),
    text_column("address"),
    text_column("agent"),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("ix_tracks_delivery", tracks.c.account_id, tracks.c.delivery_id, tracks.c.id)
