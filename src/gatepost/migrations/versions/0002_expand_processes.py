"""Several processes: who they are, what they agree on, and how their commits end."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# A row's number is that of its transaction, shifted by 20 bits for the rows of one transaction.
# `arrival epoch` is added to it: a database restored into another cluster meets lower numbers.
POSTGRES = (
    """
    CREATE TABLE commit_marks (
        slot bytea PRIMARY KEY, number bigint NOT NULL, made_at timestamptz NOT NULL
    ) WITH (fillfactor = 50)
    """,
    "INSERT INTO installation (name, value) VALUES ('arrival epoch', '0')",
    """
    CREATE FUNCTION gatepost_arrival(xid xid8) RETURNS bigint LANGUAGE sql STABLE AS $$
        SELECT (xid::text::bigint + value::bigint) << 20
        FROM installation WHERE name = 'arrival epoch'
    $$
    """,
    """
    CREATE FUNCTION gatepost_horizon() RETURNS bigint LANGUAGE sql STABLE AS $$
        SELECT gatepost_arrival(pg_snapshot_xmin(pg_current_snapshot()))
    $$
    """,
)


def upgrade() -> None:
    """Add the tables of the processes."""
    postgres = op.get_context().dialect.name == "postgresql"
    text = sa.Text(collation="C") if postgres else sa.Text()
    op.create_table(
        "installation",
        sa.Column("name", text, nullable=False),
        sa.Column("value", text, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("role", text, nullable=False),
        sa.Column("host", text, nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )
    if postgres:
        for statement in POSTGRES:
            op.execute(statement)
