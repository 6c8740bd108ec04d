"""Whether the server answers: what one connection learns, all connections of the process know.

A silent server is not waited for. The kernel notices a peer that vanished, but not one that is
frozen, nor a proxy that passes nothing on. So a connection that has waited for long asks whether
the server still takes new ones: if it does, the answer is only slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import psycopg
import sqlalchemy

from gatepost.storage.postgres.connection import engine_of

SILENT_S = 4.0
"""With the time to connect, about what the kernel needs to give up a peer that vanished."""
PROBE_S = 0.25
"""Between two tries to connect while the server cannot be reached."""

REFUSAL = "FATAL"
"""What libpq tells of a server's refusal: it has no state for it."""


class Away(psycopg.OperationalError):  # type: ignore[misc] # the driver counts as untyped
    """The server could not be reached just now, or gives no answer."""


class Reach:
    """Opens the connections of one process."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet; raises ValueError for an address that is none of PostgreSQL's."""
        self._engine = engine_of(url)
        sqlalchemy.event.listen(self._engine, "do_connect", _open)
        self._lock = threading.Lock()
        self._failed_at: float | None = None
        self._trying = False

    def connect(self) -> sqlalchemy.Connection:
        """Connect. Raises at once, without a try, where another has just failed or is under way."""
        self._enter()
        try:
            sql = self._engine.connect()
        except BaseException:
            self._leave(time.monotonic())
            raise
        self._leave(None)
        raw: Any = sql.connection.driver_connection
        raw.silence = self._ask
        return sql

    def close(self) -> None:
        """Let go of what all connections share."""
        self._engine.dispose()

    def _enter(self) -> None:
        with self._lock:
            if self._failed_at is None:
                return
            if self._trying or time.monotonic() - self._failed_at < PROBE_S:
                raise Away("the server could not be reached a moment ago")
            self._trying = True

    def _leave(self, failed_at: float | None) -> None:
        with self._lock:
            self._failed_at = failed_at
            self._trying = False

    def _ask(self) -> None:
        """Raise Away unless the server answers whoever connects, be it with a refusal."""
        try:
            self.connect().close()
        except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
            if REFUSAL not in str(error):
                raise Away("the server has fallen silent") from None


class _Watched(psycopg.Connection[Any]):  # type: ignore[misc] # the same
    """A connection that does not wait for ever. Before it is ready for use, not for long at all."""

    silence: Callable[[], None] | None = None

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        return super().wait(_watched(gen, self._silent), *args, **options)

    def _silent(self) -> None:
        try:
            (self.silence or _refuse)()
        except Away:
            self.pgconn.finish()
            raise


def _refuse() -> None:
    raise Away("the server gives no answer")


def _open(_dialect: object, _record: object, args: list[Any], options: dict[str, Any]) -> _Watched:
    connection: _Watched = _Watched.connect(*args, **options)
    return connection


def _watched(gen: Generator[Any, Any, Any], silent: Callable[[], None]) -> Generator[Any, Any, Any]:
    """Pass everything on, and tell of every `SILENT_S` without a word from the server.

    Whoever waits sends in a 0 several times a second as long as nothing has happened.
    """
    heard_at = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > SILENT_S:
                silent()
                heard_at = time.monotonic()
            wanted = gen.send(ready)
    except StopIteration as done:
        return done.value
