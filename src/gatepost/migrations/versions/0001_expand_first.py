"""The first schema: accounts, keys, events, people, and what the gate remembers."""

import sqlalchemy as sa
from alembic import op

from gatepost.storage.sqlite.engine import terms_ddl

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, and let the audit log refuse changes."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("status", text(), nullable=False),
        sa.Column("plan", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
    )
    op.create_table(
        "audit",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", text(), nullable=False),
        sa.Column("actor_id", text(), nullable=False),
        sa.Column("actor_name", text(), nullable=False),
        sa.Column("address", text(), nullable=True),
        sa.Column("action", text(), nullable=False),
        sa.Column("object", text(), nullable=False),
        sa.Column("object_name", text(), nullable=False),
        sa.Column("before", text(), nullable=True),
        sa.Column("after", text(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_audit")),
    )
    op.create_table(
        "channels",
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("icon", text(), nullable=True),
        sa.Column("description", text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_channels")),
    )
    op.create_table(
        "event_index",
        sa.Column("name", text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_event_index")),
    )
    op.create_table(
        "event_keys",
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("event_key", text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "event_key", name=op.f("pk_event_keys")),
        sqlite_with_rowid=False,
    )
    events()
    event_terms()
    idempotency()
    op.create_table(
        "key_secrets",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_key_secrets")),
    )
    op.create_index("ix_key_secrets_key", "key_secrets", ["account_id", "key_id"], unique=False)
    op.create_table(
        "keys",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("name", text(), nullable=False),
        sa.Column("format", text(), nullable=False),
        sa.Column("scopes", text(), nullable=False),
        sa.Column("sending_domain", text(), nullable=True),
        sa.Column("limits", text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("allow_from", text(), nullable=False),
        sa.Column("metadata", text(), nullable=False),
        sa.Column("start", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_keys")),
    )
    op.create_index(
        "uq_keys_live_name",
        "keys",
        ["account_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "people",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("user_id", text(), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("properties", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_people")),
    )
    op.create_index("ix_people_id", "people", ["account_id", "id"], unique=False)
    op.create_table(
        "person_aliases",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("alias", text(), nullable=False),
        sa.Column("user_id", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "alias", name=op.f("pk_person_aliases")),
    )
    op.create_index(
        "ix_person_aliases_user", "person_aliases", ["account_id", "user_id"], unique=False
    )
    op.create_table(
        "plans",
        sa.Column("name", text(), nullable=False),
        sa.Column("spec", text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_plans")),
    )
    op.create_table(
        "projects",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("identify_mode", text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_projects")),
    )
    op.create_index(
        "uq_projects_live_name",
        "projects",
        ["account_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "quota_usage",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("quota", text(), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "quota", "period", name=op.f("pk_quota_usage")),
    )
    op.create_table(
        "refusals",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("code", text(), nullable=False),
        sa.Column("route", text(), nullable=False),
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("detail", text(), nullable=False),
        sa.Column("address", text(), nullable=True),
        sa.Column("request_id", text(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "hour", "key_id", "code", "route", name=op.f("pk_refusals")
        ),
    )
    op.create_index("ix_refusals_last", "refusals", ["account_id", "last_at"], unique=False)
    op.create_table(
        "usage",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("key_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("meter", text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "project_id", "key_id", "meter", "hour", name=op.f("pk_usage")
        ),
    )
    guard_audit()


def events() -> None:
    """Events in order of arrival; on PostgreSQL cut by id, which is by time."""
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("project_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("channel_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("channel_name", text(), nullable=False),
        sa.Column("title", text(), nullable=False),
        sa.Column("description", text(), nullable=True),
        sa.Column("icon", text(), nullable=True),
        sa.Column("tags", text(), nullable=False),
        sa.Column("metadata", text(), nullable=False),
        sa.Column("user_id", text(), nullable=True),
        sa.Column("notify", sa.Boolean(), nullable=False),
        sa.Column("source", text(), nullable=False),
        sa.Column("display_as", text(), nullable=False),
    ]
    if postgres():
        op.create_table(
            "events",
            sa.Column("seq", sa.BigInteger(), nullable=False),
            *columns,
            sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_events")),
            postgresql_partition_by="RANGE (id)",
        )
        op.create_index("ix_events_seq", "events", ["seq"])
        return
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("project_id", "id", name=op.f("uq_events_project_id_id")),
        sqlite_autoincrement=True,
    )


def event_terms() -> None:
    """The index of terms: a virtual table, or a tree cut by place, which is by time."""
    if not postgres():
        op.execute(terms_ddl("event_terms"))
        return
    op.create_table(
        "event_terms",
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        postgresql_partition_by="RANGE (place)",
    )
    op.create_index("ix_event_terms", "event_terms", ["term", "place"])


def idempotency() -> None:
    """Remembered replies; on PostgreSQL cut by the end of their time."""
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("scope", sa.LargeBinary(length=16), nullable=False),
        sa.Column("claim", sa.LargeBinary(length=16), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    ]
    if postgres():
        op.create_table(
            "idempotency",
            *columns,
            sa.PrimaryKeyConstraint("scope", "claim", "expires_at", name=op.f("pk_idempotency")),
            postgresql_partition_by="RANGE (expires_at)",
        )
        return
    op.create_table(
        "idempotency",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_idempotency")),
        sa.UniqueConstraint("scope", "claim", name=op.f("uq_idempotency_scope_claim")),
        sqlite_autoincrement=True,
    )


def guard_audit() -> None:
    """Let the audit log refuse changes."""
    words = "the audit log is append-only"
    if postgres():
        op.execute(
            "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{words}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
        )


def postgres() -> bool:
    """Whether the engine is PostgreSQL."""
    return op.get_context().dialect.name == "postgresql"


def text() -> sa.Text:
    """Text that sorts by its code points on every engine."""
    return sa.Text(collation="C") if postgres() else sa.Text()
