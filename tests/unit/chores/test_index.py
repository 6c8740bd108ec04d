"""When the index rests."""

import pytest

from gatepost.chores.index import GLANCE_S, LAG_MAX, REST_S, rest_s

SHARES = [0.0, 0.1, 0.3, 0.6, 1.0]


def test_the_busier_the_writer_the_longer_the_rest() -> None:
    rests = [rest_s(0.003, busy, 0) for busy in SHARES]
    assert rests == sorted(set(rests))
    assert rests[0] == GLANCE_S
    assert rests[-1] > 20 * 0.003, "a writer that is always busy keeps nearly all of its time"


@pytest.mark.parametrize("busy", SHARES)
def test_a_rest_never_lasts(busy: float) -> None:
    assert rest_s(10.0, busy, 0) <= REST_S


@pytest.mark.parametrize("busy", SHARES)
def test_far_behind_it_works_half_of_the_time(busy: float) -> None:
    assert rest_s(0.003, busy, LAG_MAX + 1) == 0.003
