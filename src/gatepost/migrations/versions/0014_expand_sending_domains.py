"""Sending domains, whose verified names are, and templates."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the tables."""
    domains()
    templates()


def domains() -> None:
    """Domains that mail is sent from."""
    op.create_table(
        "sending_domains",
        raw("account_id"),
        raw("id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("selector", text(), nullable=False),
        sa.Column("label", text(), nullable=False),
        sa.Column("public_key", text(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("findings", text(), nullable=False),
        sa.Column("track_opens", sa.Boolean(), nullable=False),
        sa.Column("track_clicks", sa.Boolean(), nullable=False),
        number("verified_at", nullable=True),
        number("checked_at", nullable=True),
        number("check_at", nullable=True),
        number("created_at"),
        number("updated_at"),
        number("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_sending_domains")),
    )
    living = sa.text("deleted_at IS NULL")
    op.create_index(
        "uq_sending_domains_name",
        "sending_domains",
        ["account_id", "name"],
        unique=True,
        sqlite_where=living,
        postgresql_where=living,
    )
    due = sa.text("check_at IS NOT NULL")
    op.create_index(
        "ix_sending_domains_check",
        "sending_domains",
        ["check_at"],
        sqlite_where=due,
        postgresql_where=due,
    )
    op.create_table(
        "domain_claims",
        sa.Column("name", text(), nullable=False),
        raw("account_id"),
        raw("domain_id"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_domain_claims")),
    )


def templates() -> None:
    """Texts of messages, in versions."""
    op.create_table(
        "templates",
        raw("account_id"),
        raw("id"),
        sa.Column("alias", text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("subject", text(), nullable=False),
        sa.Column("html", text(), nullable=True),
        sa.Column("text", text(), nullable=True),
        sa.Column("sender", text(), nullable=False),
        sa.Column("reply_to", text(), nullable=False),
        number("published_at", nullable=True),
        number("created_at"),
        number("updated_at"),
        number("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_templates")),
    )
    op.create_index(
        "uq_templates_version", "templates", ["account_id", "alias", "version"], unique=True
    )


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
