"""Stacked bars over periods.

Lengths along the time are shares of the width, whatever it is; heights are pixels. So nothing moves
once it is drawn, and text keeps its size on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import msgspec
from markupsafe import Markup

from gatepost.dashboard.charts import scale
from gatepost.dashboard.charts.periods import Label

COLOURS = 8
"""So many lines are told apart; the last colour is the quiet one of all others together."""
HEIGHT = 200
BELOW = 28
STEP = 10
THICK = 8
CROWDED = 120
"""More bars than this touch each other."""
TICKS = 12
STEPS = (1, 2, 3, 4, 6, 12, 24, 48)
"""One of so many bars has a name: of hours, those at round times of the day."""
SELDOM = 3
SEEN = 2.0
APART = 1.0


class Line(msgspec.Struct, frozen=True):
    """What is counted of one name: a value for each period. `colour` is 0 to 7, or None for that
    of its place; `other` takes the last one.
    """

    name: str
    values: tuple[float, ...]
    other: bool = False
    colour: int | None = None

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.values)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn: at most eight lines, from the bottom of the stack.

    `before` are the totals of an earlier time to compare with, a dashed line. `all` are totals
    where they are not the sums of the lines. `whole` numbers have no decimals on the scale.
    `unit` is the name of what is counted.
    """

    title: str
    labels: tuple[Label, ...]
    lines: tuple[Line, ...]
    before: tuple[float, ...] = ()
    all: tuple[float, ...] = ()
    unit: str = "events"
    whole: bool = True

    @property
    def totals(self) -> tuple[float, ...]:
        """All that was counted in each period."""
        return self.all or self.stacked

    @property
    def stacked(self) -> tuple[float, ...]:
        """All lines of each period together."""
        return tuple(sum(one.values[at] for one in self.lines) for at in range(len(self.labels)))

    @property
    def summary(self) -> str:
        """The chart in a sentence."""
        totals = self.totals
        if not any(totals):
            return f"{self.title}: none"
        top = max(range(len(totals)), key=totals.__getitem__)
        most = f"most in {self.labels[top].full}: {totals[top]:,}"
        return f"{self.title}: {sum(totals):,} {self.unit} in {len(totals)} periods, {most}"

    def colour(self, at: int) -> int:
        """Which of the colours a line has."""
        line = self.lines[at]
        if line.other:
            return COLOURS - 1
        return (at if line.colour is None else line.colour) % COLOURS


def series(chart: Chart) -> Markup:
    """Draw it: `<svg class="graph">` as wide as there is room."""
    steps = scale.ticks(max((*chart.stacked, *chart.before, 0)), whole=chart.whole)
    height = HEIGHT / (steps[-1] or 1)
    parts = [
        _lines(steps, height),
        Markup(
            '<svg class="bars" viewBox="0 0 {0} {1}" width="100%" height="{1}" '
            'preserveAspectRatio="none">{2}{3}</svg>'
        ).format(
            max(len(chart.labels), 1) * STEP,
            HEIGHT,
            _stacks(chart, height),
            _before(chart.before, height),
        ),
        _ticks(chart.labels),
    ]
    return Markup(
        '<svg class="graph" width="100%" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(HEIGHT + BELOW, chart.summary, Markup("").join(parts))


def _lines(steps: Sequence[float], height: float) -> Markup:
    """Lines at round numbers, with the numbers."""
    line = Markup('<line x2="100%" y1="{0}" y2="{0}"/><text x="-8" y="{0}" dy="4">{1}</text>')
    drawn = [line.format(_px(HEIGHT - one * height), scale.short(one)) for one in steps]
    return Markup('<g class="lines">{}</g>').format(Markup("").join(drawn))


def _ticks(labels: Sequence[Label]) -> Markup:
    """Names under some of the bars, a few of them on a phone as well."""
    every = next((one for one in STEPS if len(labels) <= one * TICKS), STEPS[-1])
    seldom = every * SELDOM if len(labels) > TICKS // 2 else every
    text = Markup('<text x="{}%" y="{}"{}>{}</text>')
    drawn = [
        text.format(
            round(100 * (at + 0.5) / len(labels), 2),
            HEIGHT + BELOW - 8,
            Markup("") if at % seldom == 0 else Markup(' class="roomy"'),
            label.tick,
        )
        for at, label in enumerate(labels)
        if at % every == 0
    ]
    return Markup('<g class="ticks">{}</g>').format(Markup("").join(drawn))


def _stacks(chart: Chart, height: float) -> Markup:
    """One path for each line, from the bottom of the stack."""
    columns = [list(_column(chart, at, height)) for at in range(len(chart.labels))]
    wide = THICK if len(chart.labels) <= CROWDED else STEP
    side = (STEP - wide) // 2
    path = Markup('<path class="c{}" d="{}"/>')
    return Markup("").join(
        path.format(chart.colour(index), "".join(_boxes(columns, index, side, wide)))
        for index in range(len(chart.lines))
    )


def _column(chart: Chart, at: int, height: float) -> Iterator[tuple[float, float]]:
    """The foot and the height of each line in one period: what is there can be seen."""
    heights = [
        max(one.values[at] * height, SEEN) if one.values[at] > 0 else 0.0 for one in chart.lines
    ]
    tops = [0.0, *accumulate(heights)]
    for foot, high in zip(tops, heights, strict=False):
        yield foot, high - APART if high > SEEN and foot else high


def _boxes(
    columns: Sequence[Sequence[tuple[float, float]]], index: int, side: int, wide: int
) -> Iterator[str]:
    """In whole pixels: edges are sharp, and pages stay small."""
    for at, column in enumerate(columns):
        foot, high = column[index]
        if high:
            low = round(HEIGHT - foot)
            top = min(round(HEIGHT - foot - high), low - 1)
            yield f"M{at * STEP + side} {low}V{top}h{wide}V{low}z"


def _before(values: Sequence[float], height: float) -> Markup:
    """A line over the middle of each period."""
    points = " ".join(
        f"{_px((at + 0.5) * STEP)},{_px(HEIGHT - one * height)}" for at, one in enumerate(values)
    )
    return Markup('<polyline class="before" points="{}"/>').format(points) if points else Markup("")


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")
