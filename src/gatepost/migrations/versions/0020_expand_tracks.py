"""What recipients did with tracked mails."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "tracks",
        raw("account_id"),
        raw("id"),
        raw("delivery_id"),
        sa.Column("kind", text(), nullable=False),
        sa.Column("url", text(), nullable=True),
        sa.Column("address", text(), nullable=False),
        sa.Column("agent", text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_tracks")),
    )
    op.create_index("ix_tracks_delivery", "tracks", ["account_id", "delivery_id", "id"])


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
