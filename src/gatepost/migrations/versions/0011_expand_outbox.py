"""The outbox: messages, deliveries, attempts, queues; and endpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

PENDING = sa.text("state = 'pending'")
SENDING = sa.text("state = 'sending'")
ORDERED = sa.text("ordering_key IS NOT NULL AND state IN ('pending', 'waiting', 'sending')")


def upgrade() -> None:
    """Add the tables."""
    messages()
    deliveries()
    attempts()
    queues()
    endpoints()


def messages() -> None:
    """What is told."""
    op.create_table(
        "messages",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        sa.Column("type", text(), nullable=False),
        sa.Column("body", text(), nullable=True),
        raw("event_id", nullable=True),
        raw("rule_id", nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("ordering_key", text(), nullable=True),
        sa.Column("erase", sa.Boolean(), nullable=False),
        number("expires_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_messages")),
    )
    index("ix_messages_event", "messages", ["account_id", "event_id"], "event_id IS NOT NULL")


def deliveries() -> None:
    """To whom, and how it went."""
    op.create_table(
        "deliveries",
        raw("account_id"),
        raw("id"),
        raw("message_id"),
        raw("project_id"),
        raw("queue_id"),
        raw("endpoint_id", nullable=True),
        sa.Column("transport", text(), nullable=False),
        sa.Column("target", text(), nullable=False),
        sa.Column("policy", text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", text(), nullable=False),
        number("due_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ordering_key", text(), nullable=True),
        sa.Column("error", text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        number("started_at", nullable=True),
        number("done_at", nullable=True),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_deliveries")),
    )
    queue = ["account_id", "queue_id"]
    index("ix_deliveries_next", "deliveries", [*queue, "priority", "due_at"], str(PENDING))
    index("ix_deliveries_ordered", "deliveries", [*queue, "ordering_key", "id"], str(ORDERED))
    index("ix_deliveries_sending", "deliveries", queue, str(SENDING))
    op.create_index("ix_deliveries_message", "deliveries", ["account_id", "message_id"])
    endpoint = ["account_id", "endpoint_id", "id"]
    index("ix_deliveries_endpoint", "deliveries", endpoint, "endpoint_id IS NOT NULL")


def attempts() -> None:
    """Each try; on PostgreSQL cut by id, which is by time."""
    op.create_table(
        "attempts",
        raw("account_id"),
        raw("delivery_id"),
        raw("id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        number("duration_ms"),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("fault", text(), nullable=True),
        sa.Column("error", text(), nullable=True),
        sa.Column("headers", text(), nullable=True),
        sa.Column("response", text(), nullable=True),
        number("next_at", nullable=True),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("via", text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "delivery_id", "id", name=op.f("pk_attempts")),
        postgresql_partition_by="RANGE (id)",
    )
    if op.get_context().dialect.name == "sqlite":
        op.create_index("ix_attempts_id", "attempts", ["id"])


def queues() -> None:
    """Destinations, and who sends to them."""
    op.create_table(
        "queues",
        raw("account_id"),
        raw("id"),
        sa.Column("transport", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        number("due_at", nullable=True),
        raw("owner", nullable=True),
        number("lease_until"),
        number("fence"),
        sa.Column("failures", sa.Integer(), nullable=False),
        number("open_until"),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_queues")),
    )
    index("ix_queues_due", "queues", ["due_at"], "due_at IS NOT NULL")
    index("ix_queues_owner", "queues", ["owner"], "owner IS NOT NULL")
    index("ix_queues_lease", "queues", ["lease_until"], "owner IS NOT NULL")
    op.create_table(
        "outbox_marks",
        sa.Column("name", text(), nullable=False),
        number("seq"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outbox_marks")),
    )


def endpoints() -> None:
    """Where webhooks go."""
    op.create_table(
        "endpoints",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("url", text(), nullable=False),
        sa.Column("types", text(), nullable=False),
        sa.Column("filter", text(), nullable=False),
        sa.Column("policy", text(), nullable=False),
        sa.Column("shape", text(), nullable=False),
        sa.Column("array", sa.Boolean(), nullable=False),
        sa.Column("status", text(), nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=True),
        sa.Column("cap", sa.Integer(), nullable=False),
        number("failing_since", nullable=True),
        number("warned_at", nullable=True),
        number("disabled_at", nullable=True),
        number("created_at"),
        number("updated_at"),
        number("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_endpoints")),
    )
    index("ix_endpoints_project", "endpoints", ["project_id"], "deleted_at IS NULL")


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
