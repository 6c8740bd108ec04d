"""Which time a report is of, and how it is cut. Pure; moments are in the report's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

import msgspec

from gatepost.domains.aggregators.grains import HOURS_DAYS, QUARTERS_DAYS

BARS_MAX = 400
STACKS_MAX = 200
"""More bars than this nobody tells apart, and fewer of those that are made of several."""
PERIODS = {
    "today": "Today",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "12m": "12 months",
}
USUAL = "30d"
FIRST_YEAR = 1980
"""Before there was anything to count."""
BUCKETS = ("hour", "day", "week", "month")
LENGTHS_H = {"hour": 1, "day": 24, "week": 24 * 7, "month": 24 * 30}
QUARTERS, HOURS = timedelta(days=QUARTERS_DAYS - 1), timedelta(days=HOURS_DAYS - 1)
"""So old, quarters of an hour and hours are added up."""
FITTING_DAYS = ((2, "hour"), (100, "day"), (300, "week"))
"""Up to so many days, this bucket fits."""


class Wrong(Exception):  # noqa: N818 # the form says it of a field
    """What was typed is no time: which field, and why."""

    def __init__(self, name: str, message: str) -> None:
        """Hold both."""
        super().__init__(name, message)
        self.name = name
        self.message = message


class Span(msgspec.Struct, frozen=True):
    """From a moment to another, the last one outside."""

    since: datetime
    until: datetime

    @property
    def days(self) -> int:
        """How many days it touches, by the calendar."""
        last = self.until - timedelta(microseconds=1)
        return (last.date() - self.since.date()).days + 1

    @property
    def before(self) -> Span:
        """As many days before, to the same time of the day, as exactly as that is kept."""
        back = timedelta(days=self.days)
        return self._kept(self.since - back, self.until - back)

    @property
    def year_before(self) -> Span:
        """The same a year earlier, as exactly as that is kept."""
        return self._kept(_year_before(self.since), _year_before(self.until))

    def _kept(self, since: datetime, until: datetime) -> Span:
        return Span(_whole(since, self.until - since), _whole(until, self.until - until))


def preset(name: str, now: datetime) -> Span:
    """A time that ends now; an unknown name is the usual one."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    back: dict[str, Callable[[], datetime]] = {
        "today": lambda: midnight,
        "24h": lambda: now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23),
        "7d": lambda: midnight - timedelta(days=6),
        "90d": lambda: midnight - timedelta(days=89),
        "12m": lambda: _year_before(midnight.replace(day=1) + timedelta(days=31)).replace(day=1),
    }
    return Span(back.get(name, lambda: midnight - timedelta(days=29))(), now)


def custom(first: str, last: str, now: datetime, zone: tzinfo) -> Span:
    """Whole days from the first to the last one, both inside, not beyond now; raises Wrong."""
    end = _day("until", last) if last else now.date()
    begin = _day("from", first) if first else end - timedelta(days=29)
    if begin.year < FIRST_YEAR:
        raise Wrong("from", f"Must not be before {FIRST_YEAR}")
    if begin > end:
        raise Wrong("from", "Must not be after the last day")
    since = datetime(begin.year, begin.month, begin.day, tzinfo=zone)
    if since >= now:
        raise Wrong("from", "That is in the future")
    if end >= now.date():
        return Span(since, now)
    following = end + timedelta(days=1)
    return Span(since, datetime(following.year, following.month, following.day, tzinfo=zone))


def bucket(span: Span, wanted: str, most: int) -> str:
    """The bucket that is wanted if there are not more than `most` of it, else a longer one. Without
    a wish, one that fits.
    """
    if wanted not in BUCKETS:
        fits = (name for days, name in FITTING_DAYS if span.days <= days)
        return next(fits, "month")
    hours = (span.until - span.since) / timedelta(hours=1)
    longer = BUCKETS[BUCKETS.index(wanted) :]
    return next((one for one in longer if hours / LENGTHS_H[one] <= most), "month")


def is_day(text: str) -> bool:
    """Whether a field for a day can show this."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong(name, "Must be a day, as 2025-01-31") from None


def _whole(at: datetime, age: timedelta) -> datetime:
    """A moment, or the hour or day of UTC that it is in where no less is kept of its time."""
    if age < QUARTERS:
        return at
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return (hour if age < HOURS else hour.replace(hour=0)).astimezone(at.tzinfo)


def _year_before(at: datetime) -> datetime:
    """The same day a year earlier; for 29 February the one before."""
    leap = (at.month, at.day) == (2, 29)
    return at.replace(year=at.year - 1, day=28 if leap else at.day)
