"""What is remembered of rules between events, and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the tables."""
    states()
    alerts()


def states() -> None:
    """What is remembered."""
    op.create_table(
        "rule_states",
        raw("account_id"),
        raw("id"),
        raw("rule_id"),
        sa.Column("kind", text(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("body", text(), nullable=False),
        number("due_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_rule_states")),
    )
    index("ix_rule_states_due", "rule_states", ["kind", "due_at"], "due_at IS NOT NULL")
    op.create_index("ix_rule_states_rule", "rule_states", ["account_id", "rule_id"])


def alerts() -> None:
    """What is to be taken notice of."""
    op.create_table(
        "alerts",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        raw("rule_id"),
        sa.Column("key", text(), nullable=False),
        sa.Column("words", text(), nullable=False),
        number("opened_at"),
        number("told_at", nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        number("next_at", nullable=True),
        number("acknowledged_at", nullable=True),
        sa.Column("acknowledged_by", text(), nullable=True),
        number("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_alerts")),
    )
    index("ix_alerts_next", "alerts", ["next_at"], "next_at IS NOT NULL")
    op.create_index("ix_alerts_rule", "alerts", ["account_id", "rule_id", "id"])


def index(name: str, table: str, columns: list[str], where: str) -> None:
    """An index of some rows."""
    only = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def raw(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=nullable)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """A whole number."""
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
