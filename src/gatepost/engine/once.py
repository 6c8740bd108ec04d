"""Once: messages whose clients have given them names; a name is used once. A vector verb."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, MessageId
from gatepost.domains.outbox import named
from gatepost.engine.notify import Notified, Notify, notify
from gatepost.storage.db import Tx


class Once(msgspec.Struct, frozen=True):
    """A message, and the name that its account gives it; None for none."""

    message: Notify
    name: str | None = None


def send(tx: Tx, asked: Sequence[Once]) -> list[Notified | AppError]:
    """Keep messages as `notify` does; one whose name was used before, here or ever, refuses itself
    alone with CONFLICT.
    """
    used = _used(tx, asked)
    fresh = [_is_new(one, used) for one in asked]
    admitted = [one for one, new in zip(asked, fresh, strict=True) if new]
    sent = notify(tx, [one.message for one in admitted])
    _name(tx, admitted, sent)
    done = iter(sent)
    return [next(done) if new else _refused() for new in fresh]


def _used(tx: Tx, asked: Sequence[Once]) -> dict[AccountId, set[str]]:
    """The names that were used before. Accounts come in their order: none waits for another."""
    wanted: dict[AccountId, set[str]] = defaultdict(set)
    for one in asked:
        if one.name is not None:
            wanted[one.message.account_id].add(one.name)
    return {
        account_id: set(named.hold(tx, account_id, names))
        for account_id, names in sorted(wanted.items())
    }


def _is_new(one: Once, used: dict[AccountId, set[str]]) -> bool:
    """Whether a message may be sent; its name is used from then on."""
    if one.name is None:
        return True
    mine = used[one.message.account_id]
    if one.name in mine:
        return False
    mine.add(one.name)
    return True


def _name(tx: Tx, admitted: Sequence[Once], sent: Sequence[Notified]) -> None:
    given: dict[AccountId, dict[str, MessageId]] = defaultdict(dict)
    for one, kept in zip(admitted, sent, strict=True):
        if one.name is not None:
            given[one.message.account_id][one.name] = kept.message.id
    for account_id, names in sorted(given.items()):
        named.add(tx, account_id, names)


def _refused() -> AppError:
    return AppError(Code.CONFLICT, "A message of this name was sent before")
