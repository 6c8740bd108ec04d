"""Suppressions that end by themselves; keys whose mails are held back."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"


def upgrade() -> None:
    """Add a column to each, and an index of what ends."""
    op.add_column("suppressions", sa.Column("keep_until", sa.BigInteger(), nullable=True))
    ends = sa.text("keep_until IS NOT NULL")
    op.create_index(
        "ix_suppressions_ends",
        "suppressions",
        ["account_id", "keep_until"],
        sqlite_where=ends,
        postgresql_where=ends,
    )
    op.add_column("keys", sa.Column("hold_mails", sa.Boolean(), nullable=True))
