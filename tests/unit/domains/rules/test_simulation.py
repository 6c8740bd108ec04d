"""Digests, groups, quiet hours and silence over years, against naive oracles: each once."""

from bisect import bisect_right
from collections import Counter
from random import Random

import pytest

from gatepost.domains.rules.digest import ITEMS_MAX, Plan
from tests.unit.domains.rules.simulator import (
    QUARTER,
    Clock,
    Desk,
    Life,
    digests,
    life,
    silences,
)

YEARS = 2
SEEDS = range(6)


def expected_silences(one: Life, came: list[int], until: int) -> list[tuple[str, int]]:
    """What is told, found by looking at each quarter."""
    hours, coming = one.open(), frozenset(came)
    heard, opened, silent, told = one.start, None, False, list[tuple[str, int]]()
    for at in range(one.start, until + QUARTER, QUARTER):
        inside = at in hours
        if inside and opened is None:
            opened = at
        if at in coming:
            told += [("back", at)] if silent else []
            heard, silent = at, False
        since = max(heard, opened or 0)
        if opened is not None and not silent and at - since >= one.minutes * 60_000:
            silent = True
            told.append(("silent", at))
        if not inside:
            opened = None
    return told


def each_once(desk: Desk) -> None:
    """Everything that came was told, and nothing twice; of much at once only the first is named."""
    named = Counter(item for what in desk.sent for item in what.items)
    assert set(named.values()) == {1}
    assert sum(what.count for what in desk.sent) == len(desk.came)
    assert all(len(what.items) == min(what.count, ITEMS_MAX) for what in desk.sent)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_silence_is_told_once(seed: int) -> None:
    random = Random(seed)
    one = life(random, YEARS * 365)
    told, came = silences(random, one, Clock(random, one.start))
    last = max(at for _, at in told) if told else one.start
    assert told == [it for it in expected_silences(one, came, one.end) if it[1] <= last]
    assert sum(word == "silent" for word, _ in told) > 10


@pytest.mark.parametrize("seed", SEEDS)
def test_each_digest_is_sent_once(seed: int) -> None:
    random = Random(seed)
    one = life(random, YEARS * 365)
    desk = digests(random, one, Plan(daily=one.daily), Clock(random, one.start))
    slots, sent, came = one.slots(), desk.sent, desk.came
    pending: list[str] = []
    due, number, expected = 0, 0, []
    for what in sent:
        while number < len(came) and (came[number] < what.at or str(number) in what.items):
            due = due if pending else slots[bisect_right(slots, came[number])]
            pending.append(str(number))
            number += 1
        expected.append((due, pending))
        pending = []
    assert [(what.due_at, what.items) for what in sent] == expected
    assert number == len(came)
    assert len({what.due_at for what in sent}) == len(sent)
    assert all(what.at >= (what.due_at or 0) for what in sent)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_held_is_told_once_and_never_in_quiet_hours(seed: int) -> None:
    random = Random(seed)
    one = life(random, YEARS * 365)
    plan = Plan(quiet=one.hours, group_ms=random.choice([0, QUARTER, 9 * QUARTER]))
    if one.hours.always:
        pytest.fail("a seed without any hours that are not quiet: take another one")
    desk = digests(random, one, plan, Clock(random, one.start))
    each_once(desk)
    quiet = one.open()
    assert not [what.at for what in desk.sent if what.at in quiet]
    for what in desk.sent:
        first = desk.came[int(what.items[0])]
        assert what.due_at is not None or what.at == first


@pytest.mark.parametrize("seed", SEEDS)
def test_clocks_that_are_set_tell_nothing_twice(seed: int) -> None:
    random = Random(seed)
    one = life(random, YEARS * 365)
    plan = Plan(daily=one.daily)
    desk = digests(random, one, plan, Clock(random, one.start, steps=True))
    each_once(desk)
    assert max(Counter(what.due_at for what in desk.sent).values()) == 1
    told, heard = silences(random, one, Clock(random, one.start, steps=True))
    words = [word for word, _ in told]
    assert words == [("silent", "back")[number % 2] for number in range(len(words))]
    assert 10 < words.count("silent") <= len(heard) + 1
