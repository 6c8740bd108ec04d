"""Sieves: rules on what is told of an event, all of which must hold, or any. Pure.

Values are compared as people write them: what reads as a number as one, all else as text, in upper
and lower case. What is null is as good as missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from operator import gt, lt
from typing import Any, Literal

import msgspec

RULES_MAX = 25
FIELD_MAX = 200
VALUES_MAX = 100
VALUE_CHARS_MAX = 1000
DIGITS_MAX = 9

Problem = tuple[Sequence[str | int], str]
Compare = Callable[[Any, Any], bool]


class Comparison(StrEnum):
    """How a value is compared."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    GREATER_THAN = "greater_than"
    LESS_THAN = "less_than"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"
    IN = "in"
    NOT_IN = "not_in"


ALONE = frozenset({Comparison.IS_SET, Comparison.IS_NOT_SET})
"""They are compared with nothing."""
LISTED = frozenset({Comparison.IN, Comparison.NOT_IN})
"""They are compared with several values."""


class SieveRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a value must be; `field` is where it is, as `meta.app`. `value` is any JSON."""

    field: str
    operator: Comparison
    value: Any = None


class Sieve(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """Rules; one without any lets everything pass."""

    match: Literal["all", "any"] = "all"
    rules: tuple[SieveRule, ...] = ()

    @cached_property
    def tests(self) -> tuple[tuple[list[str], Compare, Any], ...]:
        """The rules, ready to be asked."""
        return tuple((it.field.split("."), COMPARE[it.operator], it.value) for it in self.rules)


def passes(sieve: Sieve, payload: Any) -> bool:
    """Whether JSON passes."""
    if not sieve.rules:
        return True
    held = (compare(_look(payload, steps), value) for steps, compare, value in sieve.tests)
    return all(held) if sieve.match == "all" else any(held)


def check(sieve: Sieve) -> list[Problem]:
    """What is wrong with a sieve; paths lead from its root."""
    found: list[Problem] = []
    if len(sieve.rules) > RULES_MAX:
        found.append((["rules"], f"At most {RULES_MAX}"))
    for index, rule in enumerate(sieve.rules):
        here: list[str | int] = ["rules", index]
        if not all(rule.field.split(".")) or len(rule.field) > FIELD_MAX:
            found.append(([*here, "field"], "Must be a path, as status or meta.app"))
        if wrong := _wrong(rule):
            found.append(([*here, "value"], wrong))
    return found


def _wrong(rule: SieveRule) -> str | None:
    if rule.operator in ALONE:
        return None if rule.value is None else f"{rule.operator} has none"
    if rule.operator not in LISTED:
        return None if _is_plain(rule.value) else "Must be a string, a number or a boolean"
    values = rule.value
    if not isinstance(values, list | tuple) or not 0 < len(values) <= VALUES_MAX:
        return f"Must be a list of 1 to {VALUES_MAX} values"
    return None if all(map(_is_plain, values)) else "Must be strings, numbers or booleans"


def _is_plain(value: Any) -> bool:
    text = _text(value)
    return text is not None and len(text) <= VALUE_CHARS_MAX


def _look(value: Any, steps: Sequence[str]) -> Any:
    """What is at a path, None where there is nothing."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdecimal():
            value = value[int(step)] if len(step) <= DIGITS_MAX and int(step) < len(value) else None
        else:
            return None
    return value


def _text(value: Any) -> str | None:
    """A value as it is written, None for what is none, or several."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, bool | int | float) else None


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in text else None


def _same(found: Any, value: Any) -> bool:
    one, other = _text(found), _text(value)
    if one is None or other is None or one == other:
        return one is not None and one == other
    number = _number(one)
    return number is not None and number == _number(other)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, list):
        return any(_same(one, value) for one in found)
    one, other = _text(found), _text(value)
    return one is not None and other is not None and other in one


def _among(found: Any, values: Any) -> bool:
    return any(_same(found, one) for one in values)


def _begins(found: Any, value: Any) -> bool:
    one = _text(found)
    return one is not None and one.startswith(_text(value) or "")


def _ends(found: Any, value: Any) -> bool:
    one = _text(found)
    return one is not None and one.endswith(_text(value) or "")


def _ordered(holds: Compare) -> Compare:
    """Two numbers as numbers, all else as text; what is missing is never either."""

    def test(found: Any, value: Any) -> bool:
        one, other = _text(found), _text(value)
        if one is None or other is None:
            return False
        both = _number(one), _number(other)
        return holds(one, other) if None in both else holds(*both)

    return test


def _not(holds: Compare) -> Compare:
    return lambda found, value: not holds(found, value)


COMPARE: Mapping[Comparison, Compare] = {
    Comparison.EQUALS: _same,
    Comparison.NOT_EQUALS: _not(_same),
    Comparison.CONTAINS: _contains,
    Comparison.NOT_CONTAINS: _not(_contains),
    Comparison.STARTS_WITH: _begins,
    Comparison.ENDS_WITH: _ends,
    Comparison.GREATER_THAN: _ordered(gt),
    Comparison.LESS_THAN: _ordered(lt),
    Comparison.IS_SET: lambda found, _: found is not None,
    Comparison.IS_NOT_SET: lambda found, _: found is None,
    Comparison.IN: _among,
    Comparison.NOT_IN: _not(_among),
}
"""Whether a value, None for none, is as it is wanted."""
