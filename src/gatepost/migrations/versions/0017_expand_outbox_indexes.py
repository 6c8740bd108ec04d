"""Failed deliveries by account, and destinations that are left alone: both are few."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the indexes of some rows."""
    few("ix_deliveries_failed", "deliveries", ["account_id", "id"], "state = 'failed'")
    few("ix_queues_open", "queues", ["open_until"], "open_until > 0")


def few(name: str, table: str, columns: list[str], where: str) -> None:
    """An index of some rows."""
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
