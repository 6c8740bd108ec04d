"""Pages of the dashboard that operators have kept."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "bookmarks",
        raw("account_id"),
        raw("membership_id"),
        raw("id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("place", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "membership_id", "id", name=op.f("pk_bookmarks")),
    )


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
