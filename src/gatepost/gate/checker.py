"""Checks on the event loop: whose key is it, for whom, and do its limits admit it?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from types import NoneType
from typing import Any

import msgspec

from gatepost.base import crypto
from gatepost.base.clock import MINUTE_MS
from gatepost.base.ids import AccountId, CustomerId, GateKeyId
from gatepost.domains.customers import allowances
from gatepost.domains.customers import store as customers
from gatepost.domains.customers.model import Status
from gatepost.domains.gatekeys import model
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.gatekeys.model import GateKey
from gatepost.domains.projects import store as projects
from gatepost.gate.budget import Payer
from gatepost.gate.check import Ask, Asker, Checked, Client, Holder, Reason, admit, judge
from gatepost.gate.lookup import Lookup
from gatepost.limiter.contract import Limiter, Verdict
from gatepost.storage.db import Database, Tx

TOUCHED_MAX = 20_000
ROUTES_MAX = 1000
OTHER_ROUTE = "(other)"
ID_BYTES = 16
_AT_ONCE = (Verdict, NoneType)

Looking = Coroutine[Any, Any, Checked]


class Checker:
    """Looks checks up and holds them to the limits of their keys. One per process; used from the
    event loop alone.
    """

    def __init__(
        self, *, database: Database, limiter: Limiter, pepper: bytes, limits_on: bool
    ) -> None:
        """Start with nothing known."""
        self._pepper = pepper
        self._limiter = limiter
        self._limits_on = limits_on
        self._holders: Lookup[Holder] = Lookup(database, find_holders)
        self._clients: Lookup[Client] = Lookup(database, find_clients)
        self._touched: dict[GateKeyId, int] = {}
        self._routes: dict[AccountId, set[str]] = {}

    def forget(self) -> None:
        """Forget all that is cached: something about gate keys or customers has changed."""
        self._holders.cache.clear()
        self._clients.cache.clear()

    def look(self, asker: Asker, ask: Ask, now: int, request_id: str) -> Checked | Looking:
        """Look an ask up, and charge the limits of its key; raises UNAVAILABLE. Of a known key the
        answer is returned at once.
        """
        one = Checked(self._named(asker, ask), now, request_id)
        if not self._recall(asker, one):
            return self._look_up(asker, one)
        verdict = None if one.reason else self._hit(one)
        if not isinstance(verdict, _AT_ONCE):
            return self._await(one, verdict)
        if one.reason is None:
            self._pass(one, verdict)
        return one

    async def look_all(
        self, asker: Asker, asks: Sequence[Ask], now: int, request_id: str
    ) -> list[Checked]:
        """Look several up, and charge the limits of their keys in order; raises UNAVAILABLE."""
        found = [Checked(self._named(asker, ask), now, request_id) for ask in asks]
        unknown = [one for one in found if not self._recall(asker, one)]
        if unknown:
            await asyncio.gather(*(self._fetch(asker, one) for one in unknown))
        waiting: list[tuple[Checked, asyncio.Future[Verdict]]] = []
        for one in found:
            if one.reason is not None:
                continue
            verdict = self._hit(one)
            if isinstance(verdict, _AT_ONCE):
                self._pass(one, verdict)
            else:  # all of them ask the server together
                waiting.append((one, asyncio.ensure_future(verdict)))
        for one, future in waiting:
            self._pass(one, await future)
        return found

    async def _look_up(self, asker: Asker, one: Checked) -> Checked:
        await self._fetch(asker, one)
        if one.reason is None:
            verdict = self._hit(one)
            self._pass(one, verdict if isinstance(verdict, _AT_ONCE) else await verdict)
        return one

    async def _await(self, one: Checked, verdict: Awaitable[Verdict]) -> Checked:
        self._pass(one, await verdict)
        return one

    def _named(self, asker: Asker, ask: Ask) -> Ask:
        """Bound how many routes are told apart: somebody may send whole paths."""
        known = self._routes.setdefault(asker.account_id, set())
        if ask.route not in known:
            if len(known) >= ROUTES_MAX:
                return msgspec.structs.replace(ask, route=OTHER_ROUTE)
            known.add(ask.route)
        return ask

    def _recall(self, asker: Asker, one: Checked) -> bool:
        """Look a check up in what is known; False where that is not enough."""
        secret, cache = one.ask.secret, self._holders.cache
        entry = cache.get(cache.slot(secret))
        if entry is not None:
            one.holder = entry[0]
        elif model.well_formed(secret):
            return False
        customer_id = judge(asker, one)
        if customer_id is None:
            return True
        known = self._clients.cache.get(asker.account_id + customer_id)
        if known is None:
            return False
        admit(one, known[0])
        return True

    async def _fetch(self, asker: Asker, one: Checked) -> None:
        """Look a check up in the database, together with all that is looked up now."""
        cache, secret = self._holders.cache, one.ask.secret
        slot = cache.slot(secret)
        entry = cache.get(slot)
        if entry is not None:
            one.holder = entry[0]
        else:
            one.holder = await self._holders.load(slot, crypto.digest(self._pepper, secret))
        customer_id = judge(asker, one)
        if customer_id is not None:
            slot = asker.account_id + customer_id
            known = self._clients.cache.get(slot)
            admit(one, known[0] if known else await self._clients.load(slot, slot))

    def _hit(self, one: Checked) -> Verdict | Awaitable[Verdict] | None:
        holder = one.holder
        if holder is None or not holder.subjects or not self._limits_on:
            return None
        if one.ask.dry:
            return self._limiter.peek(holder.subjects)
        return self._limiter.hit(holder.subjects)

    def _pass(self, one: Checked, verdict: Verdict | None) -> None:
        one.verdict = verdict
        if verdict is not None and not verdict.admitted:
            one.reason = Reason.RATE_LIMITED
        elif not one.ask.dry and one.holder is not None:
            one.touch = self._due(one.holder.key, one.now)

    def _due(self, key: GateKey, now: int) -> bool:
        """Whether a key's use has not been noted for a minute."""
        last = self._touched.get(key.id) or key.last_used_at
        if last is not None and now < last + MINUTE_MS:
            return False
        if len(self._touched) >= TOUCHED_MAX:
            self._touched.clear()
        self._touched[key.id] = now
        return True


