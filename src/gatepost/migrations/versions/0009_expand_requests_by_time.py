"""Single requests by time on SQLite, which deletes the old ones one by one."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the index; PostgreSQL drops whole parts instead."""
    if op.get_context().dialect.name == "sqlite":
        op.create_index("ix_usage_requests_id", "usage_requests", ["id"])
