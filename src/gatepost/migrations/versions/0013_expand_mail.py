"""Mailers, suppressions, the mailbox, attachments."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "mailers",
        raw("account_id"),
        raw("id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("any_sender", sa.Boolean(), nullable=False),
        sa.Column("host", text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("tls", text(), nullable=False),
        sa.Column("username", text(), nullable=False),
        sa.Column("region", text(), nullable=False),
        sa.Column("url", text(), nullable=False),
        sa.Column("stream", text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_mailers")),
    )
    op.create_table(
        "suppressions",
        raw("account_id"),
        raw("id"),
        sa.Column("address", text(), nullable=False),
        sa.Column("type", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_suppressions")),
    )
    op.create_index(
        "uq_suppressions_address", "suppressions", ["account_id", "address"], unique=True
    )
    op.create_table(
        "mailbox",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        raw("message_id"),
        raw("delivery_id"),
        sa.Column("sender", text(), nullable=False),
        sa.Column("recipient", text(), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_mailbox")),
    )
    op.create_table(
        "attachments",
        raw("account_id"),
        raw("id"),
        raw("message_id"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_attachments")),
    )
    op.create_index("ix_attachments_message", "attachments", ["account_id", "message_id"])


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
