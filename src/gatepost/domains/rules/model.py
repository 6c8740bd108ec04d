"""What a rule is. Pure.

What it asks of an event (`match`) is JSON of a condition, as endpoints have one: events know what
it means. Where it leads is sealed: it may be all that is needed to write into somebody's chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from gatepost.base.clock import MINUTE_MS
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId, ProjectId, RuleId
from gatepost.base.periods import check_zone
from gatepost.domains.rules.calendar import EVERY_DAY, Daily, Hours

NAME_MAX = 100
COUNT_MAX = 1_000_000
MINUTES_MIN = 0.01
MINUTES_MAX = 7 * 24 * 60
PERCENT_MAX = 1_000_000.0
SECONDS_MAX = 24 * 3600
BY_MAX = 200
DESTINATIONS_MAX = 20
STEPS_MAX = 5
TITLE_MAX = 500
BODY_MAX = 5000
ERROR_MAX = 300
MUTE_MINUTES_MAX = 366 * 24 * 60

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")

Problem = tuple[Sequence[str | int], str]


class Urgency(StrEnum):
    """Which of its messages go first to one destination."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Then(StrEnum):
    """What becomes of an alert in quiet hours."""

    HOLD = "hold"
    DROP = "drop"


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Hours of some days in a zone: from `start` up to `end`, as `09:00`. One that does not end
    later than it starts ends on the day after. No `days` means all of them.
    """

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    timezone: str = "UTC"
    days: tuple[str, ...] = ()

    @property
    def hours(self) -> Hours:
        """The same as the calendar reckons with them."""
        start, end = minute_of(self.start), minute_of(self.end)
        return Hours(start, end, self.timezone, days_of(self.days))


class OnEvent(msgspec.Struct, frozen=True, tag_field="type", tag="event"):
    """At each event that meets the condition."""


class Threshold(msgspec.Struct, frozen=True, tag_field="type", tag="threshold", omit_defaults=True):
    """As soon as there were so many within some minutes: of all together, or of each value of
    `by` (see `check_by`).
    """

    count: int
    minutes: float
    by: str = ""


class Change(msgspec.Struct, frozen=True, tag_field="type", tag="change", omit_defaults=True):
    """When a period has so many percent more than the one before, or (below 0) less, and one of
    the two at least a `minimum`.
    """

    percent: float
    minutes: float
    minimum: int = 1


class Absence(msgspec.Struct, frozen=True, tag_field="type", tag="absence", omit_defaults=True):
    """When there was none for some minutes, counted only `during` some hours."""

    minutes: float
    during: Window | None = None


When = OnEvent | Threshold | Change | Absence


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """Templates of what is told; empty means: as the event says it."""

    title: str = ""
    body: str = ""


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message for all that comes within some seconds of the first, of each value of `by`."""

    seconds: int
    by: str = ""


class Digest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message a day for all that came, at a time of some days in a zone."""

    at: str
    timezone: str = "UTC"
    days: tuple[str, ...] = ()

    @property
    def daily(self) -> Daily:
        """The same as the calendar reckons with it."""
        return Daily(minute_of(self.at), self.timezone, days_of(self.days))


class Quiet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When nothing is told, and what becomes of what would be."""

    window: Window
    then: Then = Then.HOLD


class Spec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a rule works: all that is neither secret nor looked for in the database."""

    when: When = OnEvent()
    text: Text = Text()
    priority: Urgency = Urgency.NORMAL
    group: Group | None = None
    digest: Digest | None = None
    quiet: Quiet | None = None


class ToWebhook(msgspec.Struct, frozen=True, omit_defaults=True):
    """A URL, and headers of requests to it."""

    url: str
    headers: dict[str, str] = {}


class ToEmail(msgspec.Struct, frozen=True, omit_defaults=True):
    """Addresses, and the template of a mail if it is not the plain text."""

    to: tuple[str, ...]
    template: str = ""


class ToChat(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chat, named by its URL: whoever knows it can write there."""

    url: str


