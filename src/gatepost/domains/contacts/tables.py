"""The tables contacts own."""

from sqlalchemy import BigInteger, Boolean, Column, Index, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

contacts = Table(
    "contacts",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("email"),
    text_column("first_name", nullable=True),
    text_column("last_name", nullable=True),
    text_column("custom_fields"),
    Column("unsubscribed", Boolean, nullable=False),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("uq_contacts_email", contacts.c.account_id, contacts.c.email, unique=True)

# How many an account has, so that nobody counts them to keep to a bound.
contact_totals = Table(
    "contact_totals",
    metadata,
    id_column("account_id"),
    Column("contacts", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id"),
)

audiences = Table(
    "audiences",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("name"),
    text_column("token"),
    Column("subscribers", BigInteger, nullable=False),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "uq_audiences_name",
    audiences.c.account_id,
    audiences.c.name,
    unique=True,
    sqlite_where=audiences.c.deleted_at.is_(None),
    postgresql_where=audiences.c.deleted_at.is_(None),
)

subscribers = Table(
    "subscribers",
    metadata,
    id_column("account_id"),
    id_column("audience_id"),
    id_column("id"),
    id_column("contact_id"),
    Column("subscribed", Boolean, nullable=False),
    ms_column("subscribed_at", nullable=True),
    ms_column("unsubscribed_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "audience_id", "id"),
)

Index(
    "uq_subscribers_contact",
    subscribers.c.account_id,
    subscribers.c.contact_id,
    subscribers.c.audience_id,
    unique=True,
)
