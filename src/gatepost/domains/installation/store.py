"""What the processes of an installation agree on, in the database."""

from __future__ import annotations

import sqlalchemy as sa

from gatepost.domains.installation.tables import installation
from gatepost.storage import sql
from gatepost.storage.db import Tx

PEPPER = "pepper"
MOVE_BEGUN, MOVE_ENDED = "move begun", "move ended"


def find(tx: Tx, name: str) -> str | None:
    """Look up what was agreed on."""
    query = sa.select(installation.c.value).where(installation.c.name == name)
    found: str | None = tx.run(query).scalar()
    return found


def settle(tx: Tx, name: str, value: str) -> None:
    """Agree on a value; the first one given stands."""
    sql.insert_new(tx, installation, {"name": name, "value": value}, ["name"])


def forget(tx: Tx, name: str) -> None:
    """Agree on nothing any more."""
    tx.run(sa.delete(installation).where(installation.c.name == name))
