"""The schema's history: Alembic's versions, and the two questions the program asks of them."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import gatepost.domains
from gatepost.gate import tables as _gate_tables  # noqa: F401 # registers the gate's tables
from gatepost.storage.metadata import metadata

FOLDER = Path(__file__).parent


def all_tables() -> sa.MetaData:
    """The whole schema, with every noun's tables registered."""
    for module in pkgutil.walk_packages(gatepost.domains.__path__, "gatepost.domains."):
        if module.name.endswith(".tables"):
            importlib.import_module(module.name)
    return metadata


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The newest version this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(engine: sa.Engine) -> str | None:
    """The version a database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def knows(version: str) -> bool:
    """Whether a version is in this program's history: a newer program's is not."""
    script = ScriptDirectory.from_config(_config())
    return any(one.revision == version for one in script.walk_revisions())


def upgrade(engine: sa.Engine) -> None:
    """Bring a database to the newest version, in one transaction where the engine can."""
    with engine.connect() as connection:
        command.upgrade(_config(connection), "head")
