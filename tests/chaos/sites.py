"""Two app hosts and a database host, with a road between them that can fall silent."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.chaos import hosts
from tests.chaos.cluster import Node, begin, environment
from tests.ports import HOST
from tests.postgres import Postgres
from tests.proxy import Proxy
from tests.valkey import Valkey

TRUSTING = "host all all 10.77.0.0/16 trust\nhost all all 127.0.0.1/32 trust\n"


class Site(ABC):
    """Two app hosts with a server each, and a database host with PostgreSQL and Valkey."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stack = ExitStack()
        self.apps: list[Node] = []

    def __enter__(self) -> Self:
        try:
            self.build()
            begin(self.apps, self.stack)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stack.close()

    @abstractmethod
    def build(self) -> None:
        """Everything but the start of the apps."""

    @abstractmethod
    def apart(self, app: Node) -> AbstractContextManager[None]:
        """This app and the database host hear nothing of each other, and are not told."""


class Namespaces(Site):
    def build(self) -> None:
        self.network = self.stack.enter_context(hosts.Network(["database", "app-0", "app-1"]))
        self.database, *homes = self.network.hosts
        with self.database.entered():
            common = self._data()
        for home in homes:
            app = Node(self.folder, home.name, env=common)
            app.host, app.where = home.address, home.entered
            self.apps.append(app)
        self.homes = dict(zip(self.apps, homes, strict=True))
        self.stack.enter_context(self.network.router.entered())

    def _data(self) -> dict[str, str]:
        postgres = Postgres()
        rules = postgres.folder / "rules"
        rules.write_text(TRUSTING)
        postgres.settings |= {"listen_addresses": "*", "hba_file": str(rules)}
        self.stack.enter_context(postgres)
        outward = ("--bind", HOST, self.database.address, "--protected-mode", "no")
        valkey = self.stack.enter_context(Valkey(options=outward))
        urls = (postgres.create_database(), valkey.url)
        return environment(*(url.replace(HOST, self.database.address) for url in urls))

    def apart(self, app: Node) -> AbstractContextManager[None]:
        return self.network.lost(self.homes[app], self.database)


class Proxies(Site):
    def build(self) -> None:
        postgres = self.stack.enter_context(Postgres())
        valkey = self.stack.enter_context(Valkey())
        common = environment(postgres.create_database(), valkey.url)
        self.roads: dict[Node, list[Proxy]] = {}
        for name in ("app-0", "app-1"):
            to_postgres, to_valkey = Proxy(postgres.port), Proxy(valkey.port)
            roads = [self.stack.enter_context(road) for road in (to_postgres, to_valkey)]
            by_way = {
                "GATEPOST_DATABASE_URL": to_postgres.by_way_of(common["GATEPOST_DATABASE_URL"]),
                "GATEPOST_VALKEY_URL": to_valkey.by_way_of(common["GATEPOST_VALKEY_URL"]),
            }
            self.apps.append(Node(self.folder, name, env=common | by_way))
            self.roads[self.apps[-1]] = roads

    @contextmanager
    def apart(self, app: Node) -> Iterator[None]:
        with ExitStack() as stack:
            for road in self.roads[app]:
                stack.enter_context(road.stalled())
            yield
