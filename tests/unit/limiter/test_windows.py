"""The rolling log against a brute-force account of every unit ever admitted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.limiter.contract import CostAboveLimitError, Standing, Window
from gatepost.limiter.windows import EXACT_LIMIT_MAX, SUB_BUCKETS, RollingLog

# Times are multiples of 1/64 s, so that sums are exact and a boundary is a boundary.
TICK = 1 / 64
SECONDS = 60
WIDTH = SECONDS / SUB_BUCKETS


class Oracle:
    """Every admitted unit, counted anew each time."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.admitted: list[tuple[float, int]] = []

    def used(self, now: float) -> int:
        return sum(units for at, units in self.admitted if at + self.window.seconds > now)

    def wait_s(self, now: float, cost: int) -> float:
        instants = [now] + [at + self.window.seconds for at, _ in self.admitted]
        fitting = [at for at in instants if at >= now and self.used(at) + cost <= self.window.limit]
        return min(fitting) - now

    def standing(self, now: float) -> Standing:
        used, limit = self.used(now), self.window.limit
        if used >= limit:
            return Standing(self.window, 0, self.wait_s(now, 1))
        leaving = [at + self.window.seconds - now for at, _ in self.admitted]
        reset_s = min((left for left in leaving if left > 0), default=0.0)
        return Standing(self.window, limit - used, reset_s)

    def worst(self) -> int:
        """The most units in any half-open [t, t + seconds); it may as well start at a hit."""
        return max(
            (
                sum(units for at, units in self.admitted if start <= at < start + SECONDS)
                for start, _ in self.admitted
            ),
            default=0,
        )


# Steps in ticks: bursts at one instant, small gaps, exactly one window, one bucket, and beyond.
gaps = st.one_of(
    st.just(0),
    st.integers(0, 200),
    st.sampled_from([64 * SECONDS - 1, 64 * SECONDS, 64 * SECONDS + 1, 63, 64, 65]),
    st.integers(0, 64 * SECONDS * 2),
)
traffic = st.lists(st.tuples(gaps, st.integers(1, 7)), max_size=60)


@settings(deadline=None)
@given(limit=st.integers(1, 12), steps=traffic)
def test_exact_log_answers_as_the_brute_force_does(
    limit: int, steps: list[tuple[int, int]]
) -> None:
    window = Window("minute", limit, SECONDS)
    log, oracle, now = RollingLog(window), Oracle(window), 0.0
    for gap, wanted in steps:
        now += gap * TICK
        cost = min(wanted, limit)
        assert log.standing(now) == oracle.standing(now)
        assert log.wait_s(now, cost) == oracle.wait_s(now, cost)
        fits = log.fits(now, cost)
        assert fits == (oracle.used(now) + cost <= limit)
        if fits:
            standing = log.charge(now, cost)
            oracle.admitted.append((now, cost))
            assert standing == oracle.standing(now)
    assert oracle.worst() <= limit
    assert len(log) <= limit


@settings(deadline=None)
@given(limit=st.integers(1, 12), steps=traffic)
def test_an_overdrawn_log_answers_as_the_brute_force_does(
    limit: int, steps: list[tuple[int, int]]
) -> None:
    window = Window("minute", limit, SECONDS)
    log, oracle, now = RollingLog(window), Oracle(window), 0.0
    for gap, cost in steps:
        now += gap * TICK
        assert log.standing(now) == oracle.standing(now)
        assert log.wait_s(now, 1) == oracle.wait_s(now, 1)
        if log.fits(now, 1):
            standing = log.charge(now, cost)
            oracle.admitted.append((now, cost))
            assert standing == oracle.standing(now)
    assert oracle.worst() < limit + 7


@settings(deadline=None)
@given(
    limit=st.integers(EXACT_LIMIT_MAX + 1, EXACT_LIMIT_MAX * 4),
    steps=st.lists(st.tuples(gaps, st.integers(1, EXACT_LIMIT_MAX)), max_size=80),
)
def test_sub_buckets_never_admit_too_much_nor_wait_more_than_a_bucket_too_long(
    limit: int, steps: list[tuple[int, int]]
) -> None:
    window = Window("minute", limit, SECONDS)
    log, oracle, now = RollingLog(window), Oracle(window), 0.0
    for gap, cost in steps:
        now += gap * TICK
        standing = log.standing(now)
        assert 0 <= standing.remaining <= limit - oracle.used(now)
        assert log.fits(now, standing.remaining)
        assert not log.fits(now, standing.remaining + 1)
        assert (
            oracle.wait_s(now, cost) <= log.wait_s(now, cost) <= (oracle.wait_s(now, cost) + WIDTH)
        )
        if log.fits(now, cost):
            assert log.charge(now, cost) == log.standing(now)
            oracle.admitted.append((now, cost))
        assert len(log) <= SUB_BUCKETS + 1
    assert oracle.worst() <= limit


