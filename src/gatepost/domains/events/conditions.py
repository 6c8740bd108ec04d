"""Conditions on events: does an event meet one, and if not, why. Pure.

Values are compared by their JSON type: strings with strings, numbers with numbers, nothing else
is ever larger or smaller. Upper and lower case are different.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property, lru_cache
from operator import ge, gt, le, lt
from typing import Any, Final

import msgspec

from gatepost.domains.events import sieve as sieves
from gatepost.domains.events.model import Event
from gatepost.domains.events.sieve import Sieve

NAMES_MAX = 100
TESTS_MAX = 20
PATH_MAX = 200
STEPS_MAX = 20
VALUE_CHARS_MAX = 1000
REMEMBERED = 8192
SHOWN_MAX = 80

_STEP = re.compile(r"\.?([^.\[\]'\"]+)|\[(0|[1-9][0-9]{0,8})\]|\['([^']+)'\]|\[\"([^\"]+)\"\]")
_decode = msgspec.json.Decoder().decode

Problem = tuple[Sequence[str | int], str]
Path = tuple[str | int, ...]
Steps = tuple[str | int, ...]


class Op(StrEnum):
    """How a value is compared."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    EXISTS = "exists"


Compare = Callable[[Any, Any], bool]
ORDER: Mapping[Op, Compare] = {Op.GT: gt, Op.GTE: ge, Op.LT: lt, Op.LTE: le}
WORDS = {
    Op.EQ: "equal",
    Op.NE: "differ from",
    Op.GT: "be more than",
    Op.GTE: "be at least",
    Op.LT: "be less than",
    Op.LTE: "be at most",
    Op.CONTAINS: "contain",
}


TITLE_WORDS = {"contains": "contain", "equals": "equal", "startsWith": "start with"}


