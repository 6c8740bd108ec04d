"""Pages of which one part may take long: all else is sent at once, and that part when it is made.

Nothing is asked for twice and no script is needed: the page is simply not at its end yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from gatepost.base import log
from gatepost.dashboard.render import render

PATIENCE_S = 0.1
"""For so long a page waits for its part. Most come sooner, and then the page is as any other."""
MARK = Markup("<!--late-->")
"""Where the part will be. No text from outside is this: it would be escaped."""
UNBUFFERED = {"x-accel-buffering": "no"}

_log = log.get("dashboard")


async def soon(coming: asyncio.Future[Any]) -> bool:
    """Wait a little; whether it has come. What nobody waits for any more may fail in silence."""
    coming.add_done_callback(lambda one: one.cancelled() or one.exception())
    done, _ = await asyncio.wait({coming}, timeout=PATIENCE_S)
    return bool(done)


def response(
    page: str, coming: asyncio.Future[Any], write: Callable[[], str], request_id: str
) -> Response:
    """Send a page up to its mark, then what is written of that which comes, then the rest."""
    pieces = _pieces(page, coming, write, request_id)
    return StreamingResponse(pieces, media_type="text/html", headers=UNBUFFERED)


async def _pieces(
    page: str, coming: asyncio.Future[Any], write: Callable[[], str], request_id: str
) -> AsyncIterator[str]:
    before, _, after = page.partition(MARK)
    yield before
    await asyncio.wait({coming})
    try:
        part = write()
    except Exception as fault:  # noqa: BLE001 # the page has begun, and ends in any case
        _log.exception("a late part failed", request_id=request_id, exc_info=fault)
        part = render("errors/part.html", {"request_id": request_id})
    yield part + after
