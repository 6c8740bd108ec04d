"""How full the outbox is, for the metrics."""

from __future__ import annotations

from itertools import product
from time import monotonic
from typing import Protocol

from gatepost.base.clock import Clock
from gatepost.base.metrics import Metrics
from gatepost.base.outgoing import Level
from gatepost.domains.outbox import gauges
from gatepost.domains.outbox.gauges import DUE, LATER
from gatepost.domains.outbox.model import Priority, State, Transport
from gatepost.storage.db import Database

EVERY_S = 2.0
SHARE = 20
"""A look may take one part in so many of the time: the fuller the outbox, the rarer."""
STATES = (DUE, LATER, State.WAITING.value, State.SENDING.value)


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...


class Levels:
    """Looks at the outbox now and then, so that a scrape need not."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Look once."""
        began, now = monotonic(), self._kit.clock()
        groups, circuits = await self._kit.database.read(
            lambda tx: (gauges.groups(tx, now), gauges.circuits(tx, now))
        )
        found = {(one.transport, one.priority, one.state): one for one in groups}
        levels = []
        for transport, priority, state in product(Transport, Priority, STATES):
            one = found.get((transport, priority, state))
            many, oldest = (0, None) if one is None else (one.many, one.oldest)
            name = priority.name.lower()
            levels.append(Level(transport.value, name, state, many, oldest))
        open_ = {transport.value: circuits.get(transport, 0) for transport in Transport}
        self._kit.metrics.outgoing.look(levels, open_)
        return max(EVERY_S, (monotonic() - began) * SHARE)
