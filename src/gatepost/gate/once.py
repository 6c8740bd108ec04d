"""The door inside the transaction: claim the idempotency key → charge the quota → work →
remember the reply. Everything here happens in one commit, or not at all.

A replay is found before anything is charged. Two requests with one key in the same group: the
second waits for the first one's outcome, right here. A refused request leaves no claim behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa

from gatepost.base.clock import DAY_MS
from gatepost.base.errors import AppError, Code
from gatepost.domains.quotas import store as quotas
from gatepost.domains.quotas.model import Allowance, Slot, period, resets_at
from gatepost.gate.admit import Caller
from gatepost.gate.tables import REPLY_PARTS, idempotency
from gatepost.storage import parts, sql
from gatepost.storage.db import Tx

TTL_MS = DAY_MS
STATUS_REFUSED = 300
SECRET = 0
"""The status kept in place of a reply that held a secret."""

COLUMNS = ("scope", "claim", "fingerprint", "status", "body", "expires_at")


class Claim(msgspec.Struct, frozen=True, gc=False):
    """A client's idempotency key: where it counts (16 bytes), its digest, and the digest of
    method, path and canonical body it came with.
    """

    scope: bytes
    claim: bytes
    fingerprint: bytes


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What a request takes from the quotas that count its meter."""

    meter: str
    units: int = 1


class Reply(msgspec.Struct, gc=False):
    """What goes back. A `secret` reply is never remembered, only the id it is `about`; `unused`
    units are given back.
    """

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    replayed: bool = False
    secret: bool = False
    about: str = ""
    unused: int = 0
    ring: bytes | None = None


class Admitted(Protocol):
    """What the door must know of a call."""

    @property
    def claim(self) -> Claim | None: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def now(self) -> int: ...


Item = tuple[Any, Any]
Outcome = Reply | AppError
Work = Callable[[Tx, Sequence[Any], Sequence[Any]], Sequence[Outcome]]


class _Known(NamedTuple):
    fingerprint: bytes
    status: int
    body: bytes | None
    expires_at: int


class Once:
    """One endpoint's writes as a vector verb: (call, command) pairs in, outcomes out."""

    def __init__(self, work: Work, charge: Callable[[Any], Charge | None]) -> None:
        """Wrap the endpoint's own work; `charge` prices one command."""
        self._work = work
        self._charge = charge

    def __call__(self, tx: Tx, items: Sequence[Item]) -> list[Outcome]:
        """Settle a group. Followers of a refused request run in a further round."""
        outcomes: list[Outcome | None] = [None] * len(items)
        _hold(tx, (call.claim for call, _ in items))
        left: Sequence[int] = range(len(items))
        while left:
            left = self._round(tx, items, left, outcomes)
        return outcomes  # type: ignore[return-value] # every item has been settled

    def _round(
        self,
        tx: Tx,
        items: Sequence[Item],
        left: Sequence[int],
        outcomes: list[Outcome | None],
    ) -> list[int]:
        known = _find(tx, (items[index][0] for index in left))
        firsts: set[tuple[bytes, bytes]] = set()
        fresh, later = [], []
        for index in left:
            call = items[index][0]
            claim = call.claim
            if claim is None:
                fresh.append(index)
                continue
            mark = (claim.scope, claim.claim)
            row = known.get(mark)
            if row is not None and row.expires_at > call.now:
                outcomes[index] = _replay(row, claim)
            elif mark in firsts:
                later.append(index)
            else:
                firsts.add(mark)
                fresh.append(index)
        if fresh:
            self._run(tx, items, fresh, outcomes, stale=bool(known))
        return later

    def _run(
        self,
        tx: Tx,
        items: Sequence[Item],
        fresh: list[int],
        outcomes: list[Outcome | None],
        *,
        stale: bool,
    ) -> None:
        meter = _Meter(tx, self._charge)
        meter.open(items[index] for index in fresh)
        admitted = []
        for index in fresh:
            refusal = meter.charge(items[index])
            if refusal is None:
                admitted.append(index)
            else:
                outcomes[index] = refusal
        if not admitted:
            return
        calls = [items[index][0] for index in admitted]
        replies = self._work(tx, calls, [items[index][1] for index in admitted])
        for index, reply in zip(admitted, replies, strict=True):
            outcomes[index] = reply
            meter.settle(items[index], reply)
        meter.write()
        _remember(tx, calls, replies, stale=stale)


