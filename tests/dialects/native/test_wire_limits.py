"""The documented limits and types of every field: at the edge accepted, over it 400."""

from typing import Any

import pytest

from tests.dialects.native.wire import Wire, a_person, an_event, data_of, problems_of
from tests.server import unique

FAMILY = "👨\u200d👩\u200d👧\u200d👦"  # 7 code points, 11 UTF-16 units, 25 bytes
KISS = "🧑🏻\u200d❤\ufe0f\u200d💋\u200d🧑🏿"  # 10 code points, 15 UTF-16 units
FLAG = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"  # England, 14 units


def named(cases: list[tuple[str, Any]]) -> list[Any]:
    """Each case under a name that is unique and short, whatever its value."""
    return [
        pytest.param(field, value, id=f"{number:02}-{field}")
        for number, (field, value) in enumerate(cases)
    ]


def each(field: str, *values: Any) -> list[tuple[str, Any]]:
    return [(field, value) for value in values]


EVENT_EDGES: list[tuple[str, Any]] = [
    ("channelName", "c"),
    ("channelName", "c" * 255),
    ("title", "t"),
    ("title", "t" * 500),
    ("title", "é" * 500),
    ("description", ""),
    ("description", "d" * 5000),
    ("icon", "i" * 10),
    ("icon", FAMILY),
    ("icon", KISS),
    ("icon", FLAG),
    ("tags", []),
    ("tags", [f"tag{n}" for n in range(20)]),
    ("tags", ["t" * 50]),
    ("metadata", {}),
    ("metadata", {"text": "x" * 16_373}),
    ("userId", None),
    ("userId", "u" * 255),
    ("source", "s" * 100),
]


@pytest.mark.parametrize(("field", "value"), named(EVENT_EDGES))
def test_event_at_the_edge(wire: Wire, field: str, value: Any) -> None:
    stored = wire.event(wire.created(an_event(**{field: value}))["id"])
    assert stored[field] == value


OVER_EVENT_EDGES: list[tuple[str, Any]] = [
    ("channelName", ""),
    ("channelName", "c" * 256),
    ("title", ""),
    ("title", "t" * 501),
    ("description", "d" * 5001),
    ("icon", "i" * 11),
    ("icon", "😀" * 21),
    ("tags", ["t"] * 21),
    ("userId", "u" * 256),
    ("source", "s" * 101),
    ("displayAs", "banner"),
    ("displayAs", "Message"),
    ("displayAs", ""),
]


@pytest.mark.parametrize(("field", "value"), named(OVER_EVENT_EDGES))
def test_event_over_the_edge(wire: Wire, field: str, value: Any) -> None:
    assert problems_of(wire.create(an_event(**{field: value}))) == [[field]]


@pytest.mark.parametrize("name", ["🚀🎉", "...", "   ", "é", "-_-"])
def test_a_channel_name_that_leaves_nothing_is_refused(wire: Wire, name: str) -> None:
    assert problems_of(wire.create(an_event(channelName=name))) == [["channelName"]]


def test_a_long_tag_is_named_by_its_place(wire: Wire) -> None:
    tags = ["fine", "t" * 51, "fine", "t" * 60]
    assert problems_of(wire.create(an_event(tags=tags))) == [["tags", 1], ["tags", 3]]


WRONG_TYPES: list[tuple[str, Any]] = [
    *each("channelName", None, 7, True, ["c"], {}),
    *each("title", None, 7, 1.5, False, ["t"], {}),
    *each("description", None, 7, ["d"]),
    *each("icon", None, 7, ["i"]),
    *each("tags", None, "tag", {"0": "tag"}, 7),
    *each("metadata", None, [], [1], "{}", 7, True),
    *each("userId", 7, ["u"], {}, False),
    *each("notify", None, "yes", "true", 0, 1, []),
    *each("source", None, 7, ["s"]),
    *each("displayAs", None, 7, ["message"]),
]


@pytest.mark.parametrize(("field", "value"), named(WRONG_TYPES))
def test_event_types_are_strict(wire: Wire, field: str, value: Any) -> None:
    assert problems_of(wire.create(an_event(**{field: value}))) == [[field]]


def test_a_tag_is_a_string(wire: Wire) -> None:
    tags = [7, "fine", None, ["t"]]
    paths = problems_of(wire.create(an_event(tags=tags)))
    assert paths == [["tags", 0], ["tags", 2], ["tags", 3]]


IDENTIFY_EDGES: list[tuple[str, Any]] = [
    ("properties", {}),
    ("properties", {"text": "x" * 10_000}),
    ("aliases", []),
    ("aliases", ["a"]),
]


@pytest.mark.parametrize(("field", "value"), named(IDENTIFY_EDGES))
def test_identify_at_the_edge(wire: Wire, field: str, value: Any) -> None:
    assert "userId" in wire.identified(a_person(**{field: value}))


def test_identify_at_the_edge_of_lengths(wire: Wire) -> None:
    user = unique("u").ljust(255, "x")
    aliases = [f"{unique('a')}{n}".ljust(255, "x") for n in range(50)]
    answered = wire.identified({"user_id": user, "aliases": aliases})
    assert answered["userId"] == user
    assert answered["aliases"] == {"created": aliases}
    assert wire.canonical_user(aliases[49]) == user


OVER_IDENTIFY_EDGES: list[tuple[str, Any]] = [
    ("user_id", ""),
    ("user_id", "u" * 256),
    *each("user_id", 7, ["u"], {}),
    *each("properties", None, [], "{}", 7),
    ("aliases", [f"a{n}" for n in range(51)]),
    *each("aliases", None, "alias", {"0": "a"}, 7),
]


@pytest.mark.parametrize(("field", "value"), named(OVER_IDENTIFY_EDGES))
def test_identify_over_the_edge(wire: Wire, field: str, value: Any) -> None:
    assert problems_of(wire.identify(a_person(**{field: value}))) == [[field]]


@pytest.mark.parametrize("alias", ["", "a" * 256, 7, None], ids=["empty", "long", "int", "null"])
def test_a_bad_alias_is_named_by_its_place(wire: Wire, alias: Any) -> None:
    aliases = [unique("fine"), alias]
    assert problems_of(wire.identify(a_person(aliases=aliases))) == [["aliases", 1]]


def test_a_refused_identify_changes_nothing(wire: Wire) -> None:
    person = a_person(aliases=[unique("jane"), ""])
    problems_of(wire.identify(person))
    assert wire.canonical_user(person["aliases"][0]) == person["aliases"][0]


def test_a_refused_event_makes_no_channel(wire: Wire) -> None:
    sent = an_event(title="")
    problems_of(wire.create(sent))
    assert wire.channels_named(sent["channelName"]) == []


def test_a_large_body_has_a_clear_answer(wire: Wire) -> None:
    """600 KB is under the limit of 1 MiB: stored, or refused as too large, never a crash."""
    response = wire.create(an_event(metadata={"text": "x" * 600_000}))
    assert response.status_code in {201, 413}, response.text
    if response.status_code == 201:
        stored = wire.event(data_of(response, 201)["id"])
        assert len(stored["metadata"]["text"]) == 600_000
