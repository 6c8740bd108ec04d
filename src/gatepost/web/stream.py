"""Sending an event stream: heartbeats come from the source, slow readers are dropped here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gatepost.base import log
from gatepost.base.config import Settings
from gatepost.web.contract import Header
from gatepost.web.line import Channel, Line, Lines, Over, Stalled

DROPPED = (
    b'event: dropped\ndata: {"reason":"The reader was too slow; resume with Last-Event-ID"}\n\n'
)
PATIENCE = 4

_log = log.get("web")


class Streams:
    """Answers with streams, which end when the server goes down."""

    def __init__(self, lines: Lines, settings: Settings) -> None:
        """Hold what all of them share."""
        self._lines = lines
        self._stall_s = settings.stream_stall_s

    async def send(
        self, channel: Channel, headers: list[Header], stream: Callable[[Line], Awaitable[None]]
    ) -> None:
        """Send what a stream does, until it ends, the client leaves, or the server drains.

        A reader that stalls too long is dropped: nothing more is made for it, it is told so once it
        reads again, and it is cut off if it does not.
        """
        headers = [one for one in headers if one[0] != b"content-type"]
        headers += [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await channel.send({"type": "http.response.start", "status": 200, "headers": headers})
        with self._lines.opened(channel, self._stall_s) as line:
            last = await self._last(line, stream)
        if last is not None:
            await channel.send({"type": "http.response.body", "body": last})

    async def _last(self, line: Line, stream: Callable[[Line], Awaitable[None]]) -> bytes | None:
        """Let it send; returns the last words, None for who is not there to hear them."""
        try:
            await stream(line)
        except Over:
            pass
        except Stalled as behind:
            if await line.finished(behind.sending, self._stall_s * PATIENCE):
                return DROPPED
            behind.sending.cancel()
            return None
        except Exception as fault:  # noqa: BLE001 # the reply has begun; the reader may resume
            _log.error("an event stream failed", exc_info=fault)
        return b""
