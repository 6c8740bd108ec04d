"""The limiter in memory: several windows at once, and what it keeps and lets go."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.limiter import MemoryLimiter, Subject, Verdict, Window

TICK = 1 / 64


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


WINDOWS = (
    Window("burst", 2, 1),
    Window("minute", 5, 60),
    Window("hour", 9, 3600),
)
subjects = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(WINDOWS)), min_size=1, max_size=4, unique=True
).map(lambda pairs: [(f"{who}:{window.name}", window) for who, window in pairs])
requests = st.lists(
    st.tuples(st.integers(0, 64 * 90) | st.just(0) | st.just(64), subjects, st.integers(1, 2)),
    max_size=60,
)


@settings(deadline=None)
@given(steps=requests)
def test_all_windows_are_charged_or_none(steps: list[tuple[int, list[Subject], int]]) -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    admitted: list[tuple[float, str, int]] = []

    def used(key: str, window: Window) -> int:
        return sum(
            units for at, who, units in admitted if who == key and at + window.seconds > clock.now
        )

    for gap, asked, cost in steps:
        clock.now += gap * TICK
        expected = all(used(key, window) + cost <= window.limit for key, window in asked)
        verdict = limiter.hit(asked, cost)
        assert verdict.admitted == expected
        if expected:
            admitted.extend((clock.now, key, cost) for key, _ in asked)
        assert [standing.remaining for standing in verdict.standings] == [
            window.limit - used(key, window) for key, window in asked
        ]
        assert (verdict.retry_after_s == 0) == expected


@settings(deadline=None)
@given(steps=requests)
def test_retry_after_is_the_first_instant_that_admits(
    steps: list[tuple[int, list[Subject], int]],
) -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    for gap, asked, cost in steps:
        clock.now += gap * TICK
        refused = limiter.hit(asked, cost)
        if refused.admitted:
            continue
        due = clock.now + refused.retry_after_s
        clock.now = due - TICK
        assert not limiter.hit(asked, cost).admitted
        clock.now = due
        assert limiter.hit(asked, cost).admitted


@settings(deadline=None)
@given(steps=requests)
def test_sweeping_changes_no_answer(steps: list[tuple[int, list[Subject], int]]) -> None:
    """A second limiter sweeps at every hit, since a stranger's traffic surrounds each."""
    clock = Clock()
    calm, busy = MemoryLimiter(clock), MemoryLimiter(clock)
    stranger = Window("stranger", 1, 1)
    for number, (gap, asked, cost) in enumerate(steps):
        clock.now += gap * TICK
        for other in range(9):
            busy.hit([(f"stranger:{number}:{other}", stranger)])
        assert busy.hit(asked, cost) == calm.hit(asked, cost)


def test_idle_subjects_are_dropped_however_many_come() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    window = Window("minute", 10, 60)
    largest = 0
    for number in range(50_000):  # 10 new subjects a second: 600 of them within any minute
        clock.now = number / 10
        limiter.hit([(f"address:{number}", window)])
        largest = max(largest, len(limiter))
    assert 600 <= largest <= 1300


def test_steady_traffic_of_one_subject_drops_the_idle_ones() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    window = Window("minute", 10**6, 60)
    for number in range(1000):
        limiter.hit([(f"key:{number}", window)])
    assert len(limiter) == 1000
    clock.now = 60.0
    for _ in range(5000):
        limiter.hit([("key:0", window)])
    assert len(limiter) == 1
    assert limiter.peek([("key:0", window)]).standings[0].remaining == 10**6 - 5000


def test_peek_keeps_nothing() -> None:
    limiter = MemoryLimiter(Clock())
    assert limiter.peek([("nobody", WINDOWS[0])]).standings[0].remaining == 2
    assert len(limiter) == 0


def test_no_subject_means_no_limit() -> None:
    limiter = MemoryLimiter(Clock())
    assert limiter.hit([]) == Verdict(admitted=True, standings=(), retry_after_s=0.0)
    assert limiter.peek([]) == Verdict(admitted=True, standings=(), retry_after_s=0.0)


def test_the_default_clock_runs() -> None:
    limiter = MemoryLimiter()
    first = limiter.hit([("key", Window("hour", 1, 3600))])
    second = limiter.hit([("key", Window("hour", 1, 3600))])
    assert first.admitted
    assert not second.admitted
    assert 3590 < second.retry_after_s <= 3600
