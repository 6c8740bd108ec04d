"""The table endpoints own."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

endpoints = Table(
    "endpoints",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    text_column("name"),
    text_column("url"),
    text_column("types"),
    text_column("filter"),
    text_column("policy"),
    text_column("shape"),
    Column("array", Boolean, nullable=False),
    text_column("status"),
    Column("headers", LargeBinary, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("rate", Float),
    Column("cap", Integer, nullable=False),
    ms_column("failing_since", nullable=True),
    ms_column("warned_at", nullable=True),
    ms_column("disabled_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "ix_endpoints_project",
    endpoints.c.project_id,
    sqlite_where=endpoints.c.deleted_at.is_(None),
    postgresql_where=endpoints.c.deleted_at.is_(None),
)

# How often the endpoints of a project have changed: whoever tells them of every event need not
# read them again and again.
endpoint_versions = Table(
    "endpoint_versions",
    metadata,
    id_column("project_id"),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id"),
)
