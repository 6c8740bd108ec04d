"""Which servers a Gatepost under test stands on: `pytest --pair postgres`."""

import os
import weakref
from collections.abc import Callable
from functools import cache

from tests import prepared
from tests.postgres import Postgres
from tests.valkey import Valkey

PAIRS = ("sqlite", "postgres", "postgres+valkey")
VARIABLE = "TEST_PAIR"
"""How the choice reaches the worker processes of the tests."""


def pair() -> str:
    return os.environ.get(VARIABLE, PAIRS[0])


def on_sqlite() -> bool:
    return pair() == "sqlite"


@cache
def postgres() -> Postgres:
    """One per test process; every installation has a database of its own on it."""
    return Postgres().start()


class Backend:
    """What one installation stands on, for as long as its tests take."""

    def __init__(self) -> None:
        self.environ: dict[str, str] = {}
        self.close: Callable[[], object] = lambda: None
        if not on_sqlite():
            self.environ["GATEPOST_DATABASE_URL"] = prepared.database(postgres())
        if pair() == "postgres+valkey":
            valkey = Valkey().start()
            self.environ["GATEPOST_VALKEY_URL"] = valkey.url
            self.close = weakref.finalize(self, valkey.stop)
