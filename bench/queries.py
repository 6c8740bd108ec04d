"""The filters that are measured, chosen to include the hard ones: rare, empty, and common filters
that never meet. Each answer is checked against what the corpus is known to hold."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bench import corpus
from bench.corpus import CHANNELS, PLANS, REGIONS, TAGS, channel_tag, plan_tag

PAGE = 50
FULL, SOME, ANY, NONE = (PAGE, PAGE), (1, PAGE), (0, PAGE), (0, 0)


class Query(msgspec.Struct, frozen=True):
    """One list request: its kind, its parameters, and the least and most events of its page."""

    kind: str
    params: dict[str, str]
    size: tuple[int, int]


Kind = Callable[[random.Random, int, datetime], Query]


def word(rng: random.Random) -> str:
    return rng.choice(corpus.VERBS)


def rare_word(rng: random.Random) -> str:
    return f"w{rng.randrange(corpus.RARE_WORDS)}"


def user(rng: random.Random) -> str:
    return f"user_{rng.randrange(corpus.USERS // 2)}"


def window(rng: random.Random, end: datetime, length: timedelta) -> dict[str, str]:
    """A stretch of the stored 30 days."""
    start = end - corpus.SPAN + (corpus.SPAN - length) * rng.random()
    return {"since": stamp(start), "before": stamp(start + length)}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def one(
    kind: str, size: tuple[int, int], params: Callable[[random.Random], dict[str, str]]
) -> Kind:
    return lambda rng, _total, _end: Query(kind, params(rng), size)


def two_channels(rng: random.Random) -> tuple[str, str]:
    first, second = rng.sample(CHANNELS[:5], 2)
    return first, second


def apart(rng: random.Random) -> dict[str, str]:
    first, second = two_channels(rng)
    return {"channel": first, "tag": channel_tag(second)}


def plans_apart(rng: random.Random) -> dict[str, str]:
    first, second = rng.sample(PLANS, 2)
    return {"metadata.plan": first, "tag": plan_tag(second)}


def by_order(rng: random.Random, total: int, _end: datetime) -> Query:
    params = {"metadata.orderId": corpus.order_id(rng.randrange(total))}
    return Query("metadata, one event", params, (1, 1))


def by_hour(rng: random.Random, _total: int, end: datetime) -> Query:
    return Query("one hour", window(rng, end, timedelta(hours=1)), SOME)


def channel_day(rng: random.Random, _total: int, end: datetime) -> Query:
    params = {"channel": rng.choice(CHANNELS[:5])} | window(rng, end, timedelta(days=1))
    return Query("common channel, one day", params, SOME)


def user_week(rng: random.Random, _total: int, end: datetime) -> Query:
    params = {"userId": user(rng)} | window(rng, end, timedelta(days=7))
    return Query("user, one week", params, ANY)


def word_day(rng: random.Random, _total: int, end: datetime) -> Query:
    params = {"q": word(rng), "metadata.plan": "pro"} | window(rng, end, timedelta(days=1))
    return Query("common word, metadata, one day", params, SOME)


def old_rare_tag(rng: random.Random, _total: int, end: datetime) -> Query:
    before = stamp(end - corpus.SPAN * (0.1 + 0.8 * rng.random()))
    return Query("rare tag, before a day", {"tag": rng.choice(TAGS[90:]), "before": before}, SOME)


KINDS: Sequence[Kind] = (
    one("common channel", FULL, lambda r: {"channel": r.choice(CHANNELS[:5])}),
    one("rare channel", SOME, lambda r: {"channel": r.choice(CHANNELS[30:])}),
    one("unknown channel", NONE, lambda r: {"channel": f"nowhere-{r.randrange(99)}"}),
    one("common tag", FULL, lambda r: {"tag": r.choice(TAGS[:5])}),
    one("rare tag", SOME, lambda r: {"tag": r.choice(TAGS[90:])}),
    one("user", ANY, lambda r: {"userId": user(r)}),
    one("common word", FULL, lambda r: {"q": word(r)}),
    one("rare word", ANY, lambda r: {"q": rare_word(r)}),
    one("two words", FULL, lambda r: {"q": f"{r.choice(corpus.NOUNS)} {word(r)}"}),
    one("unknown word", NONE, lambda r: {"q": f"zzyzx{r.randrange(99)}"}),
    one("common metadata", FULL, lambda r: {"metadata.plan": r.choice(PLANS)}),
    one("channel, tag", SOME, lambda r: {"channel": r.choice(CHANNELS[:9]), "tag": r.choice(TAGS)}),
    one(
        "channel, metadata",
        SOME,
        lambda r: {"channel": r.choice(CHANNELS[:9]), "metadata.plan": "team"},
    ),
    one(
        "tag, two metadata",
        SOME,
        lambda r: {
            "tag": r.choice(TAGS[:30]),
            "metadata.plan": r.choice(PLANS),
            "metadata.region": r.choice(REGIONS),
        },
    ),
    one("common word, user", ANY, lambda r: {"q": word(r), "userId": user(r)}),
    one(
        "rare word, channel", ANY, lambda r: {"q": rare_word(r), "channel": r.choice(CHANNELS[:5])}
    ),
    one("common channel and tag that never meet", NONE, apart),
    one("common metadata and tag that never meet", NONE, plans_apart),
    by_order,
    by_hour,
    channel_day,
    user_week,
    word_day,
    old_rare_tag,
)


def wrong(query: Query, events: Sequence[dict[str, Any]]) -> str:
    """What is wrong with a page, or nothing."""
    least, most = query.size
    if not least <= len(events) <= most:
        return f"{len(events)} events instead of {least} to {most}"
    for event in events:
        for name, value in query.params.items():
            if not fits(event, name, value):
                return f"an event does not match {name}={value}: {event}"
    times = [event["createdAt"] for event in events]
    return "" if times == sorted(times, reverse=True) else "not newest first"


def fits(event: dict[str, Any], name: str, value: str) -> bool:
    """Whether an event matches one parameter of a query."""
    at: str = event["createdAt"]
    text = f"{event['title']} {event['description']}".lower()
    checks: dict[str, Callable[[], bool]] = {
        "channel": lambda: event["channelName"] == value,
        "tag": lambda: value in event["tags"],
        "userId": lambda: event["userId"] == value,
        "q": lambda: all(part.lower() in text.split() for part in value.split()),
        "since": lambda: at >= value,
        "before": lambda: at < value,
    }
    if name.startswith("metadata."):
        found: bool = event["metadata"].get(name.removeprefix("metadata.")) == value
        return found
    return checks[name]()
