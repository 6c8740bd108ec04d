from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.delivery.webhook import AFTER_MS_MAX, retry_after_ms

NOW = 1_760_000_000_000
MOMENT = datetime.fromtimestamp(NOW / 1000, UTC)


@given(seconds=st.integers(0, 10**9 - 1))
def test_seconds(seconds: int) -> None:
    assert retry_after_ms(f" {seconds} ", NOW) == seconds * 1000


@given(seconds=st.integers(-(10**8), 10**8))
def test_a_date(seconds: int) -> None:
    then = MOMENT + timedelta(seconds=seconds)
    assert retry_after_ms(format_datetime(then, usegmt=True), NOW) == max(seconds, 0) * 1000


@given(text=st.one_of(st.text(), st.from_regex(r"\A[0-9]+\Z"), st.from_regex(r"[A-Z][a-z]{2}, .*")))
def test_whatever_comes_is_within_bounds(text: str) -> None:
    found = retry_after_ms(text, NOW)
    assert found is None or 0 <= found <= AFTER_MS_MAX


@pytest.mark.parametrize("text", [None, "", " ", "soon", "-5", "1.5", "٣", "1e3", "Mon, 99 Foo"])
def test_nonsense_says_nothing(text: str | None) -> None:
    assert retry_after_ms(text, NOW) is None


def test_a_date_without_a_zone_is_of_utc() -> None:
    assert retry_after_ms(f"{MOMENT + timedelta(hours=1):%a, %d %b %Y %H:%M:%S} -0000", NOW) == (
        3600 * 1000
    )


def test_too_many_digits_are_a_long_time() -> None:
    assert retry_after_ms("9" * 8000, NOW) == AFTER_MS_MAX
