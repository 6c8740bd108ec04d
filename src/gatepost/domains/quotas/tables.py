"""The table quotas own."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table

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
