"""Databases that are ready to be served: copies of one that is made once in each test process.

To make one takes a good part of a server's first start. Tests of first starts make their own.
"""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.postgres import Postgres
from tests.program import run

DATABASE = "gatepost.db"
OURS_ALONE = 0o700


def lay(data: Path) -> None:
    """Make a data folder with an empty database in it, unless there is one."""
    if data.exists():
        return
    data.mkdir(mode=OURS_ALONE, parents=True)
    shutil.copy(_file(), data / DATABASE)


def database(server: Postgres) -> str:
    """The address of a new database with Gatepost's tables on a server."""
    return server.create_database(like=_on(server))


@cache
def _file() -> Path:
    made = tempfile.mkdtemp(prefix="prepared-")
    atexit.register(shutil.rmtree, made)
    folder = Path(made) / "data"
    _migrate({"GATEPOST_DATA": str(folder)})
    return folder / DATABASE


@cache
def _on(server: Postgres) -> str:
    """The name of the one that is copied."""
    address = server.create_database()
    with tempfile.TemporaryDirectory() as folder:
        _migrate({"GATEPOST_DATA": f"{folder}/data", "GATEPOST_DATABASE_URL": address})
    return address.rpartition("/")[2]


def _migrate(env: dict[str, str]) -> None:
    done = run(["migrate"], env={"PATH": os.environ["PATH"]} | env)
    if done.returncode:
        raise AssertionError(done.stderr)
