"""The table projects own."""

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, Table, false

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

projects = Table(
    "projects",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("name"),
    text_column("identify_mode"),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    Column("counting", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "uq_projects_live_name",
    projects.c.account_id,
    projects.c.name,
    unique=True,
    sqlite_where=projects.c.deleted_at.is_(None),
    postgresql_where=projects.c.deleted_at.is_(None),
)
