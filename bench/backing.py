"""What several processes of Gatepost stand on: PostgreSQL and Valkey, from their wheels."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec

from bench import contestants
from bench.contestants import LIMIT, Contestant
from bench.diy.schema import prepare
from bench.process import Server
from tests.postgres import Postgres
from tests.valkey import Valkey

# What the tests make smaller, as PostgreSQL has it by default.
DEFAULTS = {"shared_buffers": "128MB", "max_connections": "100"}


class Backing(msgspec.Struct, frozen=True):
    """Both servers. A database of its own is made for whoever asks."""

    postgres: Postgres
    valkey: Valkey


@contextmanager
def backing(settings: Mapping[str, str] | None = None) -> Iterator[Backing]:
    """Run both, PostgreSQL with default durability and further `settings`."""
    with Postgres(settings=DEFAULTS | dict(settings or {})) as postgres, Valkey() as valkey:
        yield Backing(postgres, valkey)


class Installation(msgspec.Struct, frozen=True):
    """A migrated database, and what the processes on it need."""

    folder: Path
    url: str
    env: dict[str, str]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, command: str, *flags: str) -> AbstractContextManager[Server]:
        """Run one process, `serve` or `worker`, as long as the block lasts."""
        return contestants.role(command, self.data, self.folder / "serve.log", self.env, *flags)

    def key(self) -> str:
        return contestants.create_key(self.data, self.env)


def install(servers: Backing, folder: Path) -> Installation:
    """Make a database on both servers; the folder keeps the pepper and the logs."""
    folder.mkdir(exist_ok=True)
    url = servers.postgres.create_database()
    env = {"GATEPOST_DATABASE_URL": url, "GATEPOST_VALKEY_URL": servers.valkey.url}
    made = Installation(folder, url, env)
    contestants.run("migrate", "--data", str(made.data), env=env)
    return made


@contextmanager
def baseline(servers: Backing, folder: Path) -> Iterator[Contestant]:
    """Run the do-it-yourself server on a database of its own, on the same PostgreSQL."""
    key, url = secrets.token_hex(16), servers.postgres.create_database()
    prepare(url.replace("postgresql:", "postgresql+psycopg:"), key, LIMIT, 60)
    with contestants.diy_on(folder, url.replace("postgresql:", "postgresql+asyncpg:"), key) as diy:
        yield diy
