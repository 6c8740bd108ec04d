"""Visits that last: one look-out tells all of them when their visitors may not stay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId
from gatepost.signals.contract import REVOKED
from gatepost.web.contract import Services

LOOK_S = 5.0


class _Stay(NamedTuple):
    """What a session does in an account, in any number of pages; `over` once it may not."""

    secret: str
    account_id: AccountId
    over: asyncio.Future[None]
    pages: set[object]


class Stays:
    """All of a process. Used from the event loop alone."""

    def __init__(self, services: Services) -> None:
        """Nobody is here yet."""
        self._services = services
        self._stays: dict[tuple[str, AccountId], _Stay] = {}
        self._watch: asyncio.Task[None] | None = None

    @contextmanager
    def stay(self, secret: str, account_id: AccountId) -> Iterator[asyncio.Future[None]]:
        """Stay for as long as the context is open. What it gives is done when this visitor would
        not be let in any more: at once where that is said here, else soon.
        """
        mine = self._find(secret, account_id)
        page = object()
        mine.pages.add(page)
        try:
            yield mine.over
        finally:
            mine.pages.discard(page)
            if not mine.pages:
                self._leave(mine)

    def _find(self, secret: str, account_id: AccountId) -> _Stay:
        found = self._stays.get((secret, account_id))
        if found is None:
            over = asyncio.get_running_loop().create_future()
            found = self._stays[secret, account_id] = _Stay(secret, account_id, over, set())
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_out())
        return found

    def _leave(self, stay: _Stay) -> None:
        if self._stays.get((stay.secret, stay.account_id)) is stay:
            del self._stays[stay.secret, stay.account_id]
        if not self._stays and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    async def _look_out(self) -> None:
        with self._services.signals.listen(REVOKED) as bell:
            while True:
                await bell.wait(LOOK_S)
                for one in list(self._stays.values()):
                    if not await self._stands(one):
                        self._end(one)

    def _end(self, stay: _Stay) -> None:
        """Who comes with the same session now begins anew."""
        self._stays.pop((stay.secret, stay.account_id), None)
        if not stay.over.done():
            stay.over.set_result(None)

    async def _stands(self, stay: _Stay) -> bool:
        """Whether the visitor would be let in; not where that cannot be known."""
        operators = self._services.operators
        try:
            signed_in = await operators.session(stay.secret)
            if signed_in is None:
                return False
            caller = await operators.caller(signed_in, stay.account_id)
        except AppError:
            return False
        return caller is not None and caller.active
