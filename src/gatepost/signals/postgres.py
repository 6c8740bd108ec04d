"""Doorbells between processes through PostgreSQL: LISTEN and NOTIFY on their own connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from gatepost.base.metrics import Metrics
from gatepost.signals.shared import ANSWER_S, IDLE_S, SharedSignals

T = TypeVar("T")

CHANNEL = "gatepost_bells"
PORT = "5432"
OPTIONS = {
    "application_name": "gatepost signals",
    "connect_timeout": "3",
    "keepalives_idle": "2",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "4000",
}
"""A peer that vanished is noticed within seconds; what the address says goes first."""


class PostgresSignals(SharedSignals):
    """Doorbells through PostgreSQL, over one connection.

    It must lead to one session: a pooler between that shares sessions by transaction cannot listen.
    A commit with a NOTIFY in it takes a lock that all such commits share, so rings are never a part
    of a business transaction.
    """

    def __init__(self, url: str, metrics: Metrics) -> None:
        """Take an address as libpq knows it; raises ValueError, without it, when it is none."""
        options = _options(url)
        super().__init__(partial(_open, options), _server(options), metrics)


class _Wire:
    """A connection that both sends and waits.

    The waiting is done on a second descriptor of its socket, since psycopg watches the first one
    itself while it sends.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._woken = asyncio.Event()

    async def listen(self) -> None:
        # A ring that a crash of the server forgets has lost its listeners anyway.
        await self._answered(self._connection.execute("SET synchronous_commit = off"))
        await self._answered(self._connection.execute(f"LISTEN {CHANNEL}"))

    async def publish(self, message: str) -> None:
        notify = self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, message))
        await self._answered(notify)
        # What came with the answer makes the socket readable no more.
        self._woken.set()

    async def receive(self) -> Sequence[str]:
        if not await self._wake():
            await self._answered(self._connection.execute("SELECT 1"))
        return await self._answered(self._arrived())

    async def close(self) -> None:
        await self._connection.close()
        self._socket.close()

    async def _wake(self) -> bool:
        """Wait until something has arrived, or the time is up (False)."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._woken.set)
        try:
            async with asyncio.timeout(IDLE_S):
                return await self._woken.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._socket)
            self._woken.clear()

    async def _arrived(self) -> list[str]:
        return [note.payload async for note in self._connection.notifies(timeout=0)]

    async def _answered(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for the server, but not for long.

        What psycopg does when cancelled takes long, too: it asks the server to cancel. On a
        connection that is shut down, its work fails at once.
        """
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=ANSWER_S)
        finally:
            if not task.done():
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            await asyncio.gather(task, return_exceptions=True)
        if not done:
            raise TimeoutError("no answer to a statement")
        return task.result()


async def _open(options: dict[str, Any]) -> _Wire:
    connection = await psycopg.AsyncConnection.connect(
        autocommit=True, prepare_threshold=None, **options
    )
    wire = _Wire(connection)
    try:
        await wire.listen()
    except BaseException:
        await wire.close()
        raise
    return wire


def _options(url: str) -> dict[str, Any]:
    """Read the address; raises ValueError."""
    with contextlib.suppress(psycopg.Error):
        options: dict[str, Any] = OPTIONS | conninfo_to_dict(url)
        if all(port.isdecimal() for port in str(options.get("port", PORT)).split(",")):
            return options
    raise ValueError("not an address of PostgreSQL")


def _server(options: dict[str, Any]) -> str:
    return f"{options.get('host', 'localhost')}:{options.get('port', PORT)}"
