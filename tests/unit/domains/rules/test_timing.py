"""Thresholds, changes and silence against a naive recount, whatever is cut into which pieces."""

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import chain, pairwise, takewhile

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.domains.rules import timing
from gatepost.domains.rules.model import Absence, Change, Threshold, Window
from gatepost.domains.rules.timing import Periods, Silence, Tally

MINUTE = 60_000
START = int(datetime(2026, 3, 26, tzinfo=UTC).timestamp()) * 1000
HOUR = 60 * MINUTE

gaps = st.lists(st.integers(0, 300), min_size=1, max_size=80)
cuts = st.lists(st.integers(1, 6), min_size=1, max_size=40)


def stored(state: msgspec.Struct) -> bytes:
    return msgspec.json.encode(state)


def moments(found: list[int], unit: int = 1000) -> list[int]:
    times, at = [], START
    for gap in found:
        at += gap * unit
        times.append(at)
    return times


def pieces(times: list[int], sizes: list[int]) -> list[list[int]]:
    """The same moments in pieces of these sizes, as often as they are needed."""
    found, at, number = [], 0, 0
    while at < len(times):
        size = sizes[number % len(sizes)]
        found.append(times[at : at + size])
        at, number = at + size, number + 1
    return found


@given(found=gaps, sizes=cuts, count=st.integers(1, 12), minutes=st.sampled_from([0.5, 1, 5, 9.25]))
def test_a_threshold_is_crossed_as_in_a_recount(
    found: list[int], sizes: list[int], count: int, minutes: float
) -> None:
    times, when = moments(found), Threshold(count, minutes)
    window, above, expected = round(minutes * MINUTE), False, []
    for place, at in enumerate(times):
        before = sum(at - window < one for one in times[:place])
        above = above and before >= count
        if not above and before + 1 >= count:
            above = True
            expected.append(at)
    tally, crossed = Tally(), []
    for piece in pieces(times, sizes):
        tally, more = timing.cross(when, tally, piece, piece[-1])
        tally = msgspec.json.decode(stored(tally), type=Tally)
        crossed += [one.at for one in more]
        assert [piece[one.index] for one in more] == [one.at for one in more]
    assert crossed == expected
    assert len(tally.moments) <= count


def test_a_great_threshold_is_counted_in_little_room() -> None:
    when, tally = Threshold(100_000, 60), Tally()
    crossed = []
    for number in range(110):
        times = [START + number * 1000 + place for place in range(1000)]
        tally, more = timing.cross(when, tally, times, times[-1])
        crossed += more
    assert len(crossed) == 1
    assert abs(crossed[0].at - (START + 99_999)) <= HOUR // timing.EXACT
    assert len(stored(tally)) < 50_000


def test_a_clock_that_is_set_back_crosses_no_threshold_again() -> None:
    when = Threshold(3, 10)
    tally, crossed = timing.cross(when, Tally(), [START, START + 1, START + 2], START + 2)
    assert len(crossed) == 1
    earlier = START - 24 * HOUR
    tally, crossed = timing.cross(when, tally, [earlier, earlier + MINUTE], earlier + MINUTE)
    assert not crossed
    later = earlier + 30 * MINUTE
    tally, crossed = timing.cross(when, tally, [later, later, later], later)
    assert len(crossed) == 1


def test_what_lies_ahead_has_come_now() -> None:
    ahead = [START + 5 * HOUR, START + 9 * HOUR]
    tally, crossed = timing.cross(Threshold(3, 1), Tally(), [*ahead, START], START)
    assert [one.at for one in crossed] == [START]
    assert timing.over_at(Threshold(3, 1), tally) == START + MINUTE


def differs(percent: float, minimum: int, count: int, previous: int) -> bool:
    if max(count, previous) < minimum:
        return False
    if previous == 0:
        return percent > 0 and count > 0
    rise = count / previous - 1
    return rise >= percent / 100 - 1e-12 if percent > 0 else rise <= percent / 100 + 1e-12


@given(
    found=gaps,
    sizes=cuts,
    percent=st.sampled_from([50.0, 100.0, 900.0, -25.0, -50.0, -100.0]),
    minimum=st.sampled_from([1, 4]),
    looks=st.lists(st.integers(0, 3 * 300), max_size=40),
    idle=st.integers(0, 40),
)
def test_periods_differ_as_in_a_recount(
    found: list[int],
    sizes: list[int],
    percent: float,
    minimum: int,
    looks: list[int],
    idle: int,
) -> None:
    when, length = Change(percent, 5, minimum), 5 * MINUTE
    times = moments(found)
    state = timing.begin_periods(when, START + 1)
    changes: list[timing.Changed] = []
    for number, piece in enumerate(pieces(times, sizes)):
        state, more = timing.compare(when, state, piece, piece[-1])
        changes += more
        if number < len(looks) and looks[number] % 2:
            state, more = timing.ended(when, state, piece[-1])
            changes += more
        state = msgspec.json.decode(stored(state), type=Periods)
    end = times[-1] + idle * length
    state, more = timing.ended(when, state, end)
    changes += more
    counted = Counter(at - at % length for at in times)
    first = START + length
    starts = range(first, end - end % length, length)
    expected = [
        (later + length, counted[later], counted[earlier])
        for earlier, later in pairwise(starts)
        if differs(percent, minimum, counted[later], counted[earlier])
    ]
    assert [(one.at, one.count, one.previous) for one in changes] == expected


