"""Servers where doorbells meet, roads to them, and other processes that listen."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from gatepost.base.metrics import Metrics
from gatepost.signals import postgres as through_postgres
from gatepost.signals import valkey as through_valkey
from gatepost.signals.contract import Bell
from gatepost.signals.shared import SharedSignals
from tests.postgres import Postgres
from tests.valkey import Valkey
from tests.waiting import wait_for

PATIENCE_S = 10.0
NOTICED_S = 6.0
"""About 5 s, with a busy machine in mind."""
SECRET = "hunter2"
CHILD = """
import asyncio, sys, uvloop
from gatepost.base import log
from gatepost.base.metrics import Metrics
from gatepost.signals.postgres import PostgresSignals
from gatepost.signals.valkey import ValkeySignals

async def answer(signals):
    with signals.listen("question") as bell:
        while True:
            if await bell.wait(60):
                signals.ring("answer")

async def main(name, url):
    signals = {"postgres": PostgresSignals, "valkey": ValkeySignals}[name](url, Metrics())
    answers = asyncio.create_task(answer(signals))
    await signals.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    answers.cancel()
    await signals.close()

log.setup("info", "json")
uvloop.run(main(*sys.argv[1:]))
"""


class Hub:
    """A server, what the tests do to it, and the processes that meet there."""

    def __init__(self, server: Postgres | Valkey) -> None:
        self.server = server
        self.url = server.url
        self.users: list[SharedSignals] = []

    def join(self, url: str = "") -> SharedSignals:
        """Another process's doorbells, not started; closed after the test."""
        kind = (
            through_postgres.PostgresSignals
            if isinstance(self.server, Postgres)
            else through_valkey.ValkeySignals
        )
        self.users.append(kind(url or self.url, Metrics()))
        return self.users[-1]

    async def pair(self) -> tuple[SharedSignals, SharedSignals]:
        """Two processes, started."""
        a, b = self.join(), self.join()
        await a.start()
        await b.start()
        return a, b

    def by_way_of(self, port: int) -> str:
        return self.url.replace(f":{self.server.port}/", f":{port}/")

    def secret_url(self) -> str:
        """With a password: these users need none, so any is right."""
        scheme, _, rest = self.url.partition("://")
        user = "postgres" if isinstance(self.server, Postgres) else "default"
        return f"{scheme}://{user}:{SECRET}@{rest.rpartition('@')[2]}"

    def cut(self) -> None:
        """End the connections that listen, as an administrator can."""
        if isinstance(self.server, Postgres):
            self.server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'gatepost signals'"
            )
        else:
            with self.server.client() as client:
                client.client_kill_filter(_type="pubsub")

    def say(self, message: str) -> None:
        """Publish what no process of ours would."""
        if isinstance(self.server, Postgres):
            statement = "SELECT pg_notify(%s, %s)"
            self.server.execute(statement, through_postgres.CHANNEL, message)
        else:
            with self.server.client() as client:
                client.publish(through_valkey.CHANNEL, message)


class Road:
    """A way to a server that can be closed: connections on it break, new ones end at once."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Road"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            try:
                yield self
            finally:
                self.block()

    def block(self) -> None:
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    def unblock(self) -> None:
        self._open = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def another_process(hub: Hub) -> AsyncIterator[Process]:
    """Another process, ready to answer questions; it ends when its standard input does."""
    name = "postgres" if isinstance(hub.server, Postgres) else "valkey"
    command = (sys.executable, "-W", "error", "-c", CHILD, name, hub.secret_url())
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()


# Waiting


async def until(condition: Callable[[], bool], what: str, timeout_s: float = PATIENCE_S) -> None:
    await asyncio.to_thread(wait_for, condition, what, timeout_s)


async def until_lost(*users: SharedSignals) -> None:
    await until(lambda: not any(one.connected for one in users), "the loss", NOTICED_S)


async def until_back(*users: SharedSignals) -> None:
    await until(lambda: all(one.connected for one in users), "the return")


async def rung(bell: Bell) -> bool:
    return await bell.wait(PATIENCE_S)


async def stands(bell: Bell) -> bool:
    """Whether it has been rung and not been answered."""
    return await bell.wait(0)


def count(user: SharedSignals, name: str) -> float:
    return user._metrics.counters[f"gatepost_signals_{name}"]
