"""The process's connections to upstreams, opened when the first route needs them: many an
installation has none, and the client takes its share of memory and of the start.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gatepost.delivery.addresses import Network

if TYPE_CHECKING:
    from gatepost.web.relay.upstream import Upstreams


class Pool:
    """Opens once, and closes."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        """Open nothing yet; `networks` are open to all routes."""
        self._networks = networks
        self._upstreams: Upstreams | None = None
        self._loading: asyncio.Future[type[Upstreams]] | None = None

    async def open(self) -> Upstreams:
        """The connections; loads the client beside the event loop the first time."""
        if self._upstreams is not None:
            return self._upstreams
        if self._loading is None:
            self._loading = asyncio.ensure_future(asyncio.to_thread(_load))
        made = await asyncio.shield(self._loading)
        if self._upstreams is None:
            self._upstreams = made(self._networks)
        return self._upstreams

    async def close(self) -> None:
        """Hang up."""
        if self._upstreams is not None:
            await self._upstreams.close()


def _load() -> type[Upstreams]:
    from gatepost.web.relay.upstream import Upstreams  # noqa: PLC0415 # see above

    return Upstreams
