"""Charts as SVG, drawn on the server by pure functions of numbers: no script, no layout shift.

In templates, `{% import "parts/chart.html" as chart with context %}` and then

- `{{ chart.sparkline([3, 0, 5], "Events of three days: 3, 0, 5") }}`: small bars beside a number.
  Without words it is hidden from readers of the screen, for where the numbers stand in the text.
- `{{ chart.bar(0.43) }}`: a share (0 to 1) as one bar, in a cell of a table.
- `{{ chart.bars([("signup", 12), …], "Events by name") }}`: a list of them with names and numbers.
- `{{ chart.series(made) }}`: stacked bars over periods, with a legend, and the data as a table
  behind it. `made` is a `Chart` that the page's function built:
  `Chart(title="Events by day", labels=…, lines=(Line("signup", (3, 0, 5)), …))`, with
  `labels=charts.labels(starts, "day", visit.zone)` for moments in ISO 8601.

`js/chart.js` adds a cursor (pointer, arrow keys) to the last one; it is loaded where there is one.
The colours are `--c0` to `--c7` of the stylesheet; the eighth is for all others together.
"""

from gatepost.dashboard.charts.periods import Label, labels
from gatepost.dashboard.charts.scale import short
from gatepost.dashboard.charts.series import COLOURS, Chart, Line, series
from gatepost.dashboard.charts.small import bar, sparkline

__all__ = ["COLOURS", "Chart", "Label", "Line", "bar", "labels", "series", "short", "sparkline"]
