"""One connection to Valkey: made when needed, given up when it is silent, made again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from libvalkey import pack_command
from valkey.asyncio.connection import Connection, SSLConnection, parse_url
from valkey.exceptions import ConnectionError as LostError
from valkey.exceptions import NoScriptError, ResponseError, ValkeyError

from gatepost.limiter.contract import UnreachableError

# A server that gives no answer within TICKS * TICK_S is taken for lost. The time is told in ticks,
# so that a pause of this process, however long, is one of them and not the server's silence.
TICK_S: Final = 0.1
TICKS: Final = 4

Command: TypeAlias = tuple[str | bytes | int, ...]
Reply: TypeAlias = bytes | ResponseError


class Link:
    """Sends commands and reads their replies, for one task at a time."""

    def __init__(self, url: str, script: str) -> None:
        """Connect nothing yet; `script` is what the commands may need.

        Raises ValueError, without the address, if `url` is none.
        """
        self._connection = _connection(url)
        self._script = script
        self.server = _server(self._connection)

    async def ask(self, commands: Sequence[Command]) -> list[Reply]:
        """Send all the commands at once; a refused one is answered with the error.

        A command may have been executed twice, if the connection broke while it was under way.
        Raises UnreachableError.
        """
        watch = _Watch()
        try:
            return await self._ask(commands)
        except (ValkeyError, OSError) as error:
            await self.close()
            raise UnreachableError(str(error)) from error
        except asyncio.CancelledError:
            await self.close()
            if not watch.took_over():
                raise
            raise UnreachableError(f"no answer within {TICKS * TICK_S:g} s") from None
        finally:
            watch.end()

    async def close(self) -> None:
        """Let go of the connection, if there is one."""
        await self._connection.disconnect(nowait=True)

    async def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        held = self._connection.is_connected
        try:
            replies = await self._exchange(commands)
        except LostError:
            if not held:  # else it may have been lost long ago
                raise
            replies = await self._exchange(commands)
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            load = ("SCRIPT", "LOAD", self._script)
            again = await self._exchange([load, *(commands[at] for at in unknown)])
            for at, reply in zip(unknown, again[1:], strict=True):
                replies[at] = reply
        return replies

    async def _exchange(self, commands: Sequence[Command]) -> list[Reply]:
        connection = self._connection
        await connection.connect()
        await connection.send_packed_command(b"".join(map(pack_command, commands)))
        return [await _reply(connection) for _ in commands]


async def _reply(connection: Any) -> Reply:
    try:
        reply: bytes = await connection.read_response()
    except ResponseError as refusal:
        return refusal
    return reply


class _Watch:
    """Cancels the present task after so many ticks."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be watched")
        self._task = task
        self._left = TICKS
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def took_over(self) -> bool:
        """Whether the cancellation that the task meets was its own; the task may go on then."""
        if self._left:
            return False
        return self._task.uncancel() == 0

    def end(self) -> None:
        self._timer.cancel()

    def _tick(self) -> None:
        self._left -= 1
        if self._left:
            self._timer = self._loop.call_later(TICK_S, self._tick)
        else:
            self._task.cancel()


def _connection(url: str) -> Any:  # the methods needed have no types
    try:
        options: dict[str, Any] = dict(parse_url(url))
        kind = options.pop("connection_class", Connection)
        if issubclass(kind, SSLConnection):
            options.setdefault("ssl_check_hostname", True)
        return kind(**{"socket_timeout": None, "socket_connect_timeout": TICKS * TICK_S} | options)
    except (TypeError, ValueError, ValkeyError):
        raise ValueError("not an address of Valkey or Redis") from None


def _server(connection: Any) -> str:
    """Say where the server is, without user and password."""
    about = dict(connection.repr_pieces())
    return str(about["path"]) if "path" in about else f"{about['host']}:{about['port']}"
