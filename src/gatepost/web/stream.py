"""Sending an event stream: heartbeats come from the source, slow readers are dropped here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

from gatepost.base.config import Settings
from gatepost.web.contract import Header

DROPPED = (
    b'event: dropped\ndata: {"reason":"The reader was too slow; resume with Last-Event-ID"}\n\n'
)
PATIENCE = 4


class Channel(NamedTuple):
    """Both directions of one HTTP exchange, and the sign that the server is going down."""

    send: Any
    receive: Any
    draining: asyncio.Event


async def send_stream(
    channel: Channel, headers: list[Header], chunks: AsyncGenerator[bytes], settings: Settings
) -> None:
    """Send chunks as they come, until they end, the client leaves, or the server drains.

    A reader that stalls too long is told so once it reads again, and cut off if it does not.
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
        async with contextlib.aclosing(chunks) as source:
            while (chunk := await _next(source, over)) is not None:
                if not await _sent(send, chunk, settings.stream_stall_s):
                    return
    finally:
        over.cancel()
    await send({"type": "http.response.body", "body": b""})


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


async def _sent(send: Any, chunk: bytes, stall_s: float) -> bool:
    task = asyncio.ensure_future(_part(send, chunk))
    done, _ = await asyncio.wait({task}, timeout=stall_s)
    if done:
        task.result()
        return True
    done, _ = await asyncio.wait({task}, timeout=stall_s * PATIENCE)
    if not done:
        task.cancel()
        message = "the reader of an event stream stalled"
        raise ConnectionAbortedError(message)
    await send({"type": "http.response.body", "body": DROPPED})
    return False


async def _part(send: Any, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
