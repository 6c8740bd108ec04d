"""Usage counters in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gatepost.base.ids import AccountId, KeyId, ProjectId
from gatepost.domains.usage.tables import usage
from gatepost.storage import sql
from gatepost.storage.db import Tx

KEYS = ("account_id", "project_id", "key_id", "meter", "hour")


class Line(NamedTuple):
    """What is counted apart: `hour` is the number of the hour since the epoch."""

    account_id: AccountId
    project_id: ProjectId
    key_id: KeyId
    meter: str
    hour: int


def add(tx: Tx, amounts: Mapping[Line, int]) -> None:
    """Add units to lines, one statement for all of them."""
    rows = [(*line, units) for line, units in sorted(amounts.items())]
    sql.add_rows(tx, usage, KEYS, ("units",), rows)