class Destination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an alert goes: exactly one is set. `endpoint` is an outside id; `push` are the
    members that a push message takes.
    """

    endpoint: str | None = None
    webhook: ToWebhook | None = None
    email: ToEmail | None = None
    chat: ToChat | None = None
    push: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        """The name of the member that is set."""
        return next(name for name in self.__struct_fields__ if getattr(self, name) is not None)


class Step(msgspec.Struct, frozen=True):
    """Who else is told if nobody has taken notice after some minutes."""

    after_minutes: float
    to: tuple[Destination, ...]


class Way(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a rule leads, and then further. It is sealed wherever it is kept."""

    to: tuple[Destination, ...] = ()
    escalate: tuple[Step, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """When events of a project become messages. Times in ms.

    `match` is JSON of a condition on events, empty for all of them; `way` is sealed for the
    rule's id. `error` says what went wrong last, at `failed_at`.
    """

    account_id: AccountId
    id: RuleId
    project_id: ProjectId
    name: str
    enabled: bool
    match: str
    spec: Spec
    way: bytes
    muted_until: int | None = None
    error: str | None = None
    failed_at: int | None = None
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    def is_muted(self, now: int) -> bool:
        """Whether it tells nothing at a moment."""
        return self.muted_until is not None and now < self.muted_until


def kind_of(when: When) -> str:
    """The word that a rule's `when` begins with."""
    return str(when.__struct_config__.tag)


def minute_of(time: str) -> int:
    """The minute of the day of a time such as `09:00`."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def days_of(names: Sequence[str]) -> tuple[int, ...]:
    """Days by their numbers; none named means all."""
    return tuple(sorted(DAYS.index(name) for name in names)) or EVERY_DAY


def muted_by(minutes: float, now: int) -> int:
    """When a mute of so many minutes ends (ms)."""
    return now + round(minutes * MINUTE_MS)


def check(spec: Spec) -> list[Problem]:
    """What is wrong with how a rule is to work; paths lead from its root."""
    found = [*_of_when(spec.when)]
    if spec.group is not None:
        found += check_by(spec.group.by, ["group", "by"])
    if spec.digest is not None:
        found += _of_digest(spec.digest)
    if spec.group is not None and spec.digest is not None:
        found.append((["digest"], "Either group or digest, not both"))
    if spec.quiet is not None:
        found += check_window(spec.quiet.window, ["quiet"])
    if kind_of(spec.when) != "event":
        held = ("group", "digest")
        found += [([n], "Only with when.type event") for n in held if getattr(spec, n) is not None]
    return found


def check_way(way: Way) -> list[Problem]:
    """What is wrong with where a rule leads, as far as that can be seen without looking."""
    found: list[Problem] = []
    if not way.to:
        found.append((["to"], "At least one destination is required"))
    for index, step in enumerate(way.escalate):
        if not step.to:
            found.append((["escalate", index, "to"], "At least one destination is required"))
    minutes = [step.after_minutes for step in way.escalate]
    if minutes != sorted(set(minutes)):
        found.append((["escalate"], "Each step must come after the one before"))
    return found


def check_by(by: str, path: list[str | int]) -> list[Problem]:
    """What is wrong with the name of a value that events are told apart by: `userId`,
    `channelName`, `title` or `metadata.<path>`; empty for none.
    """
    known = by in {"", "userId", "channelName", "title"}
    if known or (by.startswith("metadata.") and by != "metadata."):
        return []
    return [(path, "Must be userId, channelName, title or metadata.<path>")]


def check_window(window: Window, path: list[str | int]) -> list[Problem]:
    """What is wrong with some hours."""
    found: list[Problem] = []
    for name, time in (("from", window.start), ("to", window.end)):
        if not _TIME.fullmatch(time):
            found.append(([*path, name], "Must be a time of the day, as 09:00"))
    return [*found, *_of_days(window.days, path), *_of_zone(window.timezone, path)]


def _of_when(when: When) -> Iterator[Problem]:
    if isinstance(when, Threshold):
        yield from check_by(when.by, ["when", "by"])
    if isinstance(when, Change) and not when.percent:
        yield ["when", "percent"], "Must not be 0"
    if isinstance(when, Change) and when.percent <= -100 - 1e-9:
        yield ["when", "percent"], "Nothing falls by more than 100 percent"
    if isinstance(when, Absence) and when.during is not None:
        yield from _of_during(when.minutes, when.during)


def _of_during(minutes: float, during: Window) -> Iterator[Problem]:
    found = check_window(during, ["when", "during"])
    yield from found
    if not found and minutes > during.hours.longest_minutes:
        yield ["when", "minutes"], "Longer than these hours last"


def _of_digest(digest: Digest) -> Iterator[Problem]:
    if not _TIME.fullmatch(digest.at):
        yield ["digest", "at"], "Must be a time of the day, as 09:00"
    yield from _of_days(digest.days, ["digest"])
    yield from _of_zone(digest.timezone, ["digest"])


def _of_days(days: Sequence[str], path: list[str | int]) -> Iterator[Problem]:
    for index, day in enumerate(days):
        if day not in DAYS:
            yield [*path, "days", index], f"Must be one of {', '.join(DAYS)}"
        elif day in days[:index]:
            yield [*path, "days", index], "Named twice"


def _of_zone(name: str, path: list[str | int]) -> Iterator[Problem]:
    try:
        check_zone(name)
    except AppError as refusal:
        yield [*path, "timezone"], refusal.detail


def describe(rule: Rule) -> dict[str, Any]:
    """What the audit log says of it: not where it leads."""
    described: dict[str, Any] = {
        "name": rule.name,
        "enabled": rule.enabled,
        "match": msgspec.json.decode(rule.match or "{}"),
        "mutedUntil": rule.muted_until,
        **msgspec.to_builtins(rule.spec),
    }
    return described
