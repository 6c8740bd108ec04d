"""Relays, and what their requests on the way have taken of quotas."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables of relays."""
    op.create_table(
        "relays",
        raw("account_id"),
        raw("id"),
        sa.Column("method", text(), nullable=False),
        sa.Column("path", text(), nullable=False),
        sa.Column("upstream", text(), nullable=False),
        sa.Column("units", text(), nullable=False),
        sa.Column("scope", text(), nullable=False),
        sa.Column("customer", text(), nullable=False),
        sa.Column("timeout_ms", sa.Integer(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        number("created_at"),
        number("updated_at"),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_relays")),
    )
    op.create_index(
        "uq_relays_live_route",
        "relays",
        ["account_id", "method", "path"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "relay_holds",
        raw("account_id"),
        raw("id"),
        sa.Column("takes", text(), nullable=False),
        number("expires_at"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_relay_holds")),
    )


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def number(name: str) -> sa.Column[int]:
    """A whole number."""
    return sa.Column(name, sa.BigInteger(), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
