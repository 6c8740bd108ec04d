"""What a plan is: limits in rolling windows, quotas per period. Pure data."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from gatepost.limiter.contract import Window

LIMIT_TEXT = re.compile(r"^(\d{1,9})/(\d{0,7})(s|sec|m|min|h|hour|d|day)?$")
UNITS_S = {
    "": 1,
    "s": 1,
    "sec": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
}
WINDOW_S_MAX = 31 * 86400


class Meter(StrEnum):
    """What a quota can count."""

    EVENT = "event"
    COUNT = "count"
    DATA = "data"
    EMAIL = "email"
    WEBHOOK = "webhook"
    CHAT = "chat"
    PUSH = "push"


class Period(StrEnum):
    """DAY, MONTH: those of the calendar, UTC. DAYS_30: thirty days from the account's creation."""

    DAY = "day"
    MONTH = "month"
    DAYS_30 = "days30"


class Quota(msgspec.Struct, frozen=True):
    """At most `limit` units of the meters it counts, per period."""

    name: str
    limit: int
    counts: tuple[Meter, ...]
    period: Period = Period.MONTH


class Plan(msgspec.Struct, frozen=True):
    """Limits per key and per account (several windows each), and quotas of the account.

    `mail_limits` count recipients of mails that the account sends, whichever way; the last mail
    that they admit may have more of them than were left.
    """

    name: str
    title: str
    key_limits: tuple[Window, ...] = ()
    account_limits: tuple[Window, ...] = ()
    mail_limits: tuple[Window, ...] = ()
    quotas: tuple[Quota, ...] = ()


def window(limit: int, seconds: int) -> Window:
    """Make a window named after its size; raises ValueError for one out of bounds."""
    if seconds > WINDOW_S_MAX:
        message = f"a window is at most {WINDOW_S_MAX} seconds long"
        raise ValueError(message)
    return Window(name=f"{limit}-{seconds}s", limit=limit, seconds=seconds)


def parse_limits(text: str) -> tuple[Window, ...]:
    """Read `100/60s`, `2/1s,5000/1d` or `off`; raises ValueError."""
    if text.strip().lower() == "off":
        return ()
    return tuple(_parse_limit(part.strip()) for part in text.split(","))


def _parse_limit(text: str) -> Window:
    match = LIMIT_TEXT.match(text)
    if match is None:
        message = "not a limit: write REQUESTS/SECONDSs (as 100/60s) or off"
        raise ValueError(message)
    count, amount, unit = match.groups()
    return window(int(count), int(amount or 1) * UNITS_S[unit or ""])


def show_limits(windows: tuple[Window, ...]) -> str:
    """Write limits as `parse_limits` reads them."""
    return ",".join(f"{one.limit}/{one.seconds}s" for one in windows) or "off"


_MINUTE = 60

PRESETS = (
    Plan("default", "100 requests a minute per key", key_limits=(window(100, _MINUTE),)),
    Plan("unlimited", "No limits, no quotas"),
    Plan(
        "eventicat",
        "Eventicat: 1,000 a minute per account",
        account_limits=(window(1000, _MINUTE),),
    ),
    Plan(
        "notifykit-free",
        "NotifyKit Free",
        key_limits=(window(5, _MINUTE),),
        quotas=(Quota("notifications", 100, (Meter.EMAIL, Meter.WEBHOOK), Period.DAYS_30),),
    ),
    Plan(
        "notifykit-indie",
        "NotifyKit Indie",
        key_limits=(window(50, _MINUTE),),
        quotas=(Quota("webhooks", 4000, (Meter.WEBHOOK,), Period.DAYS_30),),
    ),
    Plan(
        "notifykit-startup",
        "NotifyKit Startup",
        key_limits=(window(200, _MINUTE),),
        quotas=(Quota("webhooks", 15000, (Meter.WEBHOOK,), Period.DAYS_30),),
    ),
    Plan("emmi", "EMMI: 600 a minute per account", account_limits=(window(600, _MINUTE),)),
    Plan(
        "emailit",
        "Emailit: e-mails to 2 recipients a second and 5,000 a day per account",
        mail_limits=(window(2, 1),),
        quotas=(Quota("emails", 5000, (Meter.EMAIL,), Period.DAY),),
    ),
)
