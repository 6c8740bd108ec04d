"""How far a scale goes, where its lines are, and how numbers are written beside it. Pure."""

from __future__ import annotations

import math

KILO = 1000
LINES = 4
STEPS = (1, 2, 5, 10)
UNITS = ("", "k", "M", "G", "T")
DIGITS = 10


def ticks(top: float, *, whole: bool = True) -> list[float]:
    """Round numbers from 0 up to one that is not below `top`: at least two, at most six.

    `whole` ones are for what is counted.
    """
    rough = max(top, 1 if whole else 1e-9) / LINES
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(each * unit for each in STEPS if each * unit >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    return [step * index for index in range(math.ceil(top / step - 1e-9) + 1)] or [0.0]


def short(value: float) -> str:
    """A number in little space: 950, 1.2k, 34k, 5M."""
    amount, unit = float(value), ""
    for unit in UNITS:
        if abs(amount) < KILO or unit == UNITS[-1]:
            break
        amount /= KILO
    digits = 1 if abs(amount) < DIGITS and amount != round(amount) else 0
    return f"{amount:.{digits}f}{unit}"
