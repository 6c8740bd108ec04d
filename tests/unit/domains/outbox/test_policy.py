"""Schedules of attempts stay within their bounds. Pure."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gatepost.domains.outbox import circuit
from gatepost.domains.outbox.circuit import FAILURES, OPEN_MS_MAX, Circuit
from gatepost.domains.outbox.policy import PRESETS, RETRY_AFTER_MS_MAX, STANDARD, next_at

NOW = 1_800_000_000_000


@given(
    st.sampled_from(list(PRESETS.values())),
    st.integers(1, 40),
    st.none() | st.integers(0, 10**12),
    st.integers(),
)
def test_an_attempt_comes_neither_too_early_nor_too_late(
    policy: object, attempts: int, asked: int | None, seed: int
) -> None:
    assert isinstance(policy, type(STANDARD))
    found = next_at(policy, attempts, NOW, retry_after_ms=asked, random=Random(seed))
    if attempts >= policy.attempts_max:
        assert found is None
        return
    assert found is not None
    delay = policy.delays_ms[attempts - 1]
    latest = delay + round(delay * policy.jitter)
    if policy.obey and asked is not None:
        latest = max(latest, min(asked, RETRY_AFTER_MS_MAX))
    assert NOW + delay <= found <= NOW + latest


def test_the_standard_schedule_takes_about_three_days() -> None:
    total_ms = sum(STANDARD.delays_ms)
    assert STANDARD.attempts_max == 10
    assert 3 * 86_400_000 <= total_ms <= 3.5 * 86_400_000


def test_notifykits_three_attempts_have_no_jitter() -> None:
    policy = PRESETS["notifykit"]
    waits = [next_at(policy, made, NOW, random=Random(1)) for made in (1, 2, 3)]
    assert waits == [NOW + 120_000, NOW + 240_000, None]


@given(st.lists(st.tuples(st.integers(0, 600_000), st.booleans()), max_size=60))
def test_a_circuit_opens_for_a_bounded_time_and_one_success_closes_it(
    tries: list[tuple[int, bool]],
) -> None:
    state, now, row = Circuit(), NOW, 0
    for wait, reached in tries:
        now += wait
        state = circuit.after(state, now, reached=reached)
        row = 0 if reached else row + 1
        assert state.failures == row
        assert state.open_until <= now + OPEN_MS_MAX
        assert not (state.is_open(now) and row < FAILURES)
        assert state.room(8) == (8 if row < FAILURES else 1)
