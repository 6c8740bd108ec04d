"""Why deliveries failed, names of messages, secrets of direct webhooks, messages by their type."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add a column, two tables and an index."""
    op.add_column("deliveries", sa.Column("fault", sa.Text(), nullable=True))
    op.create_table(
        "named_messages",
        raw("account_id"),
        raw("name"),
        raw("message_id"),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_named_messages")),
    )
    op.create_table(
        "webhook_secrets",
        raw("account_id"),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_webhook_secrets")),
    )
    by_hand = sa.text("event_id IS NULL")
    op.create_index(
        "ix_messages_type",
        "messages",
        ["account_id", "type", "id"],
        sqlite_where=by_hand,
        postgresql_where=by_hand,
    )


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)