def find_holders(tx: Tx, digests: Sequence[bytes]) -> list[Holder | None]:
    """Find the gate keys of some secrets, in their order; those of ended projects are none."""
    found = gatekeys.find_by_digests(tx, digests)
    places = {(match.key.account_id, match.key.project_id) for match in found.values()}
    living = {place for place in places if projects.find(tx, *place) is not None}
    return [
        _holder(match)
        if (match := found.get(digest)) and (match.key.account_id, match.key.project_id) in living
        else None
        for digest in digests
    ]


def find_clients(tx: Tx, slots: Sequence[bytes]) -> list[Client | None]:
    """Find customers by their accounts' and their own ids, in their order."""
    return [_client(tx, AccountId(one[:ID_BYTES]), CustomerId(one[ID_BYTES:])) for one in slots]


def _holder(match: gatekeys.Match) -> Holder:
    key = match.key
    # What is charged together begins with the same tag, so that a cluster keeps it together.
    mark = f"{{{key.account_id.hex()}}}:gate:{key.id.hex()}"
    subjects = tuple((f"{mark}:{one.seconds}", one) for one in key.limits)
    return Holder(key, match.valid_until, model.grant(key.scopes), subjects)


def _client(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> Client | None:
    found = customers.find(tx, account_id, customer_id)
    if found is None:
        return None
    quota = allowances.find(tx, account_id, customer_id)
    return Client(Payer(account_id, customer_id, quota), found.status is Status.ACTIVE)
