"""The tables devices own."""

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

devices = Table(
    "devices",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    Column("user_id", Text),
    text_column("reach"),
    Column("channel", Text),
    id_column("digest"),
    text_column("host"),
    Column("subscription", LargeBinary, nullable=False),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("uq_devices_digest", devices.c.account_id, devices.c.digest, unique=True)
Index(
    "ix_devices_user",
    devices.c.account_id,
    devices.c.user_id,
    sqlite_where=devices.c.user_id.is_not(None),
    postgresql_where=devices.c.user_id.is_not(None),
)

push_keys = Table(
    "push_keys",
    metadata,
    id_column("account_id"),
    Column("public", LargeBinary, nullable=False),
    Column("private", LargeBinary, nullable=False),
    ms_column("created_at"),
    PrimaryKeyConstraint("account_id"),
)
