"""How waves to many pages are spaced, and how much of a second is left."""

import pytest

from gatepost.web.pace import REST_MAX_S, Allowance, rest_s


@pytest.mark.parametrize(
    ("audiences", "members", "least", "most"),
    [(1, 1, 0.0, 0.005), (1, 50, 0.005, 0.02), (1, 1000, 0.1, 0.3), (1000, 1000, 1.0, REST_MAX_S)],
)
def test_the_more_look_the_longer_between_waves(
    audiences: int, members: int, least: float, most: float
) -> None:
    assert least < rest_s(audiences, members) < most


def test_nobody_waits_for_ever() -> None:
    assert rest_s(10**6, 10**6) == REST_MAX_S


def test_so_many_of_any_second() -> None:
    allowance = Allowance(20)
    assert allowance.left(100.0) == 20
    allowance.take(15, 100.0)
    allowance.take(5, 100.4)
    assert allowance.left(100.9) == 0
    assert allowance.free_at(100.9) == 101.0
    assert allowance.left(101.0) == 15
    assert allowance.free_at(101.0) == 101.0
    assert allowance.left(101.4) == 20


def test_without_a_bound_nothing_is_counted() -> None:
    allowance = Allowance(None)
    allowance.take(1_000, 100.0)
    assert allowance.left(100.0) is None
    assert allowance.free_at(100.0) == 100.0
