"""Keys by their customer, and what has ended: counters of quotas and secrets of gate keys."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the indexes; where few rows have the column, the others are left out."""
    for table in ("keys", "gate_keys"):
        columns = ["account_id", "customer_id", "id"]
        few(f"ix_{table}_customer", table, columns, "customer_id IS NOT NULL")
    secrets = ["account_id", "valid_until"]
    few("ix_gate_key_secrets_ended", "gate_key_secrets", secrets, "valid_until IS NOT NULL")
    op.create_index("ix_quota_usage_period", "quota_usage", ["account_id", "period"])


def few(name: str, table: str, columns: list[str], where: str) -> None:
    """An index of some rows."""
    op.create_index(
        name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
