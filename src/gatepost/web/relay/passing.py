"""The upstream's answer on its way to the client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from gatepost.web.relay import headers
from gatepost.web.relay.answer import Answer, Broken
from gatepost.web.relay.upload import IDLE_S
from gatepost.web.request import Request

BODILESS = frozenset({204, 304})
LENGTH = b"content-length"
BYTES_MAX = 2**53


async def reply(
    request: Request, got: Answer, send: Any, leaving: asyncio.Future[None], stall_s: float
) -> None:
    """Send head and body. What the upstream breaks off is broken off for the client too, and a
    client that does not read for too long is hung up on.
    """
    bodiless = got.status in BODILESS
    dialect = request.route.dialect
    own = [*dialect.headers, *request.standing(dialect)]
    names = {name for name, _ in own}
    theirs = headers.back(got.headers, bodiless=bodiless)
    back = [one for one in theirs if one[0] not in names]
    whole = got.whole()
    await send({"type": "http.response.start", "status": got.status, "headers": [*back, *own]})
    if bodiless or request.scope["method"] == "HEAD":
        whole = b""
    # A client that leaves ends the waiting for the upstream.
    leaving.add_done_callback(lambda _: got.close())
    if whole is None and not await _stream(got.parts(), send, stall_s):
        request.cut()
        return
    await send({"type": "http.response.body", "body": whole or b""})


def length_of(got: Answer) -> int | None:
    """How long the body is said to be, as far as that is credible."""
    said = next((int(value) for name, value in got.headers if name.lower() == LENGTH), None)
    return None if said is None or said > BYTES_MAX else said


async def _stream(parts: AsyncGenerator[bytes], send: Any, stall_s: float) -> bool:
    """Send parts as they come; False when that cannot go on."""
    try:
        async with contextlib.aclosing(parts) as source:
            while True:
                async with asyncio.timeout(IDLE_S):
                    part = await anext(source, None)
                if part is None:
                    return True
                async with asyncio.timeout(stall_s):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
    except (Broken, TimeoutError):
        return False