class Tags(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which tags it must have: one of `any`, each of `all`, and `none` of these."""

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()


class Title(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What its title must be like: all that is set must hold. Of `any_of` it must be one; what ends
    in `*` there is whatever begins so.
    """

    contains: str = ""
    equals: str = ""
    starts_with: str = ""
    any_of: tuple[str, ...] = ()


class Wanted(msgspec.Struct, frozen=True):
    """What a value in the metadata must be. `value` is any JSON; of `exists` it is a boolean."""

    path: str
    op: Op
    value: Any = True


_TAGS = Tags()
_TITLE = Title()
_PAYLOAD = Sieve()


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", dict=True):
    """What an event must be: all that is set must hold. The default is met by every event.

    `channels` are normalised names, `user_ids` any names of people; `payload` is asked of the
    metadata.
    """

    channels: tuple[str, ...] = ()
    tags: Tags = _TAGS
    title: Title = _TITLE
    user_ids: tuple[str, ...] = ()
    metadata: tuple[Wanted, ...] = ()
    payload: Sieve = _PAYLOAD

    @cached_property
    def tests(self) -> tuple[tuple[Steps, Compare, Any], ...]:
        """What `metadata` asks, ready to be asked: where a value is, and how it is compared."""
        return tuple((steps_of(one.path), COMPARE[one.op], one.value) for one in self.metadata)


ALL: Final = Condition()
NOBODY: Mapping[str, str] = {}


class Missing:
    """In the place of a value that is not there."""


MISSING: Final = Missing()


class Seen:
    """An event that conditions are tried on; `names` lead from names of people to user ids."""

    def __init__(self, event: Event, names: Mapping[str, str] = NOBODY) -> None:
        """Read nothing yet."""
        self.event = event
        self.names = names

    @cached_property
    def tags(self) -> frozenset[str]:
        """Its tags."""
        return frozenset(_decode(self.event.tags_json))

    @cached_property
    def metadata(self) -> Any:
        """Its metadata; what is nested too deeply to be read is as good as none."""
        try:
            return _decode(self.event.metadata_json)
        except RecursionError:
            return {}

    def value(self, by: str) -> Any:
        """The value that a name such as `userId` or `metadata.plan` means; None for none."""
        plain = {"userId": "user_id", "channelName": "channel_name", "title": "title"}
        if by in plain:
            return getattr(self.event, plain[by])
        found = look(self.metadata, steps_of(by.removeprefix("metadata.")))
        return None if found is MISSING else found


def write(condition: Condition) -> str:
    """Write a condition as JSON, empty for one that every event meets."""
    if condition == ALL:
        return ""
    plain = {
        name: nothing
        for name, nothing in (("tags", _TAGS), ("title", _TITLE), ("payload", _PAYLOAD))
        if getattr(condition, name) == nothing
    }
    return msgspec.json.encode(msgspec.structs.replace(condition, **plain)).decode()


@lru_cache(REMEMBERED)
def read(text: str) -> Condition:
    """Read a condition that was written."""
    return msgspec.json.decode(text, type=Condition) if text else ALL


@lru_cache(REMEMBERED)
def steps_of(path: str) -> Steps:
    """Read a path: `plan`, `user.plan`, `items[0].sku`, `['name.with.dots']`, perhaps after `$.`.

    Raises ValueError for what is none.
    """
    text = path.removeprefix("$")
    found: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or len(found) == STEPS_MAX:
            raise ValueError("Must be a path, as plan, user.plan or items[0].sku")
        name, index, single, double = match.groups()
        found.append(int(index) if index is not None else name or single or double)
        at = match.end()
    if not found or (text.startswith(".") and not path.startswith("$")):
        raise ValueError("Must be a path, as plan, user.plan or items[0].sku")
    return tuple(found)


def look(value: Any, steps: Steps) -> Any:
    """Find what a path leads to, MISSING where there is nothing."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step, MISSING) if isinstance(step, str) else MISSING
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return MISSING
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same: 1 and 1.0 are, 1 and true or "1" are not."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return one is other or (_ordered(one, other) and bool(one == other))


def meets(condition: Condition, seen: Seen) -> bool:
    """Whether an event meets a condition."""
    return condition is ALL or unmet(condition, seen) is None


def unmet(condition: Condition, seen: Seen) -> Path | None:
    """Where a condition says the first thing that does not hold, None if all of it holds."""
    event = seen.event
    if condition.channels and event.channel_name not in condition.channels:
        return ("channels",)
    wanted = condition.title
    if wanted is not _TITLE and (part := _title(wanted, event.title)) is not None:
        return ("title", part)
    if condition.user_ids and not _is_one(event.user_id, condition.user_ids, seen.names):
        return ("userIds",)
    if condition.tags is not _TAGS and (part := _tags(condition.tags, seen.tags)) is not None:
        return ("tags", part)
    for index, (steps, passes, value) in enumerate(condition.tests):
        if not passes(look(seen.metadata, steps), value):
            return ("metadata", index)
    free = condition.payload is _PAYLOAD or sieves.passes(condition.payload, seen.metadata)
    return None if free else ("payload",)


def explain(condition: Condition, path: Path, seen: Seen) -> str:
    """Say in words why an event does not meet what a condition says at a path."""
    where, what = path[0], path[-1]
    if where == "metadata":
        index = int(what)
        return _told(condition.metadata[index], look(seen.metadata, condition.tests[index][0]))
    if where == "tags":
        return _told_of_tags(condition.tags, str(what), seen.tags)
    if where == "title":
        if what == "anyOf":
            return "The title is none of these"
        return f"The title does not {TITLE_WORDS[str(what)]} that"
    if where in {"channels", "payload"}:
        rules = f"{condition.payload.match.capitalize()} of these rules must hold"
        return rules if where == "payload" else f"The channel is {seen.event.channel_name}"
    return f"The user is {seen.event.user_id}" if seen.event.user_id else "There is no user"


def check(condition: Condition) -> list[Problem]:
    """What is wrong with a condition; paths lead from its root."""
    found = [problem for index, one in enumerate(condition.metadata) for problem in _of(index, one)]
    if len(condition.metadata) > TESTS_MAX:
        found.append((["metadata"], f"At most {TESTS_MAX}"))
    found += [(["payload", *where], words) for where, words in sieves.check(condition.payload)]
    return found


def _title(wanted: Title, title: str) -> str | None:
    if wanted.equals and title != wanted.equals:
        return "equals"
    if wanted.starts_with and not title.startswith(wanted.starts_with):
        return "startsWith"
    if wanted.any_of and not _is_any(title, wanted.any_of):
        return "anyOf"
    return "contains" if wanted.contains not in title else None


def _is_any(title: str, names: Sequence[str]) -> bool:
    return title in names or any(one[-1:] == "*" and title.startswith(one[:-1]) for one in names)


def _tags(wanted: Tags, tags: frozenset[str]) -> str | None:
    if wanted.any and tags.isdisjoint(wanted.any):
        return "any"
    if wanted.all and not tags.issuperset(wanted.all):
        return "all"
    return "none" if not tags.isdisjoint(wanted.none) else None


def _is_one(user_id: str | None, wanted: Sequence[str], names: Mapping[str, str]) -> bool:
    """Whether a user is wanted: under the name that came with the event, or another one."""
    if user_id is None:
        return False
    mine = names.get(user_id, user_id)
    return any(name == user_id or names.get(name, name) == mine for name in wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordered(one: Any, other: Any) -> bool:
    """Whether two values can be compared: two numbers, or two strings."""
    if isinstance(one, str):
        return isinstance(other, str)
    return _is_number(one) and _is_number(other)


def _contains(found: Any, part: Any) -> bool:
    if isinstance(found, str):
        return isinstance(part, str) and part in found
    return isinstance(found, list) and any(same(one, part) for one in found)


def _in_order(compare: Compare) -> Compare:
    return lambda found, value: _ordered(found, value) and compare(found, value)


COMPARE: Mapping[Op, Compare] = {
    Op.EQ: lambda found, value: found is not MISSING and same(found, value),
    Op.NE: lambda found, value: found is MISSING or not same(found, value),
    Op.CONTAINS: _contains,
    Op.EXISTS: lambda found, value: (found is not MISSING) is (value is not False),
    **{op: _in_order(compare) for op, compare in ORDER.items()},
}
"""Whether a value, or MISSING, is as it is wanted."""


def _told(test: Wanted, found: Any) -> str:
    if test.op is Op.EXISTS:
        return f"There is {'no' if found is MISSING else 'a'} {test.path}"
    if found is MISSING:
        return f"There is no {test.path}"
    kinds = "" if _comparable(test, found) else ", and they cannot be compared"
    must = f"it must {WORDS[test.op]} {_shown(test.value)}"
    return f"{test.path} is {_shown(found)}; {must}{kinds}"


def _told_of_tags(wanted: Tags, part: str, tags: frozenset[str]) -> str:
    if part == "all":
        return f"It lacks the tag {min(set(wanted.all) - tags)}"
    if part == "none":
        return f"It has the tag {min(tags.intersection(wanted.none))}"
    return "It has none of these tags"


def _comparable(test: Wanted, found: Any) -> bool:
    return test.op not in ORDER or _ordered(found, test.value)


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _of(index: int, test: Wanted) -> Iterator[Problem]:
    here: list[str | int] = ["metadata", index]
    try:
        steps_of(test.path)
    except ValueError as fault:
        yield [*here, "path"], str(fault)
    value = test.value
    if test.op is Op.EXISTS and not isinstance(value, bool):
        yield [*here, "value"], "Must be true or false"
    elif test.op in ORDER and not (_is_number(value) or isinstance(value, str)):
        yield [*here, "value"], "Must be a number or a string"
    elif test.op is Op.CONTAINS and isinstance(value, list | dict):
        yield [*here, "value"], "Must be a string, a number, a boolean or null"
    if len(msgspec.json.encode(value)) > VALUE_CHARS_MAX:
        yield [*here, "value"], f"At most {VALUE_CHARS_MAX} characters"
