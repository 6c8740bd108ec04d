"""Flags whose text has a shape of its own; most raise ValueError with the right form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from gatepost.base import clock
from gatepost.cli.common import USAGE, Failure
from gatepost.domains.plans.model import UNITS_S, Meter, Period, Quota
from gatepost.domains.plans.model import parse_limits as limits

__all__ = ["choice", "end", "given", "limits", "pairs", "past", "quotas", "usage"]

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

DURATION = re.compile(r"(\d{1,6})([smhd])")
QUOTA = re.compile(r"(?P<name>[^=:]+)=(?P<limit>\d{1,15}):(?P<counts>[^:]+)(?::(?P<period>.+))?")


def usage(read: Callable[..., T], *args: Any) -> T:
    """Call `read`; its ValueError is an error of usage."""
    try:
        return read(*args)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None


def given(read: Callable[..., T], text: str | None, *args: Any) -> T | None:
    """Read a flag as `usage` does, None when it was left out."""
    return None if text is None else usage(read, text, *args)


def choice(among: Iterable[E], text: str, name: str) -> E:
    """Read the flag `name`, which is one word out of several; raises Failure."""
    words = {str(one): one for one in among}
    if text not in words:
        raise Failure(f"{name}: Must be one of {', '.join(words)}", USAGE)
    return words[text]


def end(text: str, now: int) -> int:
    """Read `30d`, `12h`, a date or a time as a moment in ms."""
    duration = DURATION.fullmatch(text)
    if duration:
        amount, unit = duration.groups()
        return now + int(amount) * UNITS_S[unit] * clock.SECOND_MS
    try:
        return clock.from_datetime(datetime.fromisoformat(text))
    except ValueError:
        message = f"{text!r} is not a time: write 2031-12-31, 2031-12-31T18:00:00+01:00 or 30d"
        raise ValueError(message) from None


def past(text: str, now: int) -> int:
    """Read `30d` or `12h` as so long ago, a date or a time as itself: a moment in ms."""
    at = end(text, now)
    return 2 * now - at if DURATION.fullmatch(text) else at


def pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """Read `name=value` texts."""
    found = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark or not name:
            message = f"{text!r} is not a pair: write name=value"
            raise ValueError(message)
        found[name] = value
    return found


def quotas(texts: tuple[str, ...]) -> tuple[Quota, ...]:
    """Read `emails=1000:email,webhook:month` texts, or `off` alone for none."""
    return () if texts == ("off",) else tuple(_quota(text) for text in texts)


def _quota(text: str) -> Quota:
    match = QUOTA.fullmatch(text)
    try:
        if match is None:
            raise ValueError(text)  # noqa: TRY301 # every way to be wrong gets the same advice
        counts = tuple(Meter(name) for name in match["counts"].split(","))
        period = Period(match["period"] or Period.MONTH)
    except ValueError:
        message = (
            f"{text!r} is not a quota: write NAME=LIMIT:METERS:PERIOD, "
            f"meters of {', '.join(Meter)}, period one of {', '.join(Period)}"
        )
        raise ValueError(message) from None
    return Quota(match["name"], int(match["limit"]), counts, period)
