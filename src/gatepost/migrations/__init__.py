"""The schema's history: Alembic's versions, and the two questions the program asks of them."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

import gatepost.domains
from gatepost.gate import tables as _gate_tables  # noqa: F401 # registers the gate's tables
from gatepost.storage.metadata import metadata

FOLDER = Path(__file__).parent
LOCK = 0x6761_7465_706F_7374
"""The number of the advisory lock: `gatepost` in ASCII."""


def all_tables() -> sa.MetaData:
    """The whole schema, with every noun's tables registered."""
    for module in pkgutil.walk_packages(gatepost.domains.__path__, "gatepost.domains."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    return metadata


def versions() -> list[str]:
    """Every version this program knows, oldest first: their files are named NNNN_slug.py."""
    files = (FOLDER / "versions").glob("[0-9]*_*.py")
    return sorted(path.name.partition("_")[0] for path in files)


def head() -> str:
    """The newest version this program knows."""
    return versions()[-1]


def current(engine: sa.Engine) -> str | None:
    """The version a database is at; None for an empty one."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(
            sa.select(sa.column("version_num")).select_from(sa.table("alembic_version"))
        ).scalar()
        return found


def knows(version: str) -> bool:
    """Whether a version is in this program's history: a newer program's is not."""
    return version in versions()


def upgrade(engine: sa.Engine) -> str | None:
    """Bring a database to the newest version, in one transaction where the engine can.

    Returns the version it was at, None for none.
    """
    # Alembic takes longer to load than all else together, and most starts have nothing to do.
    from alembic import command  # noqa: PLC0415 # see above
    from alembic.config import Config  # noqa: PLC0415 # see above

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.connect() as connection, _alone(connection):
        found = current(engine)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return found


@contextlib.contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Keep other processes waiting that would do the same; on SQLite the transaction does."""
    if connection.dialect.name == "sqlite":
        yield
        return
    connection.exec_driver_sql("SET lock_timeout = '60s'; SET statement_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
