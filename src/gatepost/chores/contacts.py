"""What is left of audiences that were ended, of accounts that were deleted long ago, and of lists
of addresses past their days: forgotten bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, Clock
from gatepost.base.ids import AccountId, AudienceId, VerificationListId, floor_at
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.contacts import audiences
from gatepost.domains.contacts import store as contacts
from gatepost.domains.verifications import model
from gatepost.domains.verifications import store as verifications
from gatepost.engine import gather
from gatepost.storage.db import Database, Tx

CHUNK = 500
REST_S = 60.0
GRACE_MS = 30 * DAY_MS
"""An account that was deleted by mistake can be had back for so long as it was."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Contacts:
    """Forgets what nobody may ask for any more."""

    def __init__(self, kit: Kit) -> None:
        """Hold what it needs."""
        self._kit = kit

    async def run(self) -> float:
        """Forget a chunk of each; come back at once while there is more."""
        now, database = self._kit.clock(), self._kit.database
        more = False
        for work in await database.read(lambda tx: _left(tx, now)):
            more |= not await database.write(work)
        return 0.0 if more else REST_S


Work = Callable[[Tx], bool]
"""Forgets some; says whether that was all."""


def _left(tx: Tx, now: int) -> list[Work]:
    """What there is to forget: the writer is not asked for anything else."""
    return [work for account in accounts.list_(tx) for work in _of(tx, account, now)]


def _of(tx: Tx, account: Account, now: int) -> list[Work]:
    mine = account.id
    over = account.status is Status.DELETED and account.updated_at <= now - GRACE_MS
    before = floor_at(now if over else now - model.KEPT_MS)
    found = [_audience(mine, one) for one in audiences.deleted(tx, mine)]
    found += [_list(mine, one) for one in verifications.old(tx, mine, before, CHUNK)]
    there = over and (contacts.oldest(tx, mine, 1) or audiences.list_(tx, mine))
    return [*found, _people(mine)] if there else found


def _audience(account_id: AccountId, audience_id: AudienceId) -> Work:
    return lambda tx: audiences.forget(tx, account_id, audience_id, CHUNK)


def _list(account_id: AccountId, list_id: VerificationListId) -> Work:
    def forget(tx: Tx) -> bool:
        verifications.remove(tx, account_id, list_id)
        return True

    return forget


def _people(account_id: AccountId) -> Work:
    """Contacts, and then their audiences."""

    def forget(tx: Tx) -> bool:
        found = contacts.oldest(tx, account_id, CHUNK)
        gather.remove(tx, account_id, found)
        if found:
            return False
        audiences.forget_all(tx, account_id)
        return True

    return forget
