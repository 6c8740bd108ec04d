"""The tables people own."""

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

people = Table(
    "people",
    metadata,
    id_column("account_id"),
    text_column("user_id"),
    id_column("id"),
    text_column("properties"),
    ms_column("created_at"),
    ms_column("updated_at"),
    PrimaryKeyConstraint("account_id", "user_id"),
)

person_aliases = Table(
    "person_aliases",
    metadata,
    id_column("account_id"),
    text_column("alias"),
    text_column("user_id"),
    ms_column("created_at"),
    PrimaryKeyConstraint("account_id", "alias"),
)

Index("ix_person_aliases_user", person_aliases.c.account_id, person_aliases.c.user_id)
Index("ix_people_id", people.c.account_id, people.c.id)
