"""The door inside the transaction: claim the idempotency key → charge the quotas → work → meter →
remember the reply. Everything here happens in one commit, or not at all.

A replay is found before anything is charged. Two requests with one key in the same group: the
second waits for the first one's outcome, right here. A refused request leaves no claim behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import sqlalchemy as sa

from gatepost.base.clock import DAY_MS, now_ms
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import NO_CUSTOMER, NO_PROJECT, ProjectId
from gatepost.base.periods import slot_of
from gatepost.domains.usage import store as usage
from gatepost.domains.usage.model import Metered, Sums
from gatepost.gate.admit import Caller
from gatepost.gate.budget import Budget, Left, Payer, Take, of_customer, of_plan
from gatepost.gate.tables import REPLIES, REPLY_PARTS, idempotency
from gatepost.storage import parts, sql
from gatepost.storage.db import Tx
from gatepost.storage.digests import Mark

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
    """What a request is worth, in units of a meter: the quotas that count it are charged."""

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

    left: Left | None
    """How its customer's quota stands, for the reply."""
    lefts: Sequence[Left]
    """How all its hard quotas stand."""

    @property
    def claim(self) -> Claim | None: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def project(self) -> ProjectId | None: ...
    @property
    def payer(self) -> Payer | None: ...
    @property
    def request_id(self) -> str: ...
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

    def __init__(self, work: Work, charge: Callable[[Any], Charge | None], route: str) -> None:
        """Wrap the endpoint's own work; `charge` prices one command, `route` names the endpoint
        in what is metered.
        """
        self._work = work
        self._charge = charge
        self._route = route

    def __call__(self, tx: Tx, items: Sequence[Item]) -> list[Outcome]:
        """Settle a group. Followers of a refused request run in a further round, and so do those
        that a quota had no room for before others gave some back.
        """
        outcomes: list[Outcome | None] = [None] * len(items)
        claims = [call.claim for call, _ in items if call.claim is not None]
        _hold(tx, claims)
        settle = self._round if claims else self._run
        left: Sequence[int] = range(len(items))
        while left:
            left = settle(tx, items, left, outcomes)
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
            later += self._run(tx, items, fresh, outcomes, stale=bool(known))
            later.sort()
        return later

    def _run(
        self,
        tx: Tx,
        items: Sequence[Item],
        fresh: Sequence[int],
        outcomes: list[Outcome | None],
        *,
        stale: bool = False,
    ) -> list[int]:
        """Settle those that come first; returns those to be asked for once more."""
        budget = Budget(tx)
        priced = {index: _priced(items[index][0], self._charge(items[index][1])) for index in fresh}
        admitted, refused = fresh, list[int]()
        if any(one.takes for one in priced.values()):
            admitted, refused = _admit(budget, items, priced, outcomes)
        if not admitted:
            return []
        calls = [items[index][0] for index in admitted]
        replies = self._work(tx, calls, [items[index][1] for index in admitted])
        sums, given_back = Sums(), False
        for index, call, reply in zip(admitted, calls, replies, strict=True):
            outcomes[index] = reply
            if isinstance(reply, AppError):
                budget.undo(priced[index].takes)
                given_back = True
                continue
            if reply.unused:
                budget.give_back(priced[index].takes, reply.unused)
                given_back = True
            units = priced[index].units - reply.unused
            if units or call.caller.operator is None:
                self._meter(sums, call, reply, units)
        budget.write(calls[0].now)
        usage.add(tx, sums)
        _remember(tx, calls, replies, stale=stale)
        return refused if given_back else []

    def _meter(self, sums: Sums, call: Admitted, reply: Reply, units: int) -> None:
        by = call.caller
        mark = (by.account_id, by.key_id, call.project, reply.status, slot_of(call.now))
        if call.payer is not None or not sums.again(mark, units):
            sums.add(self._metered(call, reply, units), mark)

    def _metered(self, call: Admitted, reply: Reply, units: int) -> Metered:
        payer = call.payer
        return Metered(
            account_id=call.caller.account_id,
            customer_id=NO_CUSTOMER if payer is None else payer.customer_id,
            project_id=call.project or NO_PROJECT,
            key_id=call.caller.key_id,
            route=self._route,
            status=reply.status,
            units=units,
            at=call.now,
            request_id=call.request_id,
            response_bytes=len(reply.body),
            duration_ms=max(now_ms() - call.now, 0) if payer else 0,
        )


def _admit(
    budget: Budget,
    items: Sequence[Item],
    priced: Mapping[int, _Priced],
    outcomes: list[Outcome | None],
) -> tuple[list[int], list[int]]:
    """Charge the quotas; returns whom they had room for, and who is refused."""
    budget.open(take for one in priced.values() for take in one.takes)
    admitted, refused = [], []
    for index, (_, takes) in priced.items():
        call = items[index][0]
        refusal = budget.charge(takes, call.now)
        if refusal is not None:
            outcomes[index] = refusal
            refused.append(index)
            continue
        admitted.append(index)
        call.lefts = _hard(budget, takes)
        call.left = budget.left(takes[-1]) if takes and call.payer else None
    return admitted, refused


def _hard(budget: Budget, takes: Sequence[Take]) -> list[Left]:
    found = (budget.left(take) for take in takes)
    return [one for one in found if one is not None]


class _Priced(NamedTuple):
    """What a request is worth, and which quotas it is charged to."""

    units: int
    takes: Sequence[Take]


_FREE = _Priced(0, ())


def _priced(call: Admitted, charge: Charge | None) -> _Priced:
    """Price a request: what is free is worth no units, and charged to no plan."""
    if charge is None and call.payer is None:
        return _FREE
    units = 0 if charge is None else charge.units
    takes = []
    if charge is not None:
        account_id = call.caller.account_id
        takes = [
            of_plan(one, account_id, units, call.now)
            for one in call.caller.allowances
            if charge.meter in one.counts
        ]
    own = None if call.payer is None else of_customer(call.payer, units, call.now)
    if own is not None:
        takes.append(own)
    return _Priced(units, takes)


def _hold(tx: Tx, claims: Iterable[Claim]) -> None:
    """Let whoever comes with the same key at the same time, here or elsewhere, wait."""
    sql.lock(tx, (claim.scope + claim.claim for claim in claims))


def _find(tx: Tx, calls: Iterable[Admitted]) -> dict[Mark, _Known]:
    marks = [(claim.scope, claim.claim) for call in calls if (claim := call.claim) is not None]
    found = REPLIES.find(tx, _Known._fields, marks)
    return {mark: _Known(*row) for mark, row in found.items()}


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
    if stale:  # keys that come back after their time
        REPLIES.remove(tx, [(bytes(scope), bytes(claim)) for scope, claim, *_ in rows])
    REPLIES.add(tx, COLUMNS, rows)


def is_known(tx: Tx, claim: Claim, now: int) -> bool:
    """Whether a request came before with the same key, and was not refused; in a transaction that
    may write.
    """
    found = REPLIES.find(tx, ("expires_at",), [(claim.scope, claim.claim)])
    return any(ends_at > now for (ends_at,) in found.values())


def forget(tx: Tx, scopes: Collection[bytes], texts: Collection[str]) -> None:
    """Empty remembered replies of some scopes that hold one of some texts: the person asked to be
    erased.
    """
    holds = (sql.holds(tx, idempotency.c.body, text.encode()) for text in texts)
    mine = idempotency.c.scope.in_(scopes)
    tx.run(sa.update(idempotency).where(mine, sa.or_(sa.false(), *holds)).values(body=None))


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
