"""The tables rules own."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

rules = Table(
    "rules",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    text_column("name"),
    Column("enabled", Boolean, nullable=False),
    text_column("kind"),
    text_column("match"),
    text_column("spec"),
    Column("way", LargeBinary, nullable=False),
    ms_column("muted_until", nullable=True),
    Column("error", Text),
    ms_column("failed_at", nullable=True),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "ix_rules_project",
    rules.c.project_id,
    sqlite_where=rules.c.deleted_at.is_(None),
    postgresql_where=rules.c.deleted_at.is_(None),
)

# How often the rules of a project have changed, and how many of them are on: whoever tries them
# on every event need not read them again and again.
rule_versions = Table(
    "rule_versions",
    metadata,
    id_column("account_id"),
    id_column("project_id"),
    Column("version", BigInteger, nullable=False),
    Column("active", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "project_id"),
)

# What is remembered of a rule between events: how many came, since when none did, what is held.
# `id` is made of the rule, the kind and the key (see `states.place_of`).
rule_states = Table(
    "rule_states",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("rule_id"),
    text_column("kind"),
    text_column("key"),
    text_column("body"),
    ms_column("due_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

_due = rule_states.c.due_at.is_not(None)
Index(
    "ix_rule_states_due",
    rule_states.c.kind,
    rule_states.c.due_at,
    sqlite_where=_due,
    postgresql_where=_due,
)
Index("ix_rule_states_rule", rule_states.c.account_id, rule_states.c.rule_id)

alerts = Table(
    "alerts",
    metadata,
    id_column("account_id"),
    id_column("id"),
    id_column("project_id"),
    id_column("rule_id"),
    text_column("key"),
    text_column("words"),
    ms_column("opened_at"),
    ms_column("told_at", nullable=True),
    Column("step", Integer, nullable=False),
    ms_column("next_at", nullable=True),
    ms_column("acknowledged_at", nullable=True),
    Column("acknowledged_by", Text),
    ms_column("closed_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

_next = alerts.c.next_at.is_not(None)
Index("ix_alerts_next", alerts.c.next_at, sqlite_where=_next, postgresql_where=_next)
Index("ix_alerts_rule", alerts.c.account_id, alerts.c.rule_id, alerts.c.id)
