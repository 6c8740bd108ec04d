"""Several Gatepost processes on one PostgreSQL and one Valkey, each with its own port."""

import secrets
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Self

from tests import plain
from tests.postgres import Postgres
from tests.proxy import Proxy
from tests.server import Server
from tests.valkey import Valkey
from tests.waiting import wait_for

SERVE = ("serve", "--no-workers")
WORK = ("worker",)
SERVERS = 4
RECOVERY_S = 10.0
COUNTED = "counted"
"""A plan without limits whose one quota counts every event and never ends within a test."""


class Node(Server):
    """One process of the cluster: it has a role, and the same port at every start."""

    def __init__(
        self, folder: Path, name: str, *, env: Mapping[str, str], role: Sequence[str] = SERVE
    ) -> None:
        super().__init__(folder / name, env=env)
        self.name = name
        self.host = "127.0.0.1"
        self.where: Callable[[], AbstractContextManager[object]] = nullcontext
        """Entered by whoever starts one of its processes."""
        self.dead: list[tuple[float, float]] = []
        """From each kill to the next readiness."""
        self._role = role
        self._port = 0

    def restart_after_kill(self) -> None:
        """SIGKILL, and what a supervisor does then."""
        began = time.monotonic()
        self.dead.append((began, float("inf")))
        self.kill()
        self.start()
        self.dead[-1] = (began, time.monotonic())

    def was_dead(self, since: float, until: float) -> bool:
        return any(began <= until and since <= ended for began, ended in self.dead)

    def metric(self, name: str) -> float:
        """A gauge or counter without labels; 0 as long as it was never counted."""
        answer = plain.get(f"{self.address}/metrics", timeout=10)
        for line in answer.text.splitlines():
            told, _, value = line.partition(" ")
            if told in (name, f"{name}_total"):
                return float(value)
        return 0.0

    @property
    def anew(self) -> bool:
        """The same: a fork is on the host it came from."""
        return self.where is not nullcontext or super().anew

    def command(self, *args: str) -> "subprocess.CompletedProcess[str]":
        with self.where():
            return super().command(*args)

    def start(self) -> Self:
        with self.where():
            super().start()
        self._port = int(self.address.rpartition(":")[2])
        return self

    def _serve_command(self) -> list[str]:
        where = ["--host", self.host, "--port", str(self._port)]
        return [*self._role, *where, "--json"]


class Cluster:
    """`SERVERS` processes that answer, and one that works in the background; a context manager.

    All but the last server reach PostgreSQL through `database_road`, and all of them Valkey
    through `valkey_road`. Starting makes the schema and the plan `COUNTED`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        enter = self._stack.enter_context
        self.postgres = enter(Postgres())
        self.valkey = enter(Valkey())
        self.database_road = enter(Proxy(self.postgres.port))
        self.valkey_road = enter(Proxy(self.valkey.port))
        straight = environment(self.postgres.create_database(), self.valkey.url)
        roundabout = straight | {
            "GATEPOST_DATABASE_URL": self.database_road.by_way_of(straight["GATEPOST_DATABASE_URL"])
        }
        straight["GATEPOST_VALKEY_URL"] = roundabout["GATEPOST_VALKEY_URL"] = (
            self.valkey_road.by_way_of(self.valkey.url)
        )
        names = [f"server-{number}" for number in range(SERVERS)]
        self.servers = [Node(self._folder, name, env=roundabout) for name in names[:-1]]
        self.servers.append(Node(self._folder, names[-1], env=straight))
        self.worker = Node(self._folder, "worker", env=straight, role=WORK)
        begin(self.nodes, self._stack)
        for node in self.servers:
            wait_for(partial(_knows_all, node), f"{node.name} to know the others", RECOVERY_S)

    @property
    def nodes(self) -> list[Node]:
        return [*self.servers, self.worker]

    def until_shared(self) -> None:
        """Wait until every server asks Valkey for its limits, and is rung through it."""

        for node in self.servers:
            wait_for(partial(_shares, node), f"{node.name} to find Valkey", RECOVERY_S)


def _shares(node: Node) -> bool:
    out, connected = "gatepost_limiter_outage", "gatepost_signals_connected"
    return node.metric(out) == 0 and node.metric(connected) == 1


def _knows_all(node: Node) -> bool:
    """It reckons its share of a limit by their number."""
    return node.metric("gatepost_servers") == SERVERS


def environment(database_url: str, valkey_url: str) -> dict[str, str]:
    """What all processes of an installation have in common."""
    return {
        "GATEPOST_DATABASE_URL": database_url,
        "GATEPOST_VALKEY_URL": valkey_url,
        "GATEPOST_PEPPER": secrets.token_hex(32),
        "GATEPOST_UNKNOWN_KEYS_PER_MINUTE": "1000000",
        "GATEPOST_DELIVERY_NETWORKS": "127.0.0.0/8",
    }


def begin(nodes: Sequence[Node], stack: ExitStack) -> None:
    """Make the schema, and start all processes; they are stopped at the end of the stack."""
    first = nodes[0]
    first.cli("migrate")
    first.cli("plan", "set", COUNTED, "--quota", "events=100000000:event:days30")
    stack.callback(lambda: together(node.__exit__ for node in nodes))
    together(node.start for node in nodes)


def together(tasks: Iterable[Callable[[], object]]) -> None:
    """All at once; raises what the first one to fail raised."""
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()
