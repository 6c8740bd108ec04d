"""Sieves: how values are compared."""

from typing import Any

import pytest

from gatepost.domains.events import sieve
from gatepost.domains.events.sieve import Comparison, Sieve, SieveRule

PAYLOAD = {"a": {"b": [{"c": "x"}]}, "n": 10, "t": "10.0", "yes": True, "none": None, "o": {}}


@pytest.mark.parametrize(
    ("field", "operator", "value", "held"),
    [
        ("a.b.0.c", "equals", "x", True),
        ("a.b.1.c", "is_set", None, False),
        ("a.b.99999999999999999999", "is_set", None, False),
        ("a.b.\u0663", "is_set", None, False),
        ("n", "equals", "10", True),
        ("t", "equals", 10, True),
        ("n", "equals", "1_0", False),
        ("yes", "equals", "true", True),
        ("yes", "equals", 1, False),
        ("none", "equals", "null", False),
        ("none", "is_not_set", None, True),
        ("o", "equals", "{}", False),
        ("o", "is_set", None, True),
        ("n", "greater_than", 9, True),
        ("n", "greater_than", "9.5", True),
        ("n", "less_than", "nan", True),
        ("missing", "less_than", 9, False),
        ("missing", "not_equals", 9, True),
        ("missing", "not_contains", "9", True),
        ("missing", "starts_with", "", False),
        ("t", "ends_with", ".0", True),
        ("o", "contains", "x", False),
    ],
)
def test_how_values_are_compared(field: str, operator: str, value: Any, *, held: bool) -> None:
    rule = SieveRule(field, Comparison(operator), value)
    assert sieve.passes(Sieve(rules=(rule,)), PAYLOAD) is held


def test_all_or_any_and_none_at_all() -> None:
    yes, no = (SieveRule("n", Comparison.EQUALS, one) for one in (10, 11))
    assert not sieve.passes(Sieve("all", (yes, no)), PAYLOAD)
    assert sieve.passes(Sieve("any", (no, yes)), PAYLOAD)
    assert sieve.passes(Sieve("any"), PAYLOAD)
    assert sieve.passes(Sieve(rules=(SieveRule("n", Comparison.IS_NOT_SET),)), [])
