"""What happens in the demo: a stream of events with the rhythm of days and weeks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from random import Random
from typing import Any

import msgspec

from gatepost.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from gatepost.cli.demo.cast import AT_CHECKOUT, COFFEES, FAULTS, PRAISE, SERVICES, Person, maybe
from gatepost.engine.track import Track

HOURS = (1, 1, 1, 1, 1, 2, 5, 9, 12, 13, 12, 11, 10, 11, 12, 12, 11, 10, 9, 10, 9, 7, 4, 2)
"""How busy each hour of a day is (UTC)."""
WEEKDAYS = (10, 10, 11, 11, 12, 7, 5)
GROWTH = 0.8
"""How much busier the last day is than the first."""
BURST_BEFORE_MS = 6 * DAY_MS + 3 * HOUR_MS
BURST_MS = 12 * MINUTE_MS
BURST_SHARE = 0.008
LARGE = 15000
"""From how many cents on an order is large."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says."""

    channel: str
    title: str
    icon: str
    description: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    user: Person | None = None


def busy(at: int, start: int, end: int) -> float:
    """How much happens at a moment (ms), relative to others."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    grown = 1 + GROWTH * (at - start) / max(end - start, 1)
    return HOURS[moment.hour] * WEEKDAYS[moment.weekday()] * grown


def moments(random: Random, start: int, end: int, many: int) -> list[int]:
    """So many moments (ms) between two others, in order, more of them where more happens."""
    hours = range(start, end, HOUR_MS)
    weights = list(accumulate(busy(at, start, end) for at in hours))
    found = random.choices(hours, cum_weights=weights, k=many)
    return sorted(min(at + random.randrange(HOUR_MS), end) for at in found)


def story(
    random: Random, crowd: Sequence[Person], start: int, end: int, many: int
) -> Iterator[tuple[int, Said]]:
    """Tell all that happened, in order; one evening many checkouts fail."""
    burst = int(many * BURST_SHARE)
    began = end - BURST_BEFORE_MS
    bad = [began + random.randrange(BURST_MS) for _ in range(burst)]
    told = [(at, True) for at in bad] + [
        (at, False) for at in moments(random, start, end, many - burst)
    ]
    for at, failing in sorted(told):
        yield at, error(random, crowd, 0) if failing else happening(random, crowd)


def happening(random: Random, crowd: Sequence[Person]) -> Said:
    """One thing that happens."""
    maker = random.choices(MAKERS, WEIGHTS)[0]
    return maker(random, crowd)


def command(said: Said, at: int | None, *, notify: bool = True) -> Track:
    """Put it as the verb takes it; `at` (ms) None is now. Half of all people are named by alias."""
    user = said.user
    name = None if user is None else user.email if len(said.title) % 2 else user.user_id
    return Track(
        channel=said.channel,
        title=said.title,
        description=said.description,
        icon=said.icon,
        tags_json=msgspec.json.encode(said.tags).decode(),
        metadata_json=msgspec.json.encode(said.metadata).decode(),
        user_id=name,
        notify=notify,
        source="demo",
        display_as="message",
        event_key=None,
        at=at,
    )


def order(random: Random, crowd: Sequence[Person]) -> Said:
    who = random.choice(crowd)
    coffee, price = random.choice(COFFEES)
    bags = random.choices((1, 2, 3, 6, 12), (50, 28, 12, 7, 3))[0]
    total = price * bags
    tags = ("subscription" if maybe(random, 0.4) else "one-off", who.country.lower())
    return Said(
        channel="orders",
        title=f"Order of {total / 100:.2f} EUR",
        description=f"{bags} bags of {coffee}",
        icon="🛒",
        tags=(*tags, "large") if total >= LARGE else tags,
        metadata={
            "order": f"L-{random.randrange(10**6):06}",
            "amount": total,
            "currency": "EUR",
            "items": [{"name": coffee, "bags": bags}],
            "gift": maybe(random, 0.1),
        },
        user=who,
    )


def payment(random: Random, crowd: Sequence[Person]) -> Said:
    who, failed = random.choice(crowd), maybe(random, 0.06)
    amount = random.choice(COFFEES)[1] * random.randint(1, 4)
    words = "Payment failed" if failed else "Payment received"
    return Said(
        channel="payments",
        title=f"{words}: {amount / 100:.2f} EUR",
        icon="⚠️" if failed else "💶",
        tags=("failed" if failed else "paid", random.choice(("card", "transfer", "wallet"))),
        metadata={"amount": amount, "currency": "EUR", "attempt": random.choice((1, 1, 1, 2))},
        user=who,
    )


def signup(random: Random, crowd: Sequence[Person]) -> Said:
    who = random.choice(crowd)
    return Said(
        channel="signups",
        title=f"{who.name} signed up",
        icon="👋",
        tags=(random.choice(("web", "web", "ios", "android")), who.plan),
        metadata={
            "plan": who.plan,
            "country": who.country,
            "referrer": {"kind": random.choice(("search", "friend", "ad", "newsletter"))},
        },
        user=who,
    )


def subscription(random: Random, crowd: Sequence[Person]) -> Said:
    who = random.choice(crowd)
    what, icon = random.choice(
        (("paused", "⏸️"), ("renewed", "🔁"), ("ended", "🍂"), ("began", "🌱"))
    )
    return Said(
        channel="subscriptions",
        title=f"Subscription {what}",
        icon=icon,
        tags=(what, who.plan),
        metadata={"plan": who.plan, "months": random.randint(1, 30), "renews": what != "ended"},
        user=who,
    )


def error(random: Random, crowd: Sequence[Person], which: int | None = None) -> Said:
    number = random.choices(range(len(FAULTS)), (5, 3, 2, 4))[0] if which is None else which
    title, code = FAULTS[number]
    return Said(
        channel="errors",
        title=title,
        icon="🔥",
        description=f"Seen {random.randint(1, 9)} times within a minute",
        tags=(code, random.choice(SERVICES)),
        metadata={"code": code, "took_ms": random.randint(40, 9000), "trace": None},
        user=random.choice(crowd) if code in AT_CHECKOUT else None,
    )


def deploy(random: Random, crowd: Sequence[Person]) -> Said:
    del crowd
    commit, service = f"{random.randrange(16**7):07x}", random.choice(SERVICES)
    return Said(
        channel="deploys",
        title=f"Deployed {service} {commit}",
        icon="🚀",
        tags=(service, "production"),
        metadata={"commit": commit, "took_s": round(random.uniform(20, 180), 1), "rollback": False},
    )


def feedback(random: Random, crowd: Sequence[Person]) -> Said:
    score = random.choices(range(4, 11), (1, 1, 2, 3, 6, 8, 7))[0]
    return Said(
        channel="feedback",
        title=f"“{random.choice(PRAISE)}”",
        icon="💬",
        tags=("nps", str(score)),
        metadata={"score": score},
        user=random.choice(crowd),
    )


def shipped(random: Random, crowd: Sequence[Person]) -> Said:
    who = random.choice(crowd)
    return Said(
        channel="shipping",
        title=f"Parcel to {who.country} left the roastery",
        icon="📦",
        tags=(random.choice(("post", "courier", "bike")), who.country.lower()),
        metadata={"grams": random.choice((250, 500, 1000, 3000)), "tracked": True},
        user=who,
    )


Maker = Callable[[Random, Sequence[Person]], Said]
MAKERS: tuple[Maker, ...] = (
    order,
    payment,
    signup,
    subscription,
    error,
    deploy,
    feedback,
    shipped,
)
WEIGHTS = (30, 26, 12, 8, 6, 2, 4, 20)
