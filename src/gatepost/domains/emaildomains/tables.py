"""The tables sending domains own."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

sending_domains = Table(
    "sending_domains",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("name"),
    text_column("selector"),
    text_column("label"),
    text_column("public_key"),
    Column("private_key", LargeBinary, nullable=False),
    Column("trusted", Boolean, nullable=False),
    text_column("findings"),
    Column("track_opens", Boolean, nullable=False),
    Column("track_clicks", Boolean, nullable=False),
    ms_column("verified_at", nullable=True),
    ms_column("checked_at", nullable=True),
    ms_column("check_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "uq_sending_domains_name",
    sending_domains.c.account_id,
    sending_domains.c.name,
    unique=True,
    sqlite_where=sending_domains.c.deleted_at.is_(None),
    postgresql_where=sending_domains.c.deleted_at.is_(None),
)

# What is to be looked at again is found over all accounts.
Index(
    "ix_sending_domains_check",
    sending_domains.c.check_at,
    sqlite_where=sending_domains.c.check_at.is_not(None),
    postgresql_where=sending_domains.c.check_at.is_not(None),
)

# Whose a verified name is, over all accounts: so the name leads.
domain_claims = Table(
    "domain_claims",
    metadata,
    text_column("name"),
    id_column("account_id"),
    id_column("domain_id"),
    PrimaryKeyConstraint("name"),
)
