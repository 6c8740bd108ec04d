"""The last requests of each account, as this process answered them: to look at, not to keep.

They are in memory alone. What a request said is not among them, nor is any secret.
"""

from __future__ import annotations

import os
import socket
from collections import deque

import msgspec

from gatepost.base.clock import HOUR_MS
from gatepost.base.ids import AccountId, ProjectId
from gatepost.base.log import mask

KEPT = 100
KEPT_MS = HOUR_MS
ACCOUNTS_MAX = 500
"""Beyond so many accounts, those that were first are forgotten."""
DETAIL_CHARS_MAX = 300
ABOUT_CHARS_MAX = 200


class Answered(msgspec.Struct, frozen=True, gc=False):
    """One request. `at` in ms; `route` is method and path template; `about` are names that it gave,
    as of an event that was counted; `code` and `detail` are of a refusal.
    """

    at: int
    key_id: bytes
    key_name: str
    project_id: ProjectId | None
    route: str
    status: int
    duration_ms: int
    request_id: str
    about: str = ""
    code: str = ""
    detail: str = ""

    @property
    def reason(self) -> str:
        """Why it was refused, in words without secrets."""
        return mask(self.detail)[:DETAIL_CHARS_MAX]


class Recent:
    """What was answered lately. Used from the event loop alone."""

    def __init__(self) -> None:
        """Start with nothing answered; `place` names this process."""
        self.place = f"{socket.gethostname()} {os.getpid()}"
        self._accounts: dict[AccountId, deque[Answered]] = {}

    def add(self, account_id: AccountId, one: Answered) -> None:
        """Note a request; the oldest of the account's goes for it."""
        mine = self._accounts.get(account_id)
        if mine is None:
            mine = self._open(account_id)
        mine.append(one)

    def of(self, account_id: AccountId, now: int) -> list[Answered]:
        """The account's of the last hour, newest first."""
        mine = self._accounts.get(account_id, ())
        return [one for one in reversed(mine) if one.at > now - KEPT_MS]

    def _open(self, account_id: AccountId) -> deque[Answered]:
        if len(self._accounts) >= ACCOUNTS_MAX:
            del self._accounts[next(iter(self._accounts))]
        return self._accounts.setdefault(account_id, deque(maxlen=KEPT))
