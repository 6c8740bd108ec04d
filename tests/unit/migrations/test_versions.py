"""The program asks its own questions of the schema's history; Alembic must agree."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gatepost import migrations
from gatepost.storage.sqlite.connection import engine_of


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    return ScriptDirectory.from_config(config)


def test_the_versions_are_alembics() -> None:
    revisions = [one.revision for one in script().walk_revisions()]
    assert migrations.versions() == revisions[::-1]
    assert migrations.head() == script().get_current_head()


def test_a_database_is_at_the_version_alembic_reads(tmp_path: Path) -> None:
    engine = engine_of(tmp_path / "new.db")
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    assert migrations.current(engine) == found == migrations.head()
