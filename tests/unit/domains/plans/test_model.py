"""Limits as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.domains.keys.model import check_limits
from gatepost.domains.plans.model import (
    PRESETS,
    WINDOW_S_MAX,
    Plan,
    parse_limits,
    show_limits,
    window,
)
from gatepost.limiter.contract import Window

WINDOWS = st.builds(window, st.integers(1, 999_999_999), st.integers(1, WINDOW_S_MAX))


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("100/60s", [(100, 60)]),
        ("100/60", [(100, 60)]),
        ("100/min", [(100, 60)]),
        ("2/s, 5000/1d", [(2, 1), (5000, 86400)]),
        ("7/2h", [(7, 7200)]),
        ("off", []),
        (" OFF ", []),
    ],
)
def test_limits_are_read(text: str, sizes: list[tuple[int, int]]) -> None:
    assert [(one.limit, one.seconds) for one in parse_limits(text)] == sizes


@pytest.mark.parametrize("text", ["", "100", "/60s", "0/60s", "1/0s", "1/32d", "-1/60s", "1/2w"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_limits(text)


@given(windows=st.lists(WINDOWS, max_size=8).map(tuple))
def test_what_is_shown_is_read_back(windows: tuple[Window, ...]) -> None:
    assert parse_limits(show_limits(windows)) == windows


@pytest.mark.parametrize("plan", PRESETS, ids=[plan.name for plan in PRESETS])
def test_presets_can_be_saved(plan: Plan) -> None:
    check_limits(plan.key_limits)
    check_limits(plan.account_limits)
