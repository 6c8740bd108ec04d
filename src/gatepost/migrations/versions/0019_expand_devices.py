"""Devices that are told by their browsers' push services, and the keys that say who tells them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "devices",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        sa.Column("user_id", text(), nullable=True),
        sa.Column("reach", text(), nullable=False),
        sa.Column("channel", text(), nullable=True),
        raw("digest"),
        sa.Column("host", text(), nullable=False),
        sa.Column("subscription", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_devices")),
    )
    op.create_index("uq_devices_digest", "devices", ["account_id", "digest"], unique=True)
    named = sa.text("user_id IS NOT NULL")
    op.create_index(
        "ix_devices_user",
        "devices",
        ["account_id", "user_id"],
        sqlite_where=named,
        postgresql_where=named,
    )
    op.create_table(
        "push_keys",
        raw("account_id"),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_push_keys")),
    )


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