def test_no_period_is_told_twice_when_a_clock_is_set_back() -> None:
    when, length = Change(100, 5), 5 * MINUTE
    state = timing.begin_periods(when, START - 1)
    told = []
    for _ in range(3):
        for number in range(6):
            now = START + number * length
            state, more = timing.compare(when, state, [now + 1] * (1 if number < 3 else 5), now + 1)
            told += more
            state, more = timing.ended(when, state, now + length)
            told += more
    assert [one.at for one in told] == [START + 4 * length]


def test_what_has_nothing_to_compare_is_not_looked_at() -> None:
    when = Change(50, 5)
    state = timing.begin_periods(when, START)
    assert timing.ends_at(when, state) is None
    state, _ = timing.compare(when, state, [START + HOUR], START + HOUR)
    assert timing.ends_at(when, state) == START + HOUR + 5 * MINUTE
    state, _ = timing.ended(when, state, START + 10 * HOUR)
    assert timing.ends_at(when, state) is None


WINDOWS = [
    None,
    Window(start="09:00", end="18:00", timezone="Europe/Berlin", days=("mon", "wed", "sun")),
    Window(start="22:00", end="03:30", timezone="Europe/Berlin"),
    Window(start="00:00", end="00:00", timezone="Europe/Berlin", days=("sat", "sun", "mon")),
    Window(start="00:00", end="00:00", timezone="Europe/Berlin"),
]


@cache
def open_minutes(during: Window | None) -> frozenset[int]:
    """The minutes of the walk that lie in some hours."""
    every = range(START - MINUTE, START + 40 * 24 * HOUR, MINUTE)
    if during is None:
        return frozenset(every)
    spans = takewhile(lambda one: one.start < every[-1], during.hours.ending_after(START - MINUTE))
    minutes = (range(max(one.start, every[0]), min(one.end, every[-1]), MINUTE) for one in spans)
    return frozenset(chain.from_iterable(minutes))


def silences(when: Absence, times: list[int], until: int) -> list[tuple[str, int]]:
    """What is told, found by looking at each minute. The clocks change on the fourth day."""
    hours = open_minutes(when.during)
    length, heard, told, silent = round(when.minutes), START, list[tuple[str, int]](), False
    coming = frozenset(times)
    opened: int | None = None
    for at in range(START, until + MINUTE, MINUTE):
        inside, before = at in hours, at - MINUTE in hours
        if inside and (opened is None or not before):
            opened = at
        if at in coming:
            told += [("back", at)] if silent else []
            heard, silent = at, False
        since = max(heard, opened or 0)
        if opened is not None and not silent and at - since >= length * MINUTE:
            silent = True
            told.append(("silent", at))
        if not inside:
            opened = None
    return told


@given(
    found=st.lists(st.integers(1, 1500), min_size=1, max_size=12),
    minutes=st.sampled_from([1, 30, 240, 540]),
    during=st.sampled_from(WINDOWS),
    looks=st.lists(st.booleans(), min_size=12, max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_silence_is_told_as_in_a_walk(
    found: list[int], minutes: int, during: Window | None, looks: list[bool]
) -> None:
    when, times = Absence(minutes, during), moments(found, MINUTE)
    if during is not None and minutes > during.hours.longest_minutes:
        minutes = 30
        when = Absence(minutes, during)
    state, told = Silence(START), list[tuple[str, int]]()
    for at, look in zip(times, looks, strict=False):
        if look:
            state, missed = timing.missing(when, state, at - 1)
            told += [] if missed is None else [("silent", missed.at)]
        state, missed, ended = timing.heard(when, state, at, at)
        told += [] if missed is None else [("silent", missed.at)]
        told += [("back", at)] if ended else []
        state = msgspec.json.decode(stored(state), type=Silence)
    until = times[-1] + 10 * 24 * HOUR
    _, missed = timing.missing(when, state, until)
    told += [] if missed is None else [("silent", missed.at)]
    assert told == silences(when, times, until)


def test_silence_is_not_told_twice_when_a_clock_is_set_back() -> None:
    when = Absence(30)
    state, missed = timing.missing(when, Silence(START), START + HOUR)
    assert missed is not None
    for now in (START, START + HOUR, START + 100 * HOUR):
        state, missed = timing.missing(when, timing.rewound(state, now), now)
        assert missed is None
    state, missed, ended = timing.heard(when, state, START - HOUR, START - HOUR)
    assert missed is None
    assert ended
    assert timing.silent_at(when, state) == START - HOUR + 30 * MINUTE


def test_a_mute_puts_silence_off() -> None:
    state = Silence(START)
    assert timing.silent_at(Absence(30), state, START + HOUR) == START + HOUR
    assert timing.silent_at(Absence(90), state, START + HOUR) == START + 90 * MINUTE


@pytest.mark.parametrize("minutes", [601, 10_000])
def test_silence_longer_than_its_hours_is_never_told(minutes: int) -> None:
    during = Window(start="22:00", end="08:00")
    assert timing.silent_at(Absence(minutes, during), Silence(START)) is None
