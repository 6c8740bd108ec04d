"""Doorbells between processes through Valkey or Redis: one channel of its publish/subscribe."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial

from valkey.asyncio import Valkey
from valkey.asyncio.client import PubSub
from valkey.asyncio.connection import parse_url
from valkey.exceptions import ValkeyError

from gatepost.base.metrics import Metrics
from gatepost.signals.shared import ANSWER_S, IDLE_S, SharedSignals

CHANNEL = "gatepost:bells"


class ValkeySignals(SharedSignals):
    """Doorbells through Valkey. Two connections: a subscribed one hears, the other publishes."""

    def __init__(self, url: str, metrics: Metrics) -> None:
        """Take an address (`valkey://…`, `redis://…`, with `s` for TLS, `unix://…`).

        Raises ValueError, without the address, when it is none.
        """
        super().__init__(partial(_open, url), _server(url), metrics)


class _Wire:
    def __init__(self, client: Valkey) -> None:
        self._client = client
        self._pubsub: PubSub = client.pubsub()

    async def subscribe(self) -> None:
        await self._pubsub.subscribe(CHANNEL)

    async def publish(self, message: str) -> None:
        await self._client.publish(CHANNEL, message)

    async def receive(self) -> Sequence[str]:
        reply = await self._pubsub.get_message(timeout=IDLE_S)
        if reply is None:
            await self._pubsub.ping()
            reply = await self._pubsub.get_message(timeout=ANSWER_S)
        if reply is None:
            raise TimeoutError("no answer to a ping")
        return [reply["data"].decode(errors="replace")] if reply["type"] == "message" else []

    async def close(self) -> None:
        for close in (self._pubsub.aclose, self._client.aclose):
            with contextlib.suppress(ValkeyError, OSError):
                await close()


async def _open(url: str) -> _Wire:
    wire = _Wire(Valkey.from_url(url, socket_timeout=ANSWER_S))
    try:
        await wire.subscribe()
    except BaseException:
        await wire.close()
        raise
    return wire


def _server(url: str) -> str:
    try:
        address = parse_url(url)
    except ValueError:
        raise ValueError("not an address of Valkey or Redis") from None
    path = address.get("path")
    return path or f"{address.get('host', 'localhost')}:{address.get('port', 6379)}"
