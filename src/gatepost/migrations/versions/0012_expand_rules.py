"""Rules: when events become messages."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "rules",
        raw("account_id"),
        raw("id"),
        raw("project_id"),
        sa.Column("name", text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("match", text(), nullable=False),
        sa.Column("spec", text(), nullable=False),
        sa.Column("way", sa.LargeBinary(), nullable=False),
        number("muted_until", nullable=True),
        sa.Column("error", text(), nullable=True),
        number("failed_at", nullable=True),
        number("created_at"),
        number("updated_at"),
        number("deleted_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_rules")),
    )
    living = sa.text("deleted_at IS NULL")
    op.create_index(
        "ix_rules_project", "rules", ["project_id"], sqlite_where=living, postgresql_where=living
    )
    op.create_table(
        "rule_versions",
        raw("account_id"),
        raw("project_id"),
        number("version"),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "project_id", name=op.f("pk_rule_versions")),
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
