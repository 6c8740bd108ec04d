"""What every limiter promises, whatever keeps its windows. A new one is one more entry in RIGS.

The clocks stand still until a test turns them; a limiter on a server is given the same clock.
"""

import asyncio
import random
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatepost.base.metrics import Metrics
from gatepost.limiter import (
    CostAboveLimitError,
    Limiter,
    MemoryLimiter,
    Standing,
    Subject,
    Verdict,
    Window,
)
from gatepost.limiter.outage import Policy, SharedLimiter
from gatepost.limiter.valkey import ValkeyLimiter
from tests.valkey import Valkey

TICK = 1 / 1024  # clocks advance by multiples of it, so that a boundary is met exactly


@dataclass
class Rig:
    """A limiter together with the hand on its clock."""

    limiter: Limiter
    now: Callable[[], float]
    advance: Callable[[float], None]

    async def hit(
        self, subjects: Sequence[Subject], cost: int = 1, *, overdraw: bool = False
    ) -> Verdict:
        verdict = self.limiter.hit(subjects, cost, overdraw=overdraw)
        return verdict if isinstance(verdict, Verdict) else await verdict

    async def peek(self, subjects: Sequence[Subject]) -> Verdict:
        verdict = self.limiter.peek(subjects)
        return verdict if isinstance(verdict, Verdict) else await verdict


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with Valkey() as running:
        yield running


@pytest.fixture
async def memory() -> Rig:
    clock = Clock()
    return Rig(MemoryLimiter(clock), clock, clock.advance)


@pytest.fixture
async def valkey(server: Valkey) -> AsyncIterator[Rig]:
    server.flush()
    clock = Clock()
    limiter = ValkeyLimiter(server.url, clock)
    yield Rig(limiter, clock, clock.advance)
    await limiter.close()


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Rig]:
    """The only process left, and its Valkey is gone: a fair share that is all of the limit."""
    clock = Clock()
    nowhere = ValkeyLimiter(f"unix://{tmp_path}/nowhere.sock")
    limiter = SharedLimiter(nowhere, lambda: 1, Policy.LOCAL, Metrics(), clock)
    await limiter.start()
    assert limiter.out
    yield Rig(limiter, clock, clock.advance)
    await limiter.close()


RIGS = ("memory", "valkey", "alone")


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Rig:
    made: Rig = request.getfixturevalue(request.param)
    return made


# One limit each side of the border between the exact log and the sub-buckets.
EXACT = Window("exact", 100, 60)
BUCKETED = Window("bucketed", 1200, 60)
both_kinds = pytest.mark.parametrize("window", [EXACT, BUCKETED], ids=lambda window: window.name)


def worst(asked: Sequence[float], answered: Sequence[float], seconds: int) -> int:
    """The most admissions that surely lie in any one half-open window [t, t + seconds).

    Each was admitted between its asking and its answer, which do not matter to a limiter in memory;
    both are in order.
    """
    return max(
        (
            bisect_left(answered, start + seconds) - place
            for place, start in enumerate(asked)
            if place == 0 or asked[place - 1] < start
        ),
        default=0,
    )


class Client:
    """Hits one window and remembers when it was admitted."""

    def __init__(self, rig: Rig, window: Window) -> None:
        self.rig = rig
        self.window = window
        self.subjects = [("key", window)]
        self.asked: list[float] = []
        self.answered: list[float] = []

    @property
    def worst(self) -> int:
        return worst(sorted(self.asked), self.answered, self.window.seconds)

    async def hit(self) -> bool:
        asked = self.rig.now()
        verdict = await self.rig.hit(self.subjects)
        if verdict.admitted:
            self.asked.append(asked)
            self.answered.append(self.rig.now())
        return verdict.admitted

    async def hammer(self, seconds: float, gap: float) -> None:
        end = self.rig.now() + seconds
        while self.rig.now() < end:
            await self.hit()
            self.rig.advance(gap)


# --- attacks --------------------------------------------------------------------------------------


@both_kinds
async def test_burst_at_the_end_of_a_window_gains_nothing(rig: Rig, window: Window) -> None:
    """Doubles a fixed window, a weighted pair of windows, and GCRA."""
    client = Client(rig, window)
    rig.advance(60 - TICK - rig.now() % 60)
    for _ in range(2):
        for _ in range(window.limit + 10):
            await client.hit()
        rig.advance(TICK)
    await client.hammer(120, 32 * TICK)
    assert client.worst == window.limit


