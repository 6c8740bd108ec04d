"""Charts and the times they are of: pure functions."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gatepost.dashboard import charts
from gatepost.dashboard.charts import Chart, Line
from gatepost.dashboard.charts.scale import ticks
from gatepost.dashboard.sections.reports import ranges
from gatepost.dashboard.sections.reports.ranges import Span, Wrong

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2025, 4, 1, 15, 30, tzinfo=BERLIN)


@pytest.mark.parametrize("top", [0, 1, 2, 3, 5, 9, 10, 11, 99, 101, 1234, 9_999_999, 10**12])
def test_scales_are_round_and_reach_the_top(top: int) -> None:
    found = ticks(top)
    assert found[0] == 0
    assert found[-1] >= top
    assert len(found) <= 6
    assert all(one == round(one) for one in found)


def test_scales_of_shares() -> None:
    assert ticks(0.37, whole=False)[-1] == pytest.approx(0.4)


def test_numbers_in_little_space() -> None:
    shown = [charts.short(one) for one in (0, 7, 950, 1000, 1234, 34_000, 5_000_000, 0.5)]
    assert shown == ["0", "7", "950", "1k", "1.2k", "34k", "5M", "0.5"]


def made(*values: tuple[int, ...], before: tuple[int, ...] = ()) -> Chart:
    starts = [f"2025-03-0{day}T00:00:00Z" for day in range(1, len(values[0]) + 1)]
    lines = tuple(Line(f"<{at}>", one) for at, one in enumerate(values))
    labels = charts.labels(starts, "day", UTC)
    return Chart(title='A "<b>"', labels=labels, lines=lines, before=before)


def test_what_is_there_is_seen_and_what_is_not_is_not() -> None:
    drawn = charts.series(made((1000, 1, 0), (0, 0, 0)))
    assert 'd="M1 200V0h8V200zM11 200V198h8V200z"' in drawn
    assert '<path class="c1" d=""/>' in drawn
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn


def test_nothing_can_be_drawn() -> None:
    nothing = Chart(title="Nothing", labels=(), lines=())
    assert "Nothing: none" in charts.series(nothing)
    assert "polyline" not in charts.series(made((0, 0)))
    assert "polyline" in charts.series(made((0, 0), before=(1, 2)))
    assert "<svg" in charts.sparkline([])
    assert 'aria-label="&#34;&gt;"' in charts.sparkline([1, 0], '">')
    assert 'width="100.0%"' in charts.bar(7)


def test_presets_follow_the_calendar() -> None:
    assert ranges.preset("today", NOW) == Span(datetime(2025, 4, 1, tzinfo=BERLIN), NOW)
    month = ranges.preset("30d", NOW)
    assert (month.since, month.days) == (datetime(2025, 3, 3, tzinfo=BERLIN), 30)
    assert month.before.until == datetime(2025, 3, 2, 15, 30, tzinfo=BERLIN)
    year = ranges.preset("12m", NOW)
    assert year.since == datetime(2024, 5, 1, tzinfo=BERLIN)
    assert ranges.preset("12m", NOW.replace(month=12)).since.date().isoformat() == "2025-01-01"
    quarter = ranges.preset("90d", NOW).before
    assert quarter.until == datetime(2025, 1, 1, 15, 0, tzinfo=BERLIN), "of quarters none is kept"
    assert year.year_before.since.astimezone(UTC) == datetime(2023, 4, 30, tzinfo=UTC)
    leap = Span(datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
    assert leap.year_before.since == datetime(2023, 2, 28, tzinfo=UTC)


def test_days_of_ones_own() -> None:
    found = ranges.custom("2025-03-30", "2025-03-30", NOW, BERLIN)
    assert (found.until.timestamp() - found.since.timestamp()) / 3600 == 23
    assert ranges.custom("2025-03-30", "2999-01-01", NOW, BERLIN).until == NOW
    for first, last, field in (
        ("x", "", "from"),
        ("", "2025-13-01", "until"),
        ("2025-02-02", "2025-02-01", "from"),
        ("2025-04-02", "", "from"),
        ("0001-01-01", "0001-01-02", "from"),
    ):
        with pytest.raises(Wrong) as wrong:
            ranges.custom(first, last, NOW, BERLIN)
        assert wrong.value.name == field


def test_there_are_not_too_many_bars() -> None:
    spans = {name: ranges.preset(name, NOW) for name in ranges.PERIODS}
    fitting = {name: ranges.bucket(span, "", 200) for name, span in spans.items()}
    assert fitting == {
        "today": "hour",
        "24h": "hour",
        "7d": "day",
        "30d": "day",
        "90d": "day",
        "12m": "month",
    }
    assert ranges.bucket(spans["7d"], "hour", 200) == "hour"
    assert ranges.bucket(spans["30d"], "hour", 200) == "day"
    assert ranges.bucket(spans["12m"], "day", 200) == "week"
