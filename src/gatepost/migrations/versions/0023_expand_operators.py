"""Operators, what they may do in accounts, their sessions, and who is invited."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the tables."""
    operators()
    memberships()
    sessions()
    links()
    invitations()


def operators() -> None:
    """People who sign in, and the codes that stand in for a lost second factor."""
    op.create_table(
        "operators",
        raw("id"),
        sa.Column("email", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("superuser", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("password", text(), nullable=True),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        number("totp_step"),
        number("created_at"),
        number("updated_at"),
        sa.Column("last_signed_in_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
    )
    op.create_index("uq_operators_email", "operators", ["email"], unique=True)
    op.create_table(
        "recovery_codes",
        raw("operator_id"),
        digest(),
        sa.PrimaryKeyConstraint("operator_id", "digest", name=op.f("pk_recovery_codes")),
    )


def memberships() -> None:
    """What they may do in which account."""
    op.create_table(
        "memberships",
        raw("account_id"),
        raw("id"),
        raw("operator_id"),
        sa.Column("role", text(), nullable=False),
        number("created_at"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_memberships")),
    )
    columns = ["account_id", "operator_id"]
    op.create_index("uq_memberships_operator", "memberships", columns, unique=True)
    op.create_index("ix_memberships_operator", "memberships", ["operator_id"])


def sessions() -> None:
    """Browsers that are signed in."""
    op.create_table(
        "operator_sessions",
        digest(),
        raw("id"),
        raw("operator_id"),
        number("created_at"),
        number("seen_at"),
        number("expires_at"),
        sa.Column("address", text(), nullable=False),
        sa.Column("agent", text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_operator_sessions")),
    )
    op.create_index("ix_operator_sessions_operator", "operator_sessions", ["operator_id", "id"])
    op.create_index("ix_operator_sessions_expires", "operator_sessions", ["expires_at"])


def links() -> None:
    """Links that open once."""
    op.create_table(
        "operator_links",
        digest(),
        sa.Column("purpose", text(), nullable=False),
        sa.Column("operator_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=True),
        number("created_at"),
        number("expires_at"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_operator_links")),
    )


def invitations() -> None:
    """Who may become a member."""
    op.create_table(
        "invitations",
        raw("account_id"),
        raw("id"),
        sa.Column("email", text(), nullable=False),
        sa.Column("role", text(), nullable=False),
        sa.Column("inviter", text(), nullable=False),
        digest(),
        number("created_at"),
        number("expires_at"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_invitations")),
    )
    op.create_index("uq_invitations_email", "invitations", ["account_id", "email"], unique=True)
    op.create_index("uq_invitations_digest", "invitations", ["digest"], unique=True)


def raw(name: str) -> sa.Column[bytes]:
    """Sixteen bytes."""
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)


def digest() -> sa.Column[bytes]:
    """What is left of a secret."""
    return sa.Column("digest", sa.LargeBinary(length=32), nullable=False)


def number(name: str) -> sa.Column[int]:
    """Milliseconds since the epoch, or a count."""
    return sa.Column(name, sa.BigInteger(), nullable=False)


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    postgres = op.get_context().dialect.name == "postgresql"
    return sa.Text(collation="C") if postgres else sa.Text()