@both_kinds
@pytest.mark.parametrize("start", [0.0, 30.0], ids=["early", "mid"])
async def test_burst_followed_by_hammering_gains_nothing(
    rig: Rig, window: Window, start: float
) -> None:
    client = Client(rig, window)
    rig.advance(start - rig.now() % 60 + 60)
    for _ in range(window.limit):
        assert await client.hit()
    assert not await client.hit()
    await client.hammer(180, 32 * TICK)
    assert client.worst == window.limit
    assert len(client.answered) >= 3 * window.limit


@both_kinds
async def test_poisson_overload_is_held_and_nearly_all_of_the_limit_is_served(
    rig: Rig, window: Window
) -> None:
    chance = random.Random(20)
    client = Client(rig, window)
    arrivals = 3_000
    start = rig.now()
    for _ in range(arrivals):
        gap = chance.expovariate(1.5 * window.limit / 60)
        rig.advance(round(gap / TICK) * TICK)
        await client.hit()
    assert client.worst == window.limit
    # The price of sub-buckets is up to a sixtieth of the window; Poisson gaps cost a little too.
    assert len(client.answered) >= 0.95 * window.limit * (rig.now() - start) / 60


@both_kinds
async def test_concurrent_clients_share_one_limit(rig: Rig, window: Window) -> None:
    client = Client(rig, window)

    async def one_of_many(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(100):
            await client.hit()
            await asyncio.sleep(0)
            if chance.random() < 0.25:
                rig.advance(chance.randrange(400) * TICK)

    await asyncio.gather(*(one_of_many(seed) for seed in range(64)))
    assert client.worst == window.limit


async def test_concurrent_clients_at_one_instant_get_exactly_the_limit(rig: Rig) -> None:
    verdicts = await asyncio.gather(*(rig.hit([("key", Window("w", 40, 60))]) for _ in range(64)))
    assert sum(verdict.admitted for verdict in verdicts) == 40


# --- boundaries -----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 1000, 1001])
async def test_a_hit_leaves_at_exactly_the_length_of_the_window(rig: Rig, limit: int) -> None:
    subjects = [("key", Window("w", limit, 60))]
    assert (await rig.hit(subjects, limit)).admitted
    rig.advance(60 - TICK)
    refused = await rig.hit(subjects)
    assert not refused.admitted
    assert refused.retry_after_s == pytest.approx(TICK)
    rig.advance(TICK)
    assert (await rig.hit(subjects, limit)).admitted


async def test_limit_one_admits_once_per_window_for_ever(rig: Rig) -> None:
    subjects = [("key", Window("w", 1, 1))]
    for _ in range(5):
        assert (await rig.hit(subjects)).admitted
        assert not (await rig.hit(subjects)).admitted
        rig.advance(1)


# --- standings ------------------------------------------------------------------------------------


@both_kinds
async def test_remaining_is_exactly_what_is_admitted_now(rig: Rig, window: Window) -> None:
    chance = random.Random(7)
    for number in range(30):
        subjects = [(f"key:{number}", window)]
        for _ in range(chance.randrange(1, 20)):
            await rig.hit(subjects, chance.randrange(1, window.limit // 8))
            rig.advance(chance.randrange(10 * 1024) * TICK)
        remaining = (await rig.peek(subjects)).standings[0].remaining
        assert 0 <= remaining <= window.limit
        if remaining:
            assert (await rig.hit(subjects, remaining)).standings[0].remaining == 0
        assert not (await rig.hit(subjects)).admitted


async def test_reset_is_when_the_oldest_unit_leaves(rig: Rig) -> None:
    window = Window("w", 2, 60)
    subjects = [("key", window)]
    assert (await rig.peek(subjects)).standings == (Standing(window, 2, 0.0),)
    assert (await rig.hit(subjects)).standings == (Standing(window, 1, 60.0),)
    rig.advance(10)
    assert (await rig.hit(subjects)).standings == (Standing(window, 0, 50.0),)
    rig.advance(5)
    refused = await rig.hit(subjects)
    assert refused == Verdict(
        admitted=False, standings=(Standing(window, 0, 45.0),), retry_after_s=45.0
    )
    rig.advance(45)
    assert (await rig.peek(subjects)).standings == (Standing(window, 1, 10.0),)


async def test_peek_charges_nothing(rig: Rig) -> None:
    subjects = [("key", Window("w", 1, 60))]
    for _ in range(5):
        assert (await rig.peek(subjects)).admitted
    assert (await rig.hit(subjects)).admitted
    peeked = await rig.peek(subjects)
    assert not peeked.admitted
    assert peeked.retry_after_s == 60


# --- several windows, costs -----------------------------------------------------------------------


@pytest.mark.parametrize("tight_first", [True, False])
async def test_refused_hits_are_charged_nowhere(rig: Rig, *, tight_first: bool) -> None:
    wide, tight = ("account", Window("wide", 5000, 60)), ("key", Window("tight", 3, 60))
    subjects = [tight, wide] if tight_first else [wide, tight]
    for _ in range(3):
        assert (await rig.hit(subjects)).admitted
    for _ in range(10):
        refused = await rig.hit(subjects)
        assert not refused.admitted
        by_name = {standing.window.name: standing.remaining for standing in refused.standings}
        assert by_name == {"tight": 0, "wide": 4997}
    rig.advance(60)
    assert (await rig.hit(subjects)).admitted


async def test_retry_after_waits_for_the_last_window(rig: Rig) -> None:
    second, hour = ("a", Window("second", 1, 1)), ("b", Window("hour", 1, 3600))
    await rig.hit([second, hour])
    assert (await rig.hit([second])).retry_after_s == 1
    assert (await rig.hit([second, hour])).retry_after_s == 3600


async def test_a_cost_waits_until_all_of_it_fits(rig: Rig) -> None:
    subjects = [("key", Window("w", 10, 60))]
    for _ in range(10):
        assert (await rig.hit(subjects)).admitted
        rig.advance(1)
    refused = await rig.hit(subjects, 4)
    assert refused.retry_after_s == 53  # the fourth unit was charged at 3 s and it is 10 s now
    rig.advance(53)
    assert (await rig.hit(subjects, 4)).admitted


@pytest.mark.parametrize("limit", [1, 1000, 1001])
async def test_a_cost_that_can_never_pass_is_an_error_and_charges_nothing(
    rig: Rig, limit: int
) -> None:
    subjects = [("account", Window("wide", 9999, 60)), ("key", Window("tight", limit, 60))]
    with pytest.raises(CostAboveLimitError) as caught:
        await rig.hit(subjects, limit + 1)
    assert caught.value.window.name == "tight"
    assert (await rig.peek(subjects)).standings[0].remaining == 9999


async def test_a_cost_that_can_never_pass_is_an_error_even_when_another_window_is_full(
    rig: Rig,
) -> None:
    full, tight = ("account", Window("full", 5, 60)), ("key", Window("tight", 2, 60))
    await rig.hit([full], 5)
    with pytest.raises(CostAboveLimitError):
        await rig.hit([full, tight], 3)


@pytest.mark.parametrize("cost", [0, -1])
async def test_a_cost_below_one_is_an_error(rig: Rig, cost: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await rig.hit([("key", EXACT)], cost)


async def test_a_key_given_twice_is_an_error(rig: Rig) -> None:
    with pytest.raises(ValueError, match="only once"):
        await rig.hit([("key", EXACT), ("key", EXACT)])
    with pytest.raises(ValueError, match="only once"):
        await rig.peek([("key", EXACT), ("key", EXACT)])


@pytest.mark.parametrize(("limit", "seconds"), [(0, 60), (-1, 60), (1, 0), (1, -60)])
def test_a_window_that_makes_no_sense_cannot_be_made(limit: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Window("w", limit, seconds)


async def test_no_subject_means_no_limit(rig: Rig) -> None:
    assert await rig.hit([]) == Verdict(admitted=True, standings=(), retry_after_s=0.0)
    assert await rig.peek([]) == Verdict(admitted=True, standings=(), retry_after_s=0.0)


@pytest.mark.parametrize("rig", ["memory", "valkey"], indirect=True)
async def test_leniency_changes_nothing_while_the_windows_are_known(rig: Rig) -> None:
    subjects = [("key", Window("w", 1, 60))]
    for admitted in (True, False):
        verdict = rig.limiter.hit(subjects, lenient=True)
        verdict = verdict if isinstance(verdict, Verdict) else await verdict
        assert verdict.admitted is admitted
        assert verdict.standings[0].remaining == 0


async def test_subjects_do_not_share_units(rig: Rig) -> None:
    window = Window("w", 1, 60)
    assert (await rig.hit([("one", window)])).admitted
    assert (await rig.hit([("other", window)])).admitted


# --- overdrafts -----------------------------------------------------------------------------------


@both_kinds
async def test_the_last_hit_may_overdraw_and_is_charged_in_full(rig: Rig, window: Window) -> None:
    subjects, limit = [("key", window)], window.limit
    first = await rig.hit(subjects, limit - 1, overdraw=True)
    assert first.standings == (Standing(window, 1, 60.0),)
    rig.advance(30)
    last = await rig.hit(subjects, 2 * limit, overdraw=True)
    # What is over leaves with the last hit: what leaves with the first is not enough.
    assert last == Verdict(True, (Standing(window, 0, 60.0),), 0.0)
    for overdraw in (True, False):
        refused = await rig.hit(subjects, overdraw=overdraw)
        assert refused == Verdict(False, (Standing(window, 0, 60.0),), 60.0)
    rig.advance(60 - TICK)
    assert (await rig.hit(subjects, limit, overdraw=True)).retry_after_s == pytest.approx(TICK)
    rig.advance(TICK)
    assert (await rig.peek(subjects)).standings == (Standing(window, limit, 0.0),)
    assert (await rig.hit(subjects, limit)).admitted


async def test_an_overdraft_lasts_until_enough_has_left(rig: Rig) -> None:
    window = Window("w", 3, 60)
    subjects = [("key", window)]
    for cost in (1, 1, 4):
        assert (await rig.hit(subjects, cost, overdraw=True)).admitted
        rig.advance(10)
    # Six of three: two leave at 60 and 70, which is not enough; the four at 80.
    assert await rig.peek(subjects) == Verdict(False, (Standing(window, 0, 50.0),), 50.0)
    rig.advance(49)
    assert not (await rig.hit(subjects, overdraw=True)).admitted
    rig.advance(1)
    assert (await rig.hit(subjects, overdraw=True)).standings == (Standing(window, 2, 60.0),)


async def test_one_that_overdraws_needs_room_in_every_window(rig: Rig) -> None:
    full, wide = ("a", Window("full", 2, 60)), ("b", Window("wide", 100, 60))
    assert (await rig.hit([full], 5, overdraw=True)).admitted
    assert not (await rig.hit([wide, full], 5, overdraw=True)).admitted
    assert (await rig.peek([wide])).standings[0].remaining == 100
    assert (await rig.hit([wide], 500, overdraw=True)).standings[0].remaining == 0


async def test_one_that_overdraws_is_refused_no_cost(rig: Rig) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await rig.hit([("key", EXACT)], 0, overdraw=True)


async def test_of_many_at_once_one_overdraws(rig: Rig) -> None:
    subjects = [("key", Window("w", 10, 60))]
    verdicts = await asyncio.gather(*(rig.hit(subjects, 4, overdraw=True) for _ in range(32)))
    assert sum(verdict.admitted for verdict in verdicts) == 3
    assert {one.retry_after_s for one in verdicts if not one.admitted} == {60.0}


# --- changed windows ------------------------------------------------------------------------------


async def test_units_recorded_count_against_a_changed_limit(rig: Rig) -> None:
    def standing(limit: int, seconds: int = 60) -> list[Subject]:
        return [("key", Window("w", limit, seconds))]

    assert (await rig.hit(standing(1500), 800)).admitted
    rig.advance(30)
    assert (await rig.peek(standing(1000))).standings[0].remaining == 200
    assert (await rig.hit(standing(100))).retry_after_s == 30
    assert (await rig.hit(standing(2000), 1200)).standings[0].remaining == 0
    rig.advance(30)
    assert (await rig.peek(standing(2000))).standings[0].remaining == 800
    assert (await rig.peek(standing(1200, 3600))).standings[0].remaining == 0
    rig.advance(30)
    assert (await rig.peek(standing(1200, 61))).standings[0].remaining == 0
    rig.advance(31)
    assert (await rig.hit(standing(1200, 61), 1200)).admitted
