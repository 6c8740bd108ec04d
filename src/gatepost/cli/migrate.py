"""`gatepost migrate`: bring the database to this program's schema."""

from __future__ import annotations

import logging

from gatepost.cli.common import COMMON, OK, Common, Failure, load, put, put_json


def migrate(*, common: Common = COMMON) -> int:
    """Bring the database to the newest version of the schema.

    On PostgreSQL this is done before `serve`, by one process at a time; the others wait. On
    SQLite `serve` does it by itself, after a snapshot.
    """
    from gatepost import migrations, prepare
    from gatepost.storage.backend import backend_of
    from gatepost.storage.db import NotDurable

    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings, _ = load(common)
    try:
        before = prepare.migrate(settings)
    except NotDurable as error:
        raise Failure(str(error)) from None
    after = migrations.head()
    if common.json:
        put_json({"from": before, "to": after})
    elif before == after:
        put(f"{backend_of(settings).shown} is at version {after} already")
    else:
        put(f"{backend_of(settings).shown}: from {before or 'nothing'} to version {after}")
    return OK
