"""The table usage owns."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, text_column

usage = Table(
    "usage",
    metadata,
    id_column("account_id"),
    id_column("project_id"),
    id_column("key_id"),
    text_column("meter"),
    Column("hour", BigInteger, nullable=False),
    Column("units", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "project_id", "key_id", "meter", "hour"),
)
