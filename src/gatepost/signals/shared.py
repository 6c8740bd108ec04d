"""Doorbells between processes: local ones, and rings told through a server they all know."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from time import monotonic
from typing import Any, Protocol

from gatepost.base import log
from gatepost.base.metrics import Metrics
from gatepost.signals import messages
from gatepost.signals.contract import Topic
from gatepost.signals.memory import MemorySignals
from gatepost.signals.messages import EVERYTHING, Rung

GAP_S = 0.02
"""Between two messages of a process: its rings meanwhile share the next one."""
PENDING_MAX = 2_000
"""Topics that wait; beyond that everything is rung instead."""
IDLE_S = 2.0
ANSWER_S = 2.5
"""A connection silent for `IDLE_S` is asked for a sign of life, and given up after `ANSWER_S`."""
BACKOFF_S = (0.1, 2.0)
FLUSH_S = 1.0
CANCEL_S = 0.1

_log = log.get("signals")


class Wire(Protocol):
    """One open connection to the server. All but `close` raise when it is lost or silent."""

    async def publish(self, message: str) -> None:
        """Tell everyone, this process included."""
        ...

    async def receive(self) -> Sequence[str]:
        """Wait for messages; none after a silence."""
        ...

    async def close(self) -> None:
        """Let go of it; never raises."""
        ...


class SharedSignals(MemorySignals):
    """Doorbells that ring in every process on the same server."""

    def __init__(
        self, connect: Callable[[], Awaitable[Wire]], server: str, metrics: Metrics
    ) -> None:
        """Connect nothing yet. `server` is for the log: an address without its password."""
        super().__init__()
        self.connected = False
        self._connect = connect
        self._server = server
        self._metrics = metrics
        self._name = secrets.token_hex(8)
        self._pending: dict[Rung, None] = {}
        self._rung = asyncio.Event()
        self._echo = asyncio.Event()
        self._tried = asyncio.Event()
        self._closing = False
        self._lost_at: float | None = None
        self._backoff_s = BACKOFF_S[0]
        self._task: asyncio.Task[None] | None = None
        metrics.gauge("gatepost_signals_connected", lambda: float(self.connected))

    async def start(self) -> None:
        """Connect; returns after the first try, others follow until one succeeds."""
        self._task = asyncio.create_task(self._run())
        await self._tried.wait()

    async def close(self) -> None:
        """Send what was rung while there is a connection, and end."""
        if self._task is None:
            return
        self._closing = True
        self._rung.set()
        await asyncio.wait({self._task}, timeout=FLUSH_S if self.connected else 0)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def ring(self, topic: Topic) -> None:
        """Wake everyone who listens to a topic: here at once, elsewhere soon."""
        super().ring(topic)
        if len(self._pending) >= PENDING_MAX:
            self._pending = {EVERYTHING: None}
        self._pending[topic] = None
        self._rung.set()

    # The connection

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._session(await self._connect())
            except Exception as fault:  # noqa: BLE001 # whatever it was, the answer is to try again
                self._lost(fault)
                self._tried.set()
                await asyncio.sleep(self._backoff_s)
                self._backoff_s = min(self._backoff_s * 2, BACKOFF_S[1])

    async def _session(self, wire: Wire) -> None:
        """Send and hear; ends by a fault, or when closing and everything is sent."""
        tasks = [asyncio.create_task(work(wire)) for work in (self._hear, self._tell)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _undisturbed(self._finish(wire, tasks))

    async def _finish(self, wire: Wire, tasks: Iterable[asyncio.Task[None]]) -> None:
        self.connected = False
        running = set(tasks)
        while running:
            # More than once: asyncio.wait_for of Python 3.11 may swallow a cancellation.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=CANCEL_S)
        await wire.close()

    def _back(self) -> None:
        self.connected = True
        self._backoff_s = BACKOFF_S[0]
        if self._lost_at is not None:
            away_s = round(monotonic() - self._lost_at, 3)
            _log.warning("signals are back", server=self._server, away_s=away_s)
            self._lost_at = None
        self.ring_all()
        self._tried.set()

    def _lost(self, fault: Exception) -> None:
        if self._lost_at is None:
            self._lost_at = monotonic()
            self._metrics.add("gatepost_signals_losses")
            reason = f"{type(fault).__name__}: {fault}".partition("\n")[0]
            _log.warning("signals are lost", server=self._server, reason=reason)

    # Telling others, and hearing them

    async def _tell(self, wire: Wire) -> None:
        await self._call_out(wire)
        self._back()
        while self._pending or not self._closing:
            if self._pending:
                await self._send(wire)
                await asyncio.sleep(GAP_S)
            else:
                self._rung.clear()
                await self._rung.wait()

    async def _call_out(self, wire: Wire) -> None:
        """Make sure that what is published is heard."""
        self._echo.clear()
        await wire.publish(messages.join(self._name, ()))
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._echo.wait()
        except TimeoutError:
            raise TimeoutError("a message was published, but not heard") from None

    async def _send(self, wire: Wire) -> None:
        words = messages.pack(self._pending)
        for topic in words:
            del self._pending[topic]
        try:
            await wire.publish(messages.join(self._name, words.values()))
        except BaseException:
            self._pending.update(dict.fromkeys(words))
            raise
        self._metrics.add("gatepost_signals_sent")

    async def _hear(self, wire: Wire) -> None:
        while True:
            for message in await wire.receive():
                sender, rung = messages.split(message)
                if sender == self._name:
                    self._echo.set()
                else:
                    self._metrics.add("gatepost_signals_received")
                    self._ring_here(rung)

    def _ring_here(self, rung: Sequence[Rung]) -> None:
        for topic in rung:
            if topic is EVERYTHING:
                self.ring_all()
            else:
                super().ring(topic)


async def _undisturbed(work: Coroutine[Any, Any, None]) -> None:
    """Do all of it, and be cancelled only then."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
