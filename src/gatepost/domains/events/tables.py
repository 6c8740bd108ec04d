"""The tables events own."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from gatepost.base import ids
from gatepost.base.clock import DAY_MS
from gatepost.storage.metadata import (
    id_column,
    metadata,
    ms_column,
    sequence_column,
    text_column,
)
from gatepost.storage.parts import Parted
from gatepost.storage.postings import Postings

WEEK_MS = 7 * DAY_MS

events = Table(
    "events",
    metadata,
    sequence_column("seq"),
    id_column("project_id"),
    id_column("id"),
    id_column("channel_id"),
    text_column("channel_name"),
    text_column("title"),
    Column("description", Text),
    Column("icon", Text),
    text_column("tags"),
    text_column("metadata"),
    Column("user_id", Text),
    Column("notify", Boolean, nullable=False),
    text_column("source"),
    text_column("display_as"),
    UniqueConstraint("project_id", "id"),
    sqlite_autoincrement=True,
)

event_terms = Postings("event_terms")

EVENT_PARTS = Parted("events", "id", WEEK_MS, ids.floor_at, ahead=3, past=True)
TERM_PARTS = Parted(
    "event_terms", "place", WEEK_MS, lambda at: ids.place_of(ids.floor_at(at)), ahead=3, past=True
)

event_keys = Table(
    "event_keys",
    metadata,
    id_column("project_id"),
    text_column("event_key"),
    id_column("id"),
    ms_column("expires_at"),
    PrimaryKeyConstraint("project_id", "event_key"),
    sqlite_with_rowid=False,
)

event_index = Table(
    "event_index",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
