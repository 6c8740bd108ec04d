"""How states and kinds are called, and how what was sent is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gatepost.dashboard.render import pretty
from gatepost.web import text

STATES = {
    "pending": ("Pending", "warn"),
    "waiting": ("Waiting", "plain"),
    "sending": ("Sending", "warn"),
    "succeeded": ("Succeeded", "good"),
    "failed": ("Failed", "bad"),
    "canceled": ("Canceled", "plain"),
}
"""Each state's word, and the tone of its badge."""
TRANSPORTS = {"webhook": "Webhook", "email": "E-mail", "chat": "Chat", "push": "Push"}
ENDED = ("failed", "canceled", "succeeded")
OPEN = ("pending", "waiting", "sending")
SHOWN_MAX = 8_000
ATTEMPTS_MAX = 12
"""How many attempts a page shows, and how many characters of what was said."""
ANSWER_MAX = 4096
EARLIER_MAX = 400
"""How many characters of an answer are kept, and shown of one that is not the last."""
NOWHERE = "\u2013"


def destination(delivery: Mapping[str, Any], endpoints: Mapping[str, Any]) -> str:
    """Where a delivery goes, for people; `endpoints` are known ones by their ids."""
    endpoint = delivery["endpointId"]
    if endpoint is not None:
        return str(endpoints[endpoint]["name"]) if endpoint in endpoints else "An endpoint"
    return str(delivery["recipient"] or delivery["destination"] or NOWHERE)


def readable(content: str) -> str:
    """Text that may be JSON, for people."""
    try:
        return pretty(msgspec.json.decode(content))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return text.shown(content)


def answer(said: str, *, whole: bool) -> str:
    """An answer for people; of one that is not the last a part."""
    return readable(said if whole else said[:EARLIER_MAX])


def answered(said: str, *, whole: bool) -> str:
    """What that is called."""
    kept = ANSWER_MAX if whole else EARLIER_MAX
    return "Answer" if len(said) < kept else "Answer, its beginning"


def cut(content: str) -> tuple[str, bool]:
    """As much as a page can hold, and whether there is more."""
    return content[:SHOWN_MAX], len(content) > SHOWN_MAX
