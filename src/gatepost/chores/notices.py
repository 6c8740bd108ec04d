"""Customers' quotas: thresholds that were reached are told as events and to endpoints, once each;
what was used is counted once more after a quota was set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from gatepost.base import clock, ids
from gatepost.base.clock import HOUR_MS, MINUTE_MS, SECOND_MS, Clock
from gatepost.base.ids import AccountId, CustomerId, ProjectId
from gatepost.domains.customers import allowances
from gatepost.domains.customers import store as customers
from gatepost.domains.customers.model import Customer, Notice
from gatepost.domains.projects import store as projects
from gatepost.engine import enroll, happen
from gatepost.engine.happen import Happened
from gatepost.engine.track import Origin, Track, track
from gatepost.signals.contract import ARRIVALS, OUTBOX, Signals
from gatepost.storage import sql
from gatepost.storage.db import Database, Tx

CHUNK = 100
REST_S = 1.0
CHANNEL = "usage"
SOURCE = "gatepost"
TITLE_MAX = 500

RECOUNT_EVERY_S = 5.0
SETTLED_MS = (10 * SECOND_MS, 15 * MINUTE_MS)
"""Requests that were admitted before a quota was known have ended so long after it was set: most
of them, and those that were relayed and took as long as may be.
"""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def signals(self) -> Signals: ...


class Notices:
    """Tells of thresholds: an event in the account's oldest project, in the same transaction that
    marks it told.
    """

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Tell a chunk; come back at once while there are more."""
        found = await self._kit.database.read(lambda tx: allowances.untold(tx, 1))
        if not found:
            return REST_S
        now = self._kit.clock()
        told, rung = await self._kit.database.write(lambda tx: _tell(tx, now))
        for project_id in rung:
            self._kit.signals.ring(project_id)
            self._kit.signals.ring(ARRIVALS)
        self._kit.signals.ring(OUTBOX)
        return 0.0 if told == CHUNK else REST_S


class Recount:
    """Counts again what customers have used whose quotas were set a little while ago."""

    def __init__(self, kit: Kit) -> None:
        """Begin with those of the last hour: a process may have ended before it came to them."""
        self._kit = kit
        self._until: dict[int, int] = {}

    async def run(self) -> float:
        """Count again for the quotas that were set since the last time."""
        now = self._kit.clock()
        for settled_ms in SETTLED_MS:
            until = now - settled_ms
            since = self._until.get(settled_ms, until - HOUR_MS)
            for one in await self._kit.database.read(_set_between(since, until)):
                await self._kit.database.write(_recount(*one, now))
            self._until[settled_ms] = until
        return RECOUNT_EVERY_S


def _set_between(since: int, until: int) -> Callable[[Tx], list[tuple[AccountId, CustomerId]]]:
    return lambda tx: allowances.set_between(tx, since, until)


def _recount(account_id: AccountId, customer_id: CustomerId, now: int) -> Callable[[Tx], None]:
    return lambda tx: enroll.recount(tx, account_id, customer_id, now)


def _tell(tx: Tx, now: int) -> tuple[int, set[ProjectId]]:
    """Tell a chunk; returns how many it was, and the projects that have new events."""
    if not sql.try_lock(tx, b"quota notices"):
        return 0, set()
    notices = allowances.untold(tx, CHUNK)
    origins: list[Origin] = []
    events: list[Track] = []
    reached: list[Happened] = []
    for notice in notices:
        allowances.told(tx, notice, now)
        customer = _customer(tx, notice)
        data = _data(notice, customer)
        reached.append(_happened(notice, data))
        origin = _origin(tx, notice, now)
        if origin is not None:
            origins.append(origin)
            events.append(_event(notice, customer, data))
    if events:
        track(tx, origins, events)
    happen.tell(tx, reached, now)
    return len(notices), {origin.project_id for origin in origins}


def _origin(tx: Tx, notice: Notice, now: int) -> Origin | None:
    """Where it is told; an account without a project has nobody to tell."""
    mine = projects.list_(tx, notice.account_id, limit=1)
    if not mine:
        return None
    return Origin(notice.account_id, mine[0].id, now, mine[0].counting)


def _customer(tx: Tx, notice: Notice) -> Customer:
    return customers.named(tx, notice.account_id, [notice.customer_id])[notice.customer_id]


def _data(notice: Notice, customer: Customer) -> dict[str, Any]:
    quota = notice.quota
    return {
        "customerId": ids.show("customer", customer.id),
        "identifier": customer.identifier,
        "metric": quota.metric,
        "limit": quota.limit,
        "used": notice.used,
        "threshold": notice.threshold,
        "period": quota.period,
        "start": clock.iso(notice.start),
    }


def _happened(notice: Notice, data: dict[str, Any]) -> Happened:
    return Happened(account_id=notice.account_id, project_id=None, type=happen.QUOTA, data=data)


def _event(notice: Notice, customer: Customer, metadata: dict[str, Any]) -> Track:
    return Track(
        channel=CHANNEL,
        title=f"Quota at {notice.threshold} %: {customer.name}"[:TITLE_MAX],
        description=None,
        icon=None,
        tags_json='["quota"]',
        metadata_json=msgspec.json.encode(metadata).decode(),
        user_id=None,
        notify=True,
        source=SOURCE,
        display_as="message",
        event_key=None,
        at=None,
    )
