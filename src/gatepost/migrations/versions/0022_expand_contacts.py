"""Contacts, audiences and subscribers; lists of addresses that are verified."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the tables."""
    contacts()
    audiences()
    subscribers()
    verifications()


def contacts() -> None:
    """Who there is, and how many of them."""
    op.create_table(
        "contacts",
        raw("account_id"),
        raw("id"),
        sa.Column("email", text(), nullable=False),
        sa.Column("first_name", text(), nullable=True),
        sa.Column("last_name", text(), nullable=True),
        sa.Column("custom_fields", text(), nullable=False),
        sa.Column("unsubscribed", sa.Boolean(), nullable=False),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_contacts")),
    )
    op.create_index("uq_contacts_email", "contacts", ["account_id", "email"], unique=True)
    op.create_table(
        "contact_totals",
        raw("account_id"),
        number("contacts"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_contact_totals")),
    )


def audiences() -> None:
    """Lists they are on, whose names are free again when they are deleted."""
    op.create_table(
        "audiences",
        raw("account_id"),
        raw("id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("token", text(), nullable=False),
        number("subscribers"),
        number("created_at"),
        number("updated_at"),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_audiences")),
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index(
        "uq_audiences_name",
        "audiences",
        ["account_id", "name"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def subscribers() -> None:
    """Who is on which list."""
    op.create_table(
        "subscribers",
        raw("account_id"),
        raw("audience_id"),
        raw("id"),
        raw("contact_id"),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("subscribed_at", sa.BigInteger(), nullable=True),
        sa.Column("unsubscribed_at", sa.BigInteger(), nullable=True),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("account_id", "audience_id", "id", name=op.f("pk_subscribers")),
    )
    op.create_index(
        "uq_subscribers_contact",
        "subscribers",
        ["account_id", "contact_id", "audience_id"],
        unique=True,
    )


def verifications() -> None:
    """Addresses to verify, in their order, and how far that has come."""
    op.create_table(
        "verification_lists",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("processed", sa.Integer(), nullable=False),
        sa.Column("invalid", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("check_at", sa.BigInteger(), nullable=True),
        number("created_at"),
        number("updated_at"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_verification_lists")),
    )
    due = sa.text("check_at IS NOT NULL")
    op.create_index(
        "ix_verification_lists_check",
        "verification_lists",
        ["check_at"],
        sqlite_where=due,
        postgresql_where=due,
    )
    op.create_table(
        "verifications",
        raw("account_id"),
        raw("list_id"),
        sa.Column("place", sa.Integer(), nullable=False),
        raw("id"),
        sa.Column("email", text(), nullable=False),
        sa.Column("finding", text(), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "list_id", "place", name=op.f("pk_verifications")),
    )


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def number(name: str) -> sa.Column[int]:
    """A count, or milliseconds since the epoch."""
    return sa.Column(name, sa.BigInteger(), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