@settings(deadline=None)
@given(
    resizes=st.lists(
        st.tuples(
            st.sampled_from([1, 3, 900, 1000, 1001, 5000]),
            st.sampled_from([1, 10, 60, 3600]),
            traffic,
        ),
        min_size=2,
        max_size=4,
    )
)
def test_recorded_units_count_against_the_new_window(
    resizes: list[tuple[int, int, list[tuple[int, int]]]],
) -> None:
    """What an oracle that never forgets finds in the window is never more than the log counts."""
    now, shortest = 0.0, 3600
    admitted: list[tuple[float, int]] = []
    log = RollingLog(Window("first", 5000, 3600))
    for limit, seconds, steps in resizes:
        window = Window("next", limit, seconds)
        log.resize(window)
        shortest = min(shortest, seconds)
        for gap, wanted in steps:
            now += gap * TICK
            cost = min(wanted, limit)
            # Under a longer window units may be gone already that had left a shorter one.
            surely_held = sum(units for at, units in admitted if at + shortest > now)
            assert log.standing(now).remaining <= max(0, limit - surely_held)
            wait_s = log.wait_s(now, cost)
            assert log.fits(now, cost) == (wait_s == 0)
            assert log.fits(now + wait_s, cost)
            now += wait_s
            log.charge(now, cost)
            admitted.append((now, cost))


def fill(log: RollingLog, now: float, units: int) -> None:
    for _ in range(units):
        assert log.fits(now, 1)
        log.charge(now, 1)


def test_a_lowered_limit_waits_until_enough_has_left() -> None:
    log = RollingLog(Window("minute", 5, SECONDS))
    for second in range(5):
        fill(log, float(second), 1)
    log.resize(Window("minute", 2, SECONDS))
    # 0, 1, 2 and 3 must have left for one of two to be free: at 63.
    assert log.standing(10.0) == Standing(log.window, 0, 53.0)
    assert not log.fits(62.984375, 1)
    assert log.fits(63.0, 1)


def test_a_raised_limit_frees_only_the_difference() -> None:
    log = RollingLog(Window("minute", 5, SECONDS))
    fill(log, 0.0, 5)
    log.resize(Window("minute", 8, SECONDS))
    assert log.standing(1.0).remaining == 3


def test_sub_buckets_turned_exact_forget_nothing() -> None:
    log = RollingLog(Window("minute", 5000, SECONDS))
    assert log.fits(0.0, 4000)
    log.charge(0.0, 4000)
    log.resize(Window("minute", 100, SECONDS))
    assert log.standing(59.0) == Standing(log.window, 0, 1.0)
    log.resize(Window("minute", 5000, SECONDS))
    assert log.standing(59.0).remaining == 1000
    assert log.fits(60.0, 5000)


def test_a_shortened_window_lets_go_sooner_a_lengthened_one_later() -> None:
    log = RollingLog(Window("minute", 1, 60))
    fill(log, 0.0, 1)
    log.resize(Window("hour", 1, 3600))
    assert log.wait_s(60.0, 1) == 3540.0
    log.resize(Window("second", 1, 1))
    assert log.fits(60.0, 1)


def test_an_exact_log_can_reopen_no_entry_when_it_becomes_buckets_and_has_emptied() -> None:
    log = RollingLog(Window("second", 1, 1))
    fill(log, 0.0, 1)
    assert log.fits(1.0, 1)
    log.resize(Window("hour", 2000, 3600))
    fill(log, 1.0, 1)
    assert log.standing(1.0) == Standing(log.window, 1999, 3600.0)


@pytest.mark.parametrize("limit", [1, 100, EXACT_LIMIT_MAX, EXACT_LIMIT_MAX + 1, 10**9])
def test_a_cost_above_the_limit_never_fits_and_says_so(limit: int) -> None:
    log = RollingLog(Window("minute", limit, SECONDS))
    with pytest.raises(CostAboveLimitError, match=f"limit of {limit}") as caught:
        log.wait_s(0.0, limit + 1)
    assert caught.value.window == log.window
    assert log.wait_s(0.0, limit) == 0


def test_the_largest_exact_log_stays_within_its_bounds_over_many_windows() -> None:
    log = RollingLog(Window("second", EXACT_LIMIT_MAX, 1))
    now = 0.0
    for _ in range(10 * EXACT_LIMIT_MAX):
        now += 1 / 1024
        if log.fits(now, 1):
            log.charge(now, 1)
        assert len(log) <= EXACT_LIMIT_MAX
        assert len(log._times) <= 2 * EXACT_LIMIT_MAX
    assert not log.idle(now + 0.5)
    assert log.idle(now + 1)


def test_a_log_of_sub_buckets_stays_small_under_dense_traffic() -> None:
    log = RollingLog(Window("minute", 10**6, SECONDS))
    now = 0.0
    for _ in range(20_000):
        now += TICK
        assert log.fits(now, 3)
        log.charge(now, 3)
        assert len(log) <= SUB_BUCKETS + 1
    # A unit counts for a minute at least, and for less than a bucket longer.
    held = 10**6 - log.standing(now).remaining
    assert 3 * 60 * 64 <= held < 3 * 61 * 64
