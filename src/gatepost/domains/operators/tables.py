"""The tables operators own."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

# People are of the installation; what they may do in an account is a membership.
operators = Table(
    "operators",
    metadata,
    id_column("id"),
    text_column("email"),
    text_column("name"),
    Column("superuser", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    text_column("password", nullable=True),
    Column("totp", LargeBinary),
    ms_column("totp_step"),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("last_signed_in_at", nullable=True),
    PrimaryKeyConstraint("id"),
)

Index("uq_operators_email", operators.c.email, unique=True)

memberships = Table(
    "memberships",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("operator_id"),
    text_column("role"),
    ms_column("created_at"),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("uq_memberships_operator", memberships.c.account_id, memberships.c.operator_id, unique=True)
Index("ix_memberships_operator", memberships.c.operator_id)

bookmarks = Table(
    "bookmarks",
    metadata,
    id_column("account_id"),
    id_column("membership_id"),
    id_column("id"),
    text_column("name"),
    text_column("place"),
    ms_column("created_at"),
    PrimaryKeyConstraint("account_id", "membership_id", "id"),
)

operator_sessions = Table(
    "operator_sessions",
    metadata,
    Column("digest", LargeBinary(32), nullable=False),
    id_column("id"),
    id_column("operator_id"),
    ms_column("created_at"),
    ms_column("seen_at"),
    ms_column("expires_at"),
    text_column("address"),
    text_column("agent"),
    Column("passed", Boolean, nullable=False),
    PrimaryKeyConstraint("digest"),
)

Index("ix_operator_sessions_operator", operator_sessions.c.operator_id, operator_sessions.c.id)
Index("ix_operator_sessions_expires", operator_sessions.c.expires_at)

operator_links = Table(
    "operator_links",
    metadata,
    Column("digest", LargeBinary(32), nullable=False),
    text_column("purpose"),
    id_column("operator_id", nullable=True),
    id_column("account_id", nullable=True),
    ms_column("created_at"),
    ms_column("expires_at"),
    PrimaryKeyConstraint("digest"),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    id_column("operator_id"),
    Column("digest", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("operator_id", "digest"),
)

invitations = Table(
    "invitations",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("email"),
    text_column("role"),
    text_column("inviter"),
    Column("digest", LargeBinary(32), nullable=False),
    ms_column("created_at"),
    ms_column("expires_at"),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("uq_invitations_email", invitations.c.account_id, invitations.c.email, unique=True)
Index("uq_invitations_digest", invitations.c.digest, unique=True)
