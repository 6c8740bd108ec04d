"""Aggregators: their counters, and the names and tags these are told apart by."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables of the aggregators, and whether a project counts its events."""
    postgres = op.get_context().dialect.name == "postgresql"
    text = sa.Text(collation="C") if postgres else sa.Text()
    op.create_table(
        "aggregators",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("description", text, nullable=False),
        sa.Column("timezone", text, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_aggregators")),
    )
    op.create_index(
        "uq_aggregators_live_name",
        "aggregators",
        ["account_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "aggregator_counts",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("aggregator_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.LargeBinary(length=16), nullable=False),
        sa.Column("tags", sa.LargeBinary(length=16), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id",
            "aggregator_id",
            "slot",
            "name",
            "tags",
            name=op.f("pk_aggregator_counts"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "aggregator_labels",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("aggregator_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("text", text, nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "aggregator_id", "kind", "digest", name=op.f("pk_aggregator_labels")
        ),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "projects",
        sa.Column("counting", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
