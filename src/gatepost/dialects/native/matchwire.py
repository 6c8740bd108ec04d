"""Conditions on events, on the wire: of rules and of endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.domains.channels.model import normalise
from gatepost.domains.events import conditions
from gatepost.domains.events.conditions import Condition, Op, Problem, Tags, Title, Wanted
from gatepost.domains.events.sieve import FIELD_MAX, RULES_MAX, Comparison, Sieve, SieveRule

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Names = Annotated[list[Name], Meta(max_length=conditions.NAMES_MAX)]
Part = Annotated[str, Meta(max_length=500)]
Titles = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=500)]],
    Meta(
        max_length=conditions.NAMES_MAX,
        description="It must be one of these; one that ends in `*` is whatever begins so.",
    ),
]


class TagsIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Tags: one of `any`, each of `all`, and `none` of these."""

    any: Names = []
    all: Names = []
    none: Names = []


class TitleIn(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, omit_defaults=True
):
    """What the title must be like: all that is given must hold, in upper and lower case."""

    contains: Part = ""
    equals: Part = ""
    starts_with: Part = ""
    any_of: Titles = []


class WantedIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a value in the metadata must be. Strings are compared with strings, numbers with
    numbers; a missing value meets only `ne`, and `exists` with the value false.
    """

    path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=conditions.PATH_MAX,
            description="As `plan`, `user.plan`, `items[0].sku` or `['with.dots']`.",
        ),
    ]
    op: Op
    value: Annotated[Any, Meta(description="What it is compared with; of `exists` a boolean.")] = (
        True
    )


class SieveRuleIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What a value in the metadata must be: what reads as a number is compared as one."""

    field: Annotated[
        str, Meta(min_length=1, max_length=FIELD_MAX, description="As `status` or `meta.app`.")
    ]
    operator: Comparison
    value: Annotated[
        Any,
        Meta(description="What it is compared with; of `in` and `not_in` a list, of `is_set` none"),
    ] = None


class SieveIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Rules on the metadata, all of which must hold, or any."""

    match: Literal["all", "any"] = "all"
    rules: Annotated[list[SieveRuleIn], Meta(max_length=RULES_MAX)] = []


class MatchIn(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, omit_defaults=True
):
    """What an event must be: all that is given must hold."""

    channels: Annotated[Names, Meta(description="One of these channels.")] = []
    tags: TagsIn = TagsIn()
    title: TitleIn = TitleIn()
    user_ids: Annotated[Names, Meta(description="One of these users, under any name.")] = []
    metadata: Annotated[list[WantedIn], Meta(max_length=conditions.TESTS_MAX)] = []
    payload: SieveIn = SieveIn()


def read(given: MatchIn, path: Sequence[str | int], problems: list[Problem]) -> str:
    """Read a condition as JSON, empty where every event meets it; adds what is wrong with it."""
    condition = Condition(
        channels=_channels(given.channels, path, problems),
        tags=Tags(tuple(given.tags.any), tuple(given.tags.all), tuple(given.tags.none)),
        title=_title(given.title),
        user_ids=tuple(dict.fromkeys(given.user_ids)),
        metadata=tuple(Wanted(one.path, one.op, one.value) for one in given.metadata),
        payload=_sieve(given.payload),
    )
    problems += [([*path, *where], words) for where, words in conditions.check(condition)]
    return conditions.write(condition)


def show(text: str) -> MatchIn:
    """Write a condition for the wire."""
    return msgspec.json.decode(text or "{}", type=MatchIn)


def _sieve(given: SieveIn) -> Sieve:
    rules = tuple(SieveRule(one.field, one.operator, one.value) for one in given.rules)
    return Sieve(given.match, rules) if rules else Sieve()


def _title(given: TitleIn) -> Title:
    one_of = tuple(dict.fromkeys(given.any_of))
    return Title(given.contains, given.equals, given.starts_with, one_of)


def _channels(
    names: Sequence[str], path: Sequence[str | int], problems: list[Problem]
) -> tuple[str, ...]:
    found = [normalise(name) for name in names]
    problems += [
        ([*path, "channels", index], "Names no channel")
        for index, name in enumerate(found)
        if not name
    ]
    return tuple(dict.fromkeys(found))
