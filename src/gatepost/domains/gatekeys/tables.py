"""The tables gate keys own."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

gate_keys = Table(
    "gate_keys",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    text_column("name"),
    text_column("prefix"),
    text_column("start"),
    text_column("scopes"),
    text_column("limits"),
    text_column("quota", nullable=True),
    text_column("metadata"),
    id_column("customer_id", nullable=True),
    Column("enabled", Boolean, nullable=False),
    ms_column("expires_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("last_used_at", nullable=True),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("ix_gate_keys_project", gate_keys.c.account_id, gate_keys.c.project_id, gate_keys.c.id)
Index(
    "ix_gate_keys_customer",
    gate_keys.c.account_id,
    gate_keys.c.customer_id,
    gate_keys.c.id,
    sqlite_where=gate_keys.c.customer_id.is_not(None),
    postgresql_where=gate_keys.c.customer_id.is_not(None),
)

# Found by digest alone, so the digest leads. A row goes some time after it has ended: secrets are
# made here and never taken over, so none comes back.
gate_key_secrets = Table(
    "gate_key_secrets",
    metadata,
    Column("digest", LargeBinary(32), nullable=False),
    id_column("account_id"),
    id_column("key_id"),
    ms_column("created_at"),
    ms_column("valid_until", nullable=True),
    PrimaryKeyConstraint("digest"),
)

Index("ix_gate_key_secrets_key", gate_key_secrets.c.account_id, gate_key_secrets.c.key_id)
Index(
    "ix_gate_key_secrets_ended",
    gate_key_secrets.c.account_id,
    gate_key_secrets.c.valid_until,
    sqlite_where=gate_key_secrets.c.valid_until.is_not(None),
    postgresql_where=gate_key_secrets.c.valid_until.is_not(None),
)
