"""The sums by meter and hour that nothing read are gone: usage by route has taken their place."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Drop what is no longer written."""
    op.drop_table("usage")
