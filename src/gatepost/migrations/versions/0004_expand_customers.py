"""Customers, their quotas, and usage by customer, route and status; keys of a customer."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables of customers and of usage."""
    customers()
    quotas()
    usage()
    requests()
    op.add_column("keys", sa.Column("customer_id", sa.LargeBinary(length=16), nullable=True))


def customers() -> None:
    """Customers, one of each identifier at a time."""
    op.create_table(
        "customers",
        raw("account_id"),
        raw("id"),
        sa.Column("identifier", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("metadata", text(), nullable=False),
        sa.Column("status", text(), nullable=False),
        number("created_at"),
        number("updated_at"),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_customers")),
    )
    op.create_index("ix_customers_made", "customers", ["account_id", "created_at", "id"])
    op.create_index(
        "uq_customers_live_identifier",
        "customers",
        ["account_id", "identifier"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def quotas() -> None:
    """What customers may use, and the thresholds they have reached."""
    op.create_table(
        "customer_quotas",
        raw("account_id"),
        raw("customer_id"),
        sa.Column("metric", text(), nullable=False),
        number("amount"),
        sa.Column("period", text(), nullable=False),
        sa.Column("timezone", text(), nullable=False),
        sa.Column("mode", text(), nullable=False),
        sa.Column("thresholds", text(), nullable=False),
        number("updated_at"),
        sa.PrimaryKeyConstraint("account_id", "customer_id", name=op.f("pk_customer_quotas")),
    )
    key = ["account_id", "customer_id", "metric", "period", "start", "threshold"]
    op.create_table(
        "quota_notices",
        raw("account_id"),
        raw("customer_id"),
        sa.Column("metric", text(), nullable=False),
        sa.Column("period", text(), nullable=False),
        number("start"),
        sa.Column("threshold", sa.Integer(), nullable=False),
        number("amount"),
        sa.Column("timezone", text(), nullable=False),
        sa.Column("mode", text(), nullable=False),
        number("used"),
        number("at"),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_quota_notices")),
    )
    op.create_index(
        "ix_quota_notices_untold",
        "quota_notices",
        ["account_id", "at"],
        sqlite_where=sa.text("told_at IS NULL"),
        postgresql_where=sa.text("told_at IS NULL"),
    )


def usage() -> None:
    """What was used, added up by line, and corrections of it."""
    key = ["account_id", "customer_id", "slot", "project_id", "key_id", "route", "status"]
    op.create_table(
        "usage_lines",
        raw("account_id"),
        raw("customer_id"),
        number("slot"),
        raw("project_id"),
        raw("key_id"),
        sa.Column("route", text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        number("requests"),
        number("units"),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_usage_lines")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_usage_lines_slot", "usage_lines", ["account_id", "slot"])
    op.create_table(
        "usage_adjustments",
        raw("account_id"),
        raw("customer_id"),
        raw("id"),
        number("slot"),
        number("requests"),
        number("units"),
        sa.Column("reason", text(), nullable=False),
        sa.Column("actor", text(), nullable=False),
        number("created_at"),
        sa.PrimaryKeyConstraint(
            "account_id", "customer_id", "id", name=op.f("pk_usage_adjustments")
        ),
    )


def requests() -> None:
    """Single requests of customers; on PostgreSQL cut by id, which is by time."""
    op.create_table(
        "usage_requests",
        raw("account_id"),
        raw("customer_id"),
        raw("id"),
        raw("project_id"),
        raw("key_id"),
        sa.Column("route", text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        number("units"),
        sa.Column("response_bytes", sa.BigInteger(), nullable=True),
        number("duration_ms"),
        sa.Column("request_id", text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "id", name=op.f("pk_usage_requests")),
        postgresql_partition_by="RANGE (id)",
    )


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def number(name: str) -> sa.Column[int]:
    """A whole number."""
    return sa.Column(name, sa.BigInteger(), nullable=False)


def postgres() -> bool:
    """Whether the engine is PostgreSQL."""
    return op.get_context().dialect.name == "postgresql"


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    return sa.Text(collation="C") if postgres() else sa.Text()
