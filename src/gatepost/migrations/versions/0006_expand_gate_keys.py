"""Gate keys, and the digests of their secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the tables of gate keys."""
    op.create_table(
        "gate_keys",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("prefix", text(), nullable=False),
        sa.Column("start", text(), nullable=False),
        sa.Column("scopes", text(), nullable=False),
        sa.Column("limits", text(), nullable=False),
        sa.Column("quota", text(), nullable=True),
        sa.Column("metadata", text(), nullable=False),
        sa.Column("customer_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_gate_keys")),
    )
    op.create_index("ix_gate_keys_project", "gate_keys", ["account_id", "project_id", "id"])
    op.create_table(
        "gate_key_secrets",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        raw("account_id"),
        raw("key_id"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_gate_key_secrets")),
    )
    op.create_index("ix_gate_key_secrets_key", "gate_key_secrets", ["account_id", "key_id"])


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
