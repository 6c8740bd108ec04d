"""The tables aggregators own."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
)

from gatepost.storage.metadata import id_column, metadata, ms_column, text_column

DIGEST_BYTES = 16

aggregators = Table(
    "aggregators",
    metadata,
    id_column("account_id"),
    id_column("id"),
    text_column("name"),
    text_column("description"),
    text_column("timezone"),
    ms_column("created_at"),
    ms_column("updated_at"),
    ms_column("archived_at", nullable=True),
    ms_column("deleted_at", nullable=True),
    PrimaryKeyConstraint("account_id", "id"),
)

Index(
    "uq_aggregators_live_name",
    aggregators.c.account_id,
    aggregators.c.name,
    unique=True,
    sqlite_where=aggregators.c.deleted_at.is_(None),
    postgresql_where=aggregators.c.deleted_at.is_(None),
)

# What was counted lately, by the quarter of an hour: the one table that events add to.
counts = Table(
    "aggregator_counts",
    metadata,
    id_column("account_id"),
    id_column("aggregator_id"),
    Column("slot", BigInteger, nullable=False),
    Column("name", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("tags", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "aggregator_id", "slot", "name", "tags"),
    sqlite_with_rowid=False,
)

# What was moved on from there, added up: `grain` is how many minutes a row covers from its slot.
past = Table(
    "aggregator_past",
    metadata,
    id_column("account_id"),
    id_column("aggregator_id"),
    Column("grain", Integer, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("name", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("tags", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "aggregator_id", "grain", "slot", "name", "tags"),
    sqlite_with_rowid=False,
)

# The same, of all names and tags together, of each name, of each tag: `label` is whose.
sums = Table(
    "aggregator_sums",
    metadata,
    id_column("account_id"),
    id_column("aggregator_id"),
    Column("facet", Integer, nullable=False),
    Column("grain", Integer, nullable=False),
    Column("label", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "aggregator_id", "facet", "grain", "label", "slot"),
    sqlite_with_rowid=False,
)

# Of each label of a facet: all that was moved on, and the first and last slot of it.
seen = Table(
    "aggregator_seen",
    metadata,
    id_column("account_id"),
    id_column("aggregator_id"),
    Column("facet", Integer, nullable=False),
    Column("label", LargeBinary(DIGEST_BYTES), nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("first_slot", BigInteger, nullable=False),
    Column("last_slot", BigInteger, nullable=False),
    PrimaryKeyConstraint("account_id", "aggregator_id", "facet", "label"),
    sqlite_with_rowid=False,
)

# Since when (ms) counters are moved on, and from when on quarters and hours are kept; 0 is always.
kept = Table(
    "aggregator_kept",
    metadata,
    id_column("account_id"),
    id_column("aggregator_id"),
    ms_column("begun"),
    ms_column("quarters_from"),
    ms_column("hours_from"),
    PrimaryKeyConstraint("account_id", "aggregator_id"),
    sqlite_with_rowid=False,
)

# The texts behind the digests: names, sets of tags, and single tags.
labels = Table(
    "aggregator_labels",
    metadata,
    id_column("account_id"),
    id_column("aggregator_id"),
    Column("kind", SmallInteger, nullable=False),
    Column("digest", LargeBinary(DIGEST_BYTES), nullable=False),
    text_column("text"),
    PrimaryKeyConstraint("account_id", "aggregator_id", "kind", "digest"),
    sqlite_with_rowid=False,
)
