"""One event, and what became of it."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.desk import at
from gatepost.dashboard.visit import Visit

FATES = {
    "told": ("Told", "good"),
    "met": ("Met, no message of its own", "plain"),
    "unmet": ("Not met", "plain"),
    "muted": ("Muted", "warn"),
    "off": ("Off", "plain"),
    "silent": ("Event is silent", "plain"),
}
"""What a rule made of the event: words, and the tone of their badge."""
STATES = {
    "pending": "warn",
    "waiting": "plain",
    "sending": "warn",
    "succeeded": "good",
    "failed": "bad",
    "canceled": "plain",
}
"""The tone of a delivery's state."""


async def show(visit: Visit) -> Response:
    """Show an event with its trace."""
    trace = await visit.api.get(at("/v1/events", visit.path["event"], "trace"))
    return visit.page(
        "feed/event.html", event=trace["event"], trace=trace, fates=FATES, states=STATES
    )
