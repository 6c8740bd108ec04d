"""Conditions on events: typed comparisons, paths, and reasons."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.base.ids import ChannelId, EventId, ProjectId
from gatepost.domains.events import conditions
from gatepost.domains.events.conditions import (
    COMPARE,
    MISSING,
    ORDER,
    Condition,
    Op,
    Seen,
    Tags,
    Title,
    Wanted,
    look,
    same,
    steps_of,
)
from gatepost.domains.events.model import Event

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = st.text("abc", min_size=1, max_size=3)


def event(**metadata: Any) -> Event:
    return Event(
        ProjectId(bytes(16)),
        EventId(bytes(16)),
        ChannelId(bytes(16)),
        "orders",
        "Order paid",
        None,
        None,
        '["eu","card"]',
        json.dumps(metadata),
        "ada",
        True,
        "api",
        "message",
    )


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


@given(VALUES)
def test_a_value_is_the_same_as_itself_alone(value: Any) -> None:
    again = json.loads(json.dumps(value))
    assert same(value, again)
    assert COMPARE[Op.EQ](again, value)
    assert not COMPARE[Op.NE](again, value)


@given(VALUES, VALUES)
def test_values_of_different_types_are_never_the_same(one: Any, other: Any) -> None:
    if kind(one) != kind(other):
        assert not same(one, other)
    assert same(one, other) is same(other, one)
    assert COMPARE[Op.NE](one, other) is not COMPARE[Op.EQ](one, other)


@given(SCALARS, SCALARS)
def test_only_numbers_and_strings_are_in_order(one: Any, other: Any) -> None:
    comparable = kind(one) == kind(other) and kind(one) in {"number", "str"}
    results = {op: COMPARE[op](one, other) for op in ORDER}
    assert any(results.values()) is comparable
    if comparable:
        assert results[Op.GT] is not results[Op.LTE]
        assert results[Op.LT] is not results[Op.GTE]
        assert results[Op.GTE] is (results[Op.GT] or same(one, other))


@given(VALUES)
def test_what_is_missing_meets_two_conditions_alone(value: Any) -> None:
    met = {op for op in Op if COMPARE[op](MISSING, value)}
    assert met == {Op.NE} | ({Op.EXISTS} if value is False else set())


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, -0.0), (2**53, float(2**53))])
def test_a_number_is_a_number(one: Any, other: Any) -> None:
    assert same(one, other)


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, "1"), (None, ""), ([], {})])
def test_what_only_looks_alike_differs(one: Any, other: Any) -> None:
    assert not same(one, other)


@given(st.lists(NAMES | st.integers(0, 2), min_size=1, max_size=5), VALUES)
def test_a_path_leads_to_what_is_there(steps: list[str | int], value: Any) -> None:
    whole: Any = value
    text = ""
    for step in reversed(steps):
        whole = {step: whole} if isinstance(step, str) else [None] * step + [whole]
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    assert steps_of(text.removeprefix(".")) == tuple(steps) == steps_of("$" + text)
    assert look(whole, tuple(steps)) is value


@pytest.mark.parametrize("path", ["", "$", ".", "a.", "a..b", ".a", "a[", "a[x]", "a[01]", "a['b'"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="Must be a path"):
        steps_of(path)


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_none(text: str) -> None:
    try:
        assert steps_of(text)
    except ValueError as fault:
        assert str(fault).startswith("Must be a path")  # noqa: PT017 # either way is right


def test_metadata_nested_too_deeply_is_as_good_as_none() -> None:
    text = '{"a":' * 100_000 + "1" + "}" * 100_000
    seen = Seen(msgspec.structs.replace(event(), metadata_json=text))
    wanted = Condition(metadata=(Wanted("a", Op.EXISTS, value=False),))
    assert conditions.meets(wanted, seen)


CONDITIONS = st.builds(
    Condition,
    channels=st.lists(st.sampled_from(["orders", "other"]), max_size=2).map(tuple),
    tags=st.builds(
        Tags,
        any=st.lists(st.sampled_from(["eu", "us"]), max_size=2).map(tuple),
        all=st.lists(st.sampled_from(["eu", "card", "us"]), max_size=2).map(tuple),
        none=st.lists(st.sampled_from(["us", "test", "eu"]), max_size=2).map(tuple),
    ),
    title=st.builds(
        Title,
        contains=st.sampled_from(["", "paid", "PAID"]),
        any_of=st.sampled_from([(), ("Order*",), ("Refund", "order paid")]),
    ),
    user_ids=st.lists(st.sampled_from(["ada", "bob"]), max_size=2).map(tuple),
    metadata=st.lists(
        st.builds(
            Wanted,
            path=st.sampled_from(["amount", "user.plan", "missing"]),
            op=st.sampled_from(Op),
            value=st.sampled_from([1, 5, "pro", True, None, "x"]),
        ),
        max_size=2,
    ).map(tuple),
)


@given(CONDITIONS)
def test_a_condition_is_met_or_says_why_not(condition: Condition) -> None:
    seen = Seen(event(amount=5, user={"plan": "pro"}))
    where = conditions.unmet(condition, seen)
    assert conditions.meets(condition, seen) is (where is None)
    if where is not None:
        assert conditions.explain(condition, where, seen)


@given(CONDITIONS)
def test_a_condition_is_read_as_it_was_written(condition: Condition) -> None:
    text = conditions.write(condition)
    again = conditions.read(text)
    assert again == condition
    assert conditions.write(again) == text
    assert (text == "") is (condition == Condition())


def test_names_of_one_person_are_alike() -> None:
    wanted = Condition(user_ids=("countess",))
    assert not conditions.meets(wanted, Seen(event()))
    assert conditions.meets(wanted, Seen(event(), {"countess": "ada", "ada": "ada"}))
    assert not conditions.meets(wanted, Seen(event(), {"countess": "bob"}))


@pytest.mark.parametrize(
    ("by", "value"),
    [
        ("userId", "ada"),
        ("channelName", "orders"),
        ("title", "Order paid"),
        ("metadata.user.plan", "pro"),
        ("metadata.missing", None),
    ],
)
def test_a_value_is_found_by_its_name(by: str, value: Any) -> None:
    assert Seen(event(user={"plan": "pro"})).value(by) == value
