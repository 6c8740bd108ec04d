"""How an endpoint stands, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Standing(NamedTuple):
    """A word with its tone, and a sentence; `rate` is the share of late that succeeded, in per
    cent, None where nothing has ended.
    """

    word: str
    tone: str
    text: str
    rate: int | None


KEPT = "What it misses is kept for two weeks:"
FAILED = (
    f"It was disabled after five days without a single success. {KEPT} mend it, replay one "
    "delivery to try it, enable it, then recover."
)
GONE = (
    f"It was disabled as it answered 410, or asked for that. {KEPT} enable it if that was a "
    "mistake, then recover."
)
OFF = "Somebody has disabled it. What happens meanwhile is not kept for it."
DISABLED = {
    "disabled": ("Disabled", "plain", OFF),
    "failed": ("Disabled, as it failed", "bad", FAILED),
    "gone": ("Disabled, as it is gone", "bad", GONE),
}


def standing(endpoint: Mapping[str, Any]) -> Standing:
    """Say how one stands that was read from the API."""
    health = endpoint["health"]
    ended = health["succeeded"] + health["failed"]
    rate = health["succeeded"] * 100 // ended if ended else None
    return Standing(*_words(endpoint, health), rate)


def _words(endpoint: Mapping[str, Any], health: Mapping[str, Any]) -> tuple[str, str, str]:
    if endpoint["status"] in DISABLED:
        return DISABLED[endpoint["status"]]
    if endpoint["warnedAt"]:
        text = "It has failed for two days without a single success, and is disabled after five."
        return "Failing for days", "bad", text
    if health["openUntil"]:
        text = (
            f"{health['failuresInRow']} attempts in a row have not reached it, so it is left alone "
            "for a while; then one finds out whether it is back. Nothing is lost meanwhile."
        )
        return "Left alone for a while", "bad", text
    if endpoint["failingSince"]:
        text = "Its last attempts have failed. They are tried again as its schedule says."
        return "Failing", "warn", text
    return "Enabled", "good", ""
