"""What is held back, and when it is told: each thing once, in one piece."""

from datetime import UTC, datetime

import pytest

from gatepost.domains.rules import digest
from gatepost.domains.rules.alerts_words import Item, Kind, Words
from gatepost.domains.rules.calendar import Daily, Hours
from gatepost.domains.rules.digest import ITEMS_MAX, Fate, Kept, Plan

SECOND = 1000
HOUR = 3_600_000
NIGHT = Hours(22 * 60, 7 * 60, "Europe/Berlin")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def item(name: str) -> Item:
    return Item(Words(Kind.EVENT, 0, name))


def hold(plan: Plan, kept: Kept, now: int, *names: str) -> Kept:
    for name in names:
        fate, kept = digest.arrive(plan, kept, item(name), now)
        assert fate is Fate.HOLD
    return kept


def named(kept: Kept) -> list[str]:
    return [one.words.title for one in kept.items]


def test_the_first_of_a_group_is_told_at_once_and_the_others_joined() -> None:
    plan = Plan(group_ms=60 * SECOND)
    fate, kept = digest.arrive(plan, Kept(), item("first"), 0)
    assert fate is Fate.TELL
    kept = hold(plan, kept, 10 * SECOND, "second", "third")
    assert kept.due_at == 60 * SECOND
    fate, left = digest.release(plan, kept, 60 * SECOND)
    assert (fate, named(kept)) == (Fate.TELL, ["second", "third"])
    assert hold(plan, left, 70 * SECOND, "fourth").due_at == 120 * SECOND


def test_a_group_that_has_ended_begins_anew() -> None:
    plan = Plan(group_ms=60 * SECOND)
    _, kept = digest.arrive(plan, Kept(), item("first"), 0)
    fate, kept = digest.release(plan, kept, 60 * SECOND)
    assert (fate, kept.idle, kept.due_at) == (Fate.DROP, True, None)
    fate, _ = digest.arrive(plan, kept, item("second"), 61 * SECOND)
    assert fate is Fate.TELL


def test_a_clock_that_is_set_back_holds_a_group_no_longer_than_its_time() -> None:
    plan = Plan(group_ms=60 * SECOND)
    _, kept = digest.arrive(plan, Kept(), item("first"), 100 * HOUR)
    kept = hold(plan, digest.rewound(plan, kept, HOUR), HOUR, "second")
    assert kept.due_at == HOUR + 60 * SECOND


def test_quiet_hours_hold_until_they_end() -> None:
    plan = Plan(quiet=NIGHT)
    evening, morning = utc("2026-11-20T22:30"), utc("2026-11-21T06:00")
    kept = hold(plan, Kept(), evening, "one", "two")
    assert kept.due_at == morning
    assert digest.release(plan, kept, morning) == (Fate.TELL, Kept())
    fate, _ = digest.arrive(plan, Kept(), item("three"), morning)
    assert fate is Fate.TELL


def test_quiet_hours_drop_if_they_are_to() -> None:
    plan = Plan(quiet=NIGHT, drop=True)
    fate, kept = digest.arrive(plan, Kept(), item("one"), utc("2026-11-20T22:30"))
    assert (fate, kept) == (Fate.DROP, Kept())
    grouped = Plan(quiet=NIGHT, drop=True, group_ms=HOUR)
    _, kept = digest.arrive(grouped, Kept(), item("one"), utc("2026-11-20T20:30"))
    kept = hold(grouped, kept, utc("2026-11-20T20:45"), "two")
    assert digest.release(grouped, kept, utc("2026-11-20T21:30")) == (Fate.DROP, Kept())


def test_what_is_urgent_passes_quiet_hours() -> None:
    plan = Plan(quiet=NIGHT, urgent=True)
    fate, _ = digest.arrive(plan, Kept(), item("one"), utc("2026-11-20T22:30"))
    assert fate is Fate.TELL
    assert plan.at_once


def test_a_group_that_ends_in_quiet_hours_is_told_after_them() -> None:
    plan = Plan(quiet=NIGHT, group_ms=HOUR)
    _, kept = digest.arrive(plan, Kept(), item("one"), utc("2026-11-20T20:30"))
    kept = hold(plan, kept, utc("2026-11-20T20:45"), "two")
    fate, kept = digest.release(plan, kept, utc("2026-11-20T21:30"))
    assert (fate, kept.due_at) == (Fate.HOLD, utc("2026-11-21T06:00"))
    kept = hold(plan, kept, utc("2026-11-21T03:00"), "three")
    fate, _ = digest.release(plan, kept, utc("2026-11-21T06:00"))
    assert (fate, named(kept)) == (Fate.TELL, ["two", "three"])


@pytest.mark.parametrize(
    ("came", "due"),
    [
        ("2026-03-28T12:00", "2026-03-29T01:00"),  # 02:30 is skipped
        ("2026-10-24T12:00", "2026-10-25T00:30"),  # 02:30 comes twice
        ("2026-10-25T00:45", "2026-10-26T01:30"),  # between the two
        ("2026-12-31T12:00", "2027-01-01T01:30"),
    ],
)
def test_a_digest_goes_at_its_time_of_the_day(came: str, due: str) -> None:
    plan = Plan(daily=Daily(150, "Europe/Berlin"))
    kept = hold(plan, Kept(), utc(came), "one")
    assert kept.due_at == utc(due)
    fate, left = digest.release(plan, kept, utc(due))
    assert (fate, left) == (Fate.TELL, Kept(slots=(utc(due),)))


def test_a_digest_is_sent_once_though_the_clock_is_set_back() -> None:
    plan = Plan(daily=Daily(9 * 60, "UTC"))
    kept = hold(plan, Kept(), utc("2026-11-20T12:00"), "one")
    _, kept = digest.release(plan, kept, utc("2026-11-21T09:00"))
    kept = hold(plan, kept, utc("2026-11-21T08:00"), "two")
    assert kept.due_at == utc("2026-11-22T09:00")


def test_a_clock_that_was_far_ahead_delays_no_digest_for_long() -> None:
    plan = Plan(daily=Daily(9 * 60, "UTC"))
    kept = hold(plan, Kept(), utc("2030-01-01T12:00"), "one")
    kept = digest.rewound(plan, kept, utc("2026-11-20T12:00"))
    assert kept.due_at == utc("2026-11-21T09:00")


def test_a_digest_waits_for_quiet_hours_and_its_time_is_over() -> None:
    plan = Plan(daily=Daily(5 * 60, "UTC"), quiet=NIGHT)
    kept = hold(plan, Kept(), utc("2026-11-20T12:00"), "one")
    fate, kept = digest.release(plan, kept, utc("2026-11-21T05:00"))
    assert (fate, kept.due_at) == (Fate.HOLD, utc("2026-11-21T06:00"))
    fate, kept = digest.release(plan, kept, utc("2026-11-21T06:00"))
    assert fate is Fate.TELL
    assert hold(plan, kept, utc("2026-11-21T04:00"), "two").due_at == utc("2026-11-22T05:00")


def test_what_is_held_beyond_some_is_only_counted() -> None:
    plan = Plan(daily=Daily(0, "UTC"))
    kept = hold(plan, Kept(), 0, *(f"{number}" for number in range(ITEMS_MAX + 7)))
    assert (kept.count, len(kept.items)) == (ITEMS_MAX + 7, ITEMS_MAX)
