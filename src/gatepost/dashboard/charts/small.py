"""Charts that stand within text or a table: a sparkline, one bar."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

HEIGHT = 24
STEP = 8
GAP = 2
DECIMALS = 1


def sparkline(values: Sequence[float], words: str = "") -> Markup:
    """Bars of the same width, the last one in full colour. `words` say the same in text."""
    top = max((*values, 0)) or 1
    last = len(values) - 1
    earlier = "".join(_bar(at, one / top) for at, one in enumerate(values) if at < last)
    newest = _bar(last, values[last] / top) if values else ""
    shape = Markup('<path class="was" d="{}"/><path d="{}"/>').format(earlier, newest)
    return Markup(
        '<svg class="spark" viewBox="0 0 {0} {1}" width="{0}" height="{1}"{2}>{3}</svg>'
    ).format(max(len(values), 1) * STEP, HEIGHT, _named(words), shape)


def bar(share: float, words: str = "") -> Markup:
    """One bar from the left: a `share` of 0 to 1 of all the width there is."""
    width = round(100 * min(max(share, 0.0), 1.0), DECIMALS)
    return Markup(
        '<svg class="share" width="100%" height="8"{}>'
        '<rect class="rest" width="100%" height="8" rx="2"/>'
        '<rect width="{}%" height="8" rx="2"/></svg>'
    ).format(_named(words), width)


def _bar(at: int, share: float) -> str:
    """One of a sparkline; what is more than nothing is seen, and nothing leaves a line."""
    high = max(round(share * HEIGHT, DECIMALS), 2 if share > 0 else 1)
    return f"M{at * STEP} {HEIGHT}v-{high}h{STEP - GAP}v{high}z"


def _named(words: str) -> Markup:
    if not words:
        return Markup(' aria-hidden="true"')
    return Markup(' role="img" aria-label="{}"').format(words)