class _Meter:
    """Quota charges of one group, kept in memory until all of it is known."""

    def __init__(self, tx: Tx, price: Callable[[Any], Charge | None]) -> None:
        self._tx = tx
        self._price = price
        self._used: dict[Slot, int] = {}
        self._added: dict[Slot, int] = {}

    def open(self, items: Iterable[Item]) -> None:
        """Read how the quotas stand that these items may be charged to, all at once."""
        slots = {slot for item in items for _, slot, _ in self._charged(item)}
        if slots:
            self._used = quotas.hold(self._tx, slots)

    def charge(self, item: Item) -> AppError | None:
        """Reserve the units in every quota that counts them, or in none."""
        charged = self._charged(item)
        for allowance, slot, charge in charged:
            used = self._used[slot] + self._added.get(slot, 0)
            if used + charge.units > allowance.limit:
                return _spent(allowance, used, charge, item[0].now)
        for _, slot, charge in charged:
            self._added[slot] = self._added.get(slot, 0) + charge.units
        return None

    def settle(self, item: Item, reply: Outcome) -> None:
        """Give back what a request reserved and did not use."""
        for _, slot, charge in self._charged(item):
            self._added[slot] -= charge.units if isinstance(reply, AppError) else reply.unused

    def write(self) -> None:
        """Charge what was used."""
        quotas.add(self._tx, {slot: units for slot, units in self._added.items() if units})

    def _charged(self, item: Item) -> list[tuple[Allowance, Slot, Charge]]:
        call, command = item
        allowances = call.caller.allowances
        charge = self._price(command) if allowances else None
        if charge is None:
            return []
        account_id, now = call.caller.account_id, call.now
        return [
            (one, Slot(account_id, one.name, period(one, now)), charge)
            for one in allowances
            if charge.meter in one.counts
        ]


def _spent(allowance: Allowance, used: int, charge: Charge, now: int) -> AppError:
    resets = resets_at(allowance, now)
    return AppError(
        Code.QUOTA_EXCEEDED,
        f"The quota {allowance.name!r} is used up ({used}/{allowance.limit})",
        retry_after_s=(resets - now) / 1000,
        extra={
            "quota": allowance.name,
            "limit": allowance.limit,
            "used": used,
            "requested": charge.units,
            "resets_at": resets,
        },
    )


def _hold(tx: Tx, claims: Iterable[Claim | None]) -> None:
    """Let whoever comes with the same key at the same time, here or elsewhere, wait."""
    sql.lock(tx, (claim.scope + claim.claim for claim in claims if claim is not None))


def _find(tx: Tx, calls: Iterable[Admitted]) -> dict[tuple[bytes, bytes], _Known]:
    wanted: dict[bytes, list[bytearray]] = {}
    for call in calls:
        if call.claim is not None:
            wanted.setdefault(call.claim.scope, []).append(bytearray(call.claim.claim))
    return {
        (row[0], row[1]): _Known(*row[2:])
        for scope, claims in wanted.items()
        for row in sql.lookup(tx, idempotency, COLUMNS, ("scope", scope), "claim", claims)
    }


def _replay(row: _Known, claim: Claim) -> Outcome:
    if row.fingerprint != claim.fingerprint:
        return AppError(
            Code.IDEMPOTENCY_CONFLICT,
            "This idempotency key was already used with a different request",
        )
    if row.status == SECRET:
        return AppError(
            Code.IDEMPOTENCY_CONFLICT,
            "This request was already carried out; its reply held a secret and is shown once",
            extra={"id": row.body.decode()} if row.body else {},
        )
    if row.body is None:
        detail = "This request was already carried out; its reply has been erased"
        return AppError(Code.IDEMPOTENCY_CONFLICT, detail)
    return Reply(row.status, row.body, replayed=True)


def _remember(
    tx: Tx, calls: Sequence[Admitted], replies: Sequence[Outcome], *, stale: bool
) -> None:
    rows = []
    for call, reply in zip(calls, replies, strict=True):
        claim = call.claim
        if claim is None or isinstance(reply, AppError) or reply.status >= STATUS_REFUSED:
            continue
        status, body = (reply.status, reply.body)
        if reply.secret:
            status, body = SECRET, reply.about.encode()
        # sqlite3 binds a bytearray at once, but looks for an adapter of each bytes.
        rows.append(
            (
                bytearray(claim.scope),
                bytearray(claim.claim),
                bytearray(claim.fingerprint),
                status,
                bytearray(body),
                call.now + TTL_MS,
            )
        )
    if stale:
        _drop(tx, rows)
    if rows:
        sql.insert_rows(tx, idempotency, COLUMNS, rows)


def _drop(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """Make room for keys that come back after their time."""
    for scope, claim, *_ in rows:
        mine = (idempotency.c.scope == scope, idempotency.c.claim == claim)
        tx.run(sa.delete(idempotency).where(*mine))


def forget(tx: Tx, scope: bytes, text: str) -> None:
    """Empty remembered replies of a scope that hold a text: the person asked to be erased."""
    holds = sql.holds(tx, idempotency.c.body, text.encode())
    mine = idempotency.c.scope == scope
    tx.run(sa.update(idempotency).where(mine, holds).values(body=None))


def make_parts(tx: Tx, now: int) -> None:
    """Make room for the replies of the days to come."""
    parts.make(tx, REPLY_PARTS, now)


def expire(tx: Tx, now: int, limit: int) -> int:
    """Delete remembered replies past their time, oldest first; returns how many single ones."""
    left = parts.drop(tx, REPLY_PARTS, now)
    if not left:
        return 0
    oldest = sa.select(idempotency.c.seq).order_by(idempotency.c.seq).limit(limit)
    gone = tx.run(
        sa.delete(idempotency).where(
            idempotency.c.seq.in_(oldest), idempotency.c.expires_at <= left
        )
    )
    return gone.rowcount
