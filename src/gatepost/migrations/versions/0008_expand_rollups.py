"""Sums of what was counted, by the quarter of an hour, the hour and the day."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the tables that counters are moved on to."""
    _make("past", _number("grain"), _big("slot"), _digest("name"), _digest("tags"), _big("events"))
    _make(
        "sums",
        *(_number("facet"), _number("grain"), _digest("label"), _big("slot")),
        _big("events"),
    )
    _make(
        "seen",
        *(_number("facet"), _digest("label")),
        *(_big("events"), _big("first_slot"), _big("last_slot")),
    )
    _make("kept", _big("begun"), _big("quarters_from"), _big("hours_from"))


KEYS = {
    "past": ("grain", "slot", "name", "tags"),
    "sums": ("facet", "grain", "label", "slot"),
    "seen": ("facet", "label"),
    "kept": (),
}


def _make(what: str, *columns: sa.Column[int] | sa.Column[bytes]) -> None:
    name = f"aggregator_{what}"
    op.create_table(
        name,
        _digest("account_id"),
        _digest("aggregator_id"),
        *columns,
        sa.PrimaryKeyConstraint(
            "account_id", "aggregator_id", *KEYS[what], name=op.f(f"pk_{name}")
        ),
        sqlite_with_rowid=False,
    )


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _digest(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(length=16), nullable=False)
