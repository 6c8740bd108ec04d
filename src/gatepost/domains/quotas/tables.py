"""The table quotas own."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, text_column

quota_usage = Table(
    "quota_usage",
    metadata,
    id_column("account_id"),
    text_column("quota"),
    Column("period", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "quota", "period"),
)

Index("ix_quota_usage_period", quota_usage.c.account_id, quota_usage.c.period)
