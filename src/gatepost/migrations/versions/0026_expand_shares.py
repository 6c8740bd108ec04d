"""Reports that whoever has a link may look at."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "shares",
        raw("account_id"),
        raw("id"),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", text(), nullable=False),
        raw("aggregator_id", nullable=True),
        raw("project_id", nullable=True),
        sa.Column("view", text(), nullable=False),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_shares")),
    )
    op.create_index("uq_shares_digest", "shares", ["digest"], unique=True)


def raw(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=nullable)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
