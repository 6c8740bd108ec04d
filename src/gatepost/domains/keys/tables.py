"""The tables keys own."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

keys = Table(
    "keys",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id", nullable=True),
    text_column("name"),
    text_column("format"),
    text_column("scopes"),
    Column("sending_domain", Text),
    Column("limits", Text),
    Column("enabled", Boolean, nullable=False),
    ms_column("expires_at", nullable=True),
    text_column("allow_from"),
    text_column("metadata"),
    text_column("start"),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("last_used_at", nullable=True),
    ms_column("deleted_at", nullable=True),
    id_column("customer_id", nullable=True),
    Column("hold_mails", Boolean),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "uq_keys_live_name",
    keys.c.account_id,
    keys.c.name,
    unique=True,
    sqlite_where=keys.c.deleted_at.is_(None),
    postgresql_where=keys.c.deleted_at.is_(None),
)

Index(
    "ix_keys_customer",
    keys.c.account_id,
    keys.c.customer_id,
    keys.c.id,
    sqlite_where=keys.c.customer_id.is_not(None),
    postgresql_where=keys.c.customer_id.is_not(None),
)

# What ends soon is told, whosever it is.
Index(
    "ix_keys_expires",
    keys.c.expires_at,
    sqlite_where=keys.c.expires_at.is_not(None),
    postgresql_where=keys.c.expires_at.is_not(None),
)

# Found by digest before any account is known, so the digest leads. A row outlives its key:
# a secret that was ever used can never come back.
key_secrets = Table(
    "key_secrets",
    metadata,
    Column("digest", LargeBinary(32), nullable=False),
    id_column("account_id"),
    id_column("key_id"),
    ms_column("created_at"),
    ms_column("valid_until", nullable=True),
    PrimaryKeyConstraint("digest"),
)

Index("ix_key_secrets_key", key_secrets.c.account_id, key_secrets.c.key_id)
