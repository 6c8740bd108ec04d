"""Sending an event stream: heartbeats come from the source, slow readers are dropped here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from gatepost.base import log
from gatepost.base.config import Settings
from gatepost.web.contract import Header

DROPPED = (
    b'event: dropped\ndata: {"reason":"The reader was too slow; resume with Last-Event-ID"}\n\n'
)
PATIENCE = 4

_log = log.get("web")


class Channel(NamedTuple):
    """Both directions of one HTTP exchange, and the sign that the server is going down."""

    send: Any
    receive: Any
    draining: asyncio.Event


async def send_stream(
    channel: Channel, headers: list[Header], chunks: AsyncGenerator[bytes], settings: Settings
) -> None:
    """Send chunks as they come, until they end, the client leaves, or the server drains.

    A reader that stalls too long is dropped: nothing more is made for it, it is told so once it
    reads again, and it is cut off if it does not.
    """
    send = channel.send
    headers = [one for one in headers if one[0] != b"content-type"]
    headers += [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    over = asyncio.ensure_future(_over(channel))
    try:
        stalled = await _relay(send, chunks, over, settings.stream_stall_s)
        last = b""
        if stalled is not None:
            if not await _finished(stalled, over, settings.stream_stall_s * PATIENCE):
                stalled.cancel()
                return
            last = DROPPED
    finally:
        over.cancel()
    await send({"type": "http.response.body", "body": last})


async def _relay(
    send: Any, chunks: AsyncGenerator[bytes], over: asyncio.Future[None], stall_s: float
) -> asyncio.Future[None] | None:
    """Send until the end; returns the sending that stalled, if one did. Closes the source."""
    try:
        async with contextlib.aclosing(chunks) as source:
            while (chunk := await _next(source, over)) is not None:
                sending = asyncio.ensure_future(_part(send, chunk))
                if not await _finished(sending, over, stall_s):
                    return sending
    except Exception as fault:  # noqa: BLE001 # the reply has begun; the reader may resume
        _log.error("an event stream failed", exc_info=fault)
    return None


async def _finished(
    sending: asyncio.Future[None], over: asyncio.Future[None], patience_s: float
) -> bool:
    """Wait for a sending, but not longer than the exchange lasts."""
    await asyncio.wait({sending, over}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
    return sending.done() and sending.result() is None


async def _over(channel: Channel) -> None:
    """Return when the client has left or the server is going down."""
    drain = asyncio.ensure_future(channel.draining.wait())
    left = asyncio.ensure_future(_left(channel.receive))
    try:
        await asyncio.wait({drain, left}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        drain.cancel()
        left.cancel()


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _next(source: AsyncGenerator[bytes], over: asyncio.Future[None]) -> bytes | None:
    """The next chunk, or None when the source or the exchange is over."""
    task: asyncio.Future[Any] = asyncio.ensure_future(anext(source, None))
    await asyncio.wait({task, over}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        chunk: bytes | None = task.result()
        return chunk
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return None


async def _part(send: Any, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
