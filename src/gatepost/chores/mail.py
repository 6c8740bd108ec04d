"""Mail kept small: caught mails of some days, attachments of messages that still say something, and
no suppressions that have ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gatepost.base.clock import DAY_MS, HOUR_MS, Clock
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, MessageId, floor_at
from gatepost.domains.accounts import store as accounts
from gatepost.domains.attachments import store as attachments
from gatepost.domains.mailbox import store as mailbox
from gatepost.domains.suppressions import store as suppressions
from gatepost.engine import post
from gatepost.storage.db import Database, Tx

CHUNK = 100
REST_S = 60.0
FRESH_MS = HOUR_MS // 60
"""Attachments of the last minute may be ahead of their message."""


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...


class Mail:
    """Forgets caught mails past their days, attachments that nobody will be sent, and suppressions
    that have ended.
    """

    def __init__(self, kit: Kit) -> None:
        """Begin with each account's oldest."""
        self._kit = kit
        self._reached: dict[AccountId, MessageId] = {}

    async def run(self) -> float:
        """Forget a chunk of each account."""
        now, database = self._kit.clock(), self._kit.database
        old = floor_at(now - self._kit.settings.mailbox_days * DAY_MS)
        for account_id in await database.read(lambda tx: _with_old(tx, old)):
            await database.write(_drop(account_id, old))
        for account_id in await database.read(lambda tx: _with_ended(tx, now)):
            await database.write(_end(account_id, now))
        for account_id in await database.read(_with_files):
            after = self._reached.pop(account_id, None)
            reached = await database.write(_forget(account_id, after, floor_at(now - FRESH_MS)))
            if reached is not None:
                self._reached[account_id] = reached
        return 0.0 if self._reached else REST_S


def _with_old(tx: Tx, before: bytes) -> list[AccountId]:
    """The accounts that have mails to be forgotten: the writer is not asked for the others."""
    found = accounts.list_(tx)
    return [one.id for one in found if mailbox.any_before(tx, one.id, before)]


def _with_files(tx: Tx) -> list[AccountId]:
    """The accounts that have attachments."""
    return [one.id for one in accounts.list_(tx) if attachments.messages(tx, one.id, None, 1)]


def _with_ended(tx: Tx, now: int) -> list[AccountId]:
    """The accounts that have suppressions to be forgotten."""
    return [one.id for one in accounts.list_(tx) if suppressions.has_ended(tx, one.id, now)]


def _end(account_id: AccountId, now: int) -> Callable[[Tx], int]:
    return lambda tx: suppressions.drop_ended(tx, account_id, now, CHUNK)


def _drop(account_id: AccountId, before: bytes) -> Callable[[Tx], int]:
    return lambda tx: mailbox.drop_before(tx, account_id, before)


def _forget(
    account_id: AccountId, after: MessageId | None, before: bytes
) -> Callable[[Tx], MessageId | None]:
    return lambda tx: post.forget_files(tx, account_id, after, before, CHUNK)
