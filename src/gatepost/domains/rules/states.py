"""What is remembered of rules between events, in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from gatepost.base.ids import AccountId, RuleId
from gatepost.domains.rules.tables import rule_states
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = ("account_id", "id", "rule_id", "kind", "key", "body", "due_at")
T = TypeVar("T")


class Memory(StrEnum):
    """What is remembered; see `timing`, `digest` and `told`."""

    TALLY = "tally"
    PERIODS = "periods"
    SILENCE = "silence"
    KEPT = "kept"
    TOLD = "told"


MEASURED = (Memory.PERIODS, Memory.SILENCE, Memory.TALLY)
"""What depends on the events that have come. What is kept is to be told in any case."""
AT_WORK = (*MEASURED, Memory.KEPT)
"""What a rule that is switched off remembers no more."""


class Place(NamedTuple):
    """What is remembered of which rule, under which value that events are told apart by."""

    account_id: AccountId
    rule_id: RuleId
    memory: Memory
    key: str = ""

    @property
    def id(self) -> bytes:
        """The name of its row."""
        named = f"{self.memory} {self.key}".encode()
        return blake2b(named, digest_size=16, key=self.rule_id).digest()


class State(NamedTuple):
    """JSON of what is remembered, and when (ms) it is to be looked at without any event."""

    place: Place
    body: str
    due_at: int | None = None

    def read(self, type_: type[T]) -> T:
        """What is remembered."""
        return msgspec.json.decode(self.body, type=type_)


def state(place: Place, remembered: msgspec.Struct, due_at: int | None) -> State:
    """Write what is remembered."""
    return State(place, msgspec.json.encode(remembered).decode(), due_at)


def load(tx: Tx, places: Iterable[Place]) -> dict[Place, State]:
    """What is remembered at some places."""
    by_account: dict[AccountId, dict[bytes, Place]] = {}
    for place in places:
        by_account.setdefault(place.account_id, {})[place.id] = place
    found: dict[Place, State] = {}
    for account_id, mine in sorted(by_account.items()):
        scope = ("account_id", account_id)
        for row in sql.lookup(tx, rule_states, COLUMNS, scope, "id", sorted(mine)):
            one = _state(row)
            found[one.place] = one
    return found


def save(tx: Tx, states: Iterable[State]) -> None:
    """Remember."""
    rows = [_row(one) for one in sorted(states, key=_order)]
    if not rows:
        return
    insert = tx.engine.insert(rule_states)
    changes = {name: insert.excluded[name] for name in ("body", "due_at")}
    statement = insert.on_conflict_do_update(index_elements=["account_id", "id"], set_=changes)
    tx.run(statement, rows)


def forget(tx: Tx, places: Iterable[Place]) -> None:
    """Forget what is remembered at some places."""
    for place in sorted(places, key=lambda one: (one.account_id, one.id)):
        mine = (rule_states.c.account_id == place.account_id, rule_states.c.id == place.id)
        tx.run(sa.delete(rule_states).where(*mine))


def forget_rule(
    tx: Tx, account_id: AccountId, rule_id: RuleId, memories: Collection[Memory] = tuple(Memory)
) -> None:
    """Forget all that is remembered of a rule, or some of it."""
    mine = (rule_states.c.account_id == account_id, rule_states.c.rule_id == rule_id)
    kinds = rule_states.c.kind.in_([one.value for one in memories])
    tx.run(sa.delete(rule_states).where(*mine, kinds))


def due(tx: Tx, memories: Collection[Memory], now: int, limit: int) -> list[State]:
    """What is to be looked at by now, of all accounts, the longest due first."""
    found: list[State] = []
    for memory in memories:
        where = (rule_states.c.kind == memory.value, rule_states.c.due_at <= now)
        query = sa.select(rule_states).where(*where).order_by(rule_states.c.due_at).limit(limit)
        found += [_state(row) for row in tx.run(query)]
    return sorted(found, key=lambda one: (one.due_at or 0, one.place))[:limit]


def of_rule(tx: Tx, account_id: AccountId, rule_id: RuleId, memory: Memory) -> list[State]:
    """All that is remembered of a rule in one way."""
    mine = (rule_states.c.account_id == account_id, rule_states.c.rule_id == rule_id)
    query = sa.select(rule_states).where(*mine, rule_states.c.kind == memory.value)
    return [_state(row) for row in tx.run(query)]


def next_due(tx: Tx) -> int | None:
    """When something is to be looked at next (ms)."""
    firsts = tx.run(sa.select(*(_first(memory) for memory in Memory))).one()
    return min((one for one in firsts if one is not None), default=None)


def later_than(
    tx: Tx, at: int, last: tuple[int, bytes, bytes] | None, limit: int
) -> Sequence[tuple[State, tuple[int, bytes, bytes]]]:
    """What is due after a moment, of all accounts, each with its place in this list; on from a
    place.
    """
    order = (rule_states.c.due_at, rule_states.c.account_id, rule_states.c.id)
    query = sa.select(rule_states).where(rule_states.c.due_at > at)
    if last is not None:
        query = query.where(sa.tuple_(*order) > sa.tuple_(*last))
    rows = tx.run(query.order_by(*order).limit(limit))
    return [(_state(row), (row.due_at, row.account_id, row.id)) for row in rows]


def _first(memory: Memory) -> sa.ScalarSelect[int]:
    here = (rule_states.c.kind == memory.value, rule_states.c.due_at.is_not(None))
    return sa.select(sa.func.min(rule_states.c.due_at)).where(*here).scalar_subquery()


def _order(one: State) -> tuple[bytes, bytes]:
    return one.place.account_id, one.place.id


def _row(one: State) -> dict[str, Any]:
    place = one.place
    values = (place.account_id, place.id, place.rule_id, place.memory.value, place.key)
    return dict(zip(COLUMNS, (*values, one.body, one.due_at), strict=True))


def _state(row: Any) -> State:
    account_id, _, rule_id, kind, key, body, due_at = row
    place = Place(AccountId(bytes(account_id)), RuleId(bytes(rule_id)), Memory(kind), key)
    return State(place, body, due_at)
