"""The tables customers own."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

customers = Table(
    "customers",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("identifier"),
    text_column("name"),
    text_column("metadata"),
    text_column("status"),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index("ix_customers_made", customers.c.account_id, customers.c.created_at, customers.c.id)
Index(
    "uq_customers_live_identifier",
    customers.c.account_id,
    customers.c.identifier,
    unique=True,
    sqlite_where=customers.c.deleted_at.is_(None),
    postgresql_where=customers.c.deleted_at.is_(None),
)

customer_quotas = Table(
    "customer_quotas",
    metadata,
    id_column("account_id"),
    id_column("customer_id"),
    text_column("metric"),
    Column("amount", BigInteger, nullable=False),
    text_column("period"),
    text_column("timezone"),
    text_column("mode"),
    text_column("thresholds"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "customer_id"),
)

quota_notices = Table(
    "quota_notices",
    metadata,
    id_column("account_id"),
    id_column("customer_id"),
    text_column("metric"),
    text_column("period"),
    ms_column("start"),
    Column("threshold", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    text_column("timezone"),
    text_column("mode"),
    Column("used", BigInteger, nullable=False),
    ms_column("at"),
    ms_column("told_at", nullable=True),
    PrimaryKeyConstraint("account_id", "customer_id", "metric", "period", "start", "threshold"),
)

Index(
    "ix_quota_notices_untold",
    quota_notices.c.account_id,
    quota_notices.c.at,
    sqlite_where=quota_notices.c.told_at.is_(None),
    postgresql_where=quota_notices.c.told_at.is_(None),
)
