"""Every chore of a process, on one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, ProjectId, floor_at
from gatepost.base.metrics import Metrics
from gatepost.chores.alerts import Alerts
from gatepost.chores.contacts import Contacts
from gatepost.chores.counts import RollUps
from gatepost.chores.ended import Ended
from gatepost.chores.expiring import Expiring
from gatepost.chores.holds import Holds
from gatepost.chores.index import Index
from gatepost.chores.levels import Levels
from gatepost.chores.mail import Mail
from gatepost.chores.notices import Notices, Recount
from gatepost.chores.operators import Operators
from gatepost.chores.outbox import Outbox
from gatepost.chores.schedule import Chore
from gatepost.chores.tracks import Tracks
from gatepost.chores.usage import Folding
from gatepost.domains.accounts import store as accounts
from gatepost.domains.aggregators import store as aggregators
from gatepost.domains.events import search
from gatepost.domains.events import store as events
from gatepost.domains.projects import store as projects
from gatepost.signals.contract import Signals
from gatepost.storage.db import Database, Tx

EXPIRE_CHUNK = 500
EXPIRE_REST_S = 60.0
ROOM_EVERY_S = 3600.0


class Kit(Protocol):
    """What chores need of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def pepper(self) -> bytes: ...


def make_chores(kit: Kit) -> list[Chore]:
    """List the chores of the nouns."""
    return [
        Chore("index events", Index(kit).run),
        Chore("drop old events", Retention(kit).run),
        Chore("make parts of events", Room(kit).run),
        Chore("roll counts up", RollUps(kit).run),
        Chore("forget deleted aggregators", Forgetting(kit).run),
        Chore("give reservations back", Holds(kit).run),
        Chore("fold old usage", Folding(kit).run),
        Chore("forget what has ended", Ended(kit).run),
        Chore("tell of customers' quotas", Notices(kit).run),
        Chore("tell of keys that end soon", Expiring(kit).run),
        Chore("count again for new quotas", Recount(kit).run),
        Chore("drop old messages", Outbox(kit).run),
        Chore("drop what was tracked long ago", Tracks(kit).run),
        Chore("make parts of attempts", Outbox(kit).room),
        Chore("tell what time brings", Alerts(kit).run),
        Chore("forget old alerts", Alerts(kit).expire),
        Chore("forget old mails", Mail(kit).run),
        Chore("forget sessions of operators", Operators(kit).run),
        Chore("forget old contacts and verifications", Contacts(kit).run),
        Chore("look how full the outbox is", Levels(kit).run),
    ]


class Room:
    """Makes the parts of the events' tables ahead of time."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Make what is missing."""
        now = self._kit.clock()
        await self._kit.database.write(lambda tx: events.make_parts(tx, now))
        return ROOM_EVERY_S


class Retention:
    """Drops events past their days, and clients' event ids past their seven."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Drop a chunk of each project's oldest; come back at once while there are more."""
        now = self._kit.clock()
        write = self._kit.database.write
        more = await write(lambda tx: events.drop_expired_keys(tx, now, EXPIRE_CHUNK))
        days = self._kit.settings.events_days
        left = await write(lambda tx: events.drop_parts(tx, now - days * DAY_MS)) if days else 0
        if left:
            before = floor_at(left)
            for account in await self._kit.database.read(accounts.list_):
                for project_id in await self._kit.database.read(_projects(account.id)):
                    more = max(more, await write(_drop(project_id, before)))
        return 0.0 if more == EXPIRE_CHUNK else EXPIRE_REST_S


class Forgetting:
    """Deletes what was counted in aggregators that are no more."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Delete a chunk; come back at once while there are more."""
        gone = await self._kit.database.write(lambda tx: aggregators.purge(tx, EXPIRE_CHUNK))
        return 0.0 if gone else EXPIRE_REST_S


def _projects(account_id: AccountId) -> Callable[[Tx], list[ProjectId]]:
    return lambda tx: projects.all_ids(tx, account_id)


def _drop(project_id: ProjectId, before: bytes) -> Callable[[Tx], int]:
    def drop(tx: Tx) -> int:
        old = events.older_than(tx, project_id, before, EXPIRE_CHUNK)
        search.drop(tx, old)
        events.remove(tx, project_id, [one.event.id for one in old])
        return len(old)

    return drop
