"""What the indexes of digests need beside the requests: filters, and the end of old runs."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from gatepost.base import log
from gatepost.storage.db import Database
from gatepost.storage.sqlite.digests import FIRST_PLACE, DigestIndex, DigestIndexes

EVERY_S = 1.0
DROP_EVERY_S = 60.0


class Sifter:
    """Looks at every index, once a second."""

    def __init__(self, database: Database, indexes: DigestIndexes) -> None:
        """Nothing is done yet."""
        self._database = database
        self._indexes = indexes
        self._drop_at = 0.0
        self._log = log.get("storage")

    async def run(self) -> None:
        """Go on until cancelled. What fails is tried again, and loses nothing meanwhile."""
        while True:
            await asyncio.sleep(EVERY_S)
            drops = self._is_time_to_drop()
            for index in self._indexes.all():
                try:
                    await self._tend(index, drops=drops)
                except Exception as fault:  # noqa: BLE001 # the next look comes to it again
                    self._log.warning("an index of digests was not tended", reason=repr(fault))

    def _is_time_to_drop(self) -> bool:
        now = time.monotonic()
        is_time = now >= self._drop_at
        if is_time:
            self._drop_at = now + DROP_EVERY_S
        return is_time

    async def _tend(self, index: DigestIndex, *, drops: bool) -> None:
        if index.is_unfiltered:
            await self._sift(index)
        if drops:
            await self._database.write(index.drop_ended)

    async def _sift(self, index: DigestIndex) -> None:
        """Make a filter of all that is on disk."""
        known, room = index.grow(await self._database.read(index.entries))
        rows = [FIRST_PLACE]
        while rows := await self._database.read(partial(index.some, after=rows[-1])):
            known.update(entry for _, entry in rows)
        index.adopt(known, room)
