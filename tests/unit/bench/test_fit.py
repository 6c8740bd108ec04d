"""Straight lines through measured costs."""

import pytest

from bench.fit import line


def test_points_on_a_line_give_that_line() -> None:
    assert line([(x, 30 + 700 * x) for x in (0.01, 0.1, 0.5, 1)]) == pytest.approx((30, 700))


def test_the_small_costs_count_as_much_as_the_large_ones() -> None:
    """A cost of 40 that is missed by 10 is missed by more than one of 2,000 by 100."""
    start, slope = line([(0.01, 40), (0.02, 60), (1, 2000), (1, 2100)])
    assert start + 0.01 * slope == pytest.approx(40, rel=0.1)


@pytest.mark.parametrize(
    "points",
    [
        [(0.1, 1.0), (0.5, 40.0), (1.0, 100.0)],
        [(0.1, 100.0), (0.5, 40.0), (1.0, 10.0)],
    ],
)
def test_nothing_costs_less_than_nothing(points: list[tuple[float, float]]) -> None:
    assert min(line(points)) == 0
    assert max(line(points)) > 0
