"""Events as a service would send them: varied, repeatable from a seed, about 250 bytes each."""

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

CHANNELS = [
    f"{area}-{kind}"
    for area in ("payments", "signups", "orders", "deploys", "support", "emails", "jobs", "audit")
    for kind in ("main", "europe", "asia", "beta", "legacy")
]
TAGS = [f"tag-{number}" for number in range(120)]
PLANS = ("free", "pro", "team", "enterprise")
REGIONS = ("eu", "us", "ap")
VERBS = ("received", "failed", "created", "updated", "cancelled", "refunded", "shipped", "retried")
NOUNS = ("Payment", "Invoice", "Signup", "Order", "Deployment", "Ticket", "Session", "Job")
USERS = 50_000
RARE_WORDS = 5_000
SPAN = timedelta(days=30)

# The event that the road sends again and again.
PAYMENT = {
    "channelName": "payments",
    "title": "Payment received",
    "description": "Invoice 10429 was paid in full by card ending in 4242",
    "tags": ["billing", "card"],
    "metadata": {"plan": "pro", "amount": 4900, "currency": "EUR"},
    "userId": "user_123",
}


def skewed(things: list[str]) -> list[float]:
    """Cumulative weights: the n-th thing is n times rarer than the first."""
    return list(itertools.accumulate(1 / (rank + 1) for rank in range(len(things))))


CHANNEL_WEIGHTS = skewed(CHANNELS)
TAG_WEIGHTS = skewed(TAGS)


def channel_tag(channel: str) -> str:
    """The tag that every event of a channel has, and no other event."""
    return f"in-{channel}"


def plan_tag(plan: str) -> str:
    """The tag that every event of a plan has, and no other event."""
    return f"plan-{plan}"


def order_id(number: int) -> str:
    return f"order-{number:08d}"


def event(number: int, rng: random.Random) -> dict[str, Any]:
    """The event of that number, without a timestamp."""
    channel = rng.choices(CHANNELS, cum_weights=CHANNEL_WEIGHTS)[0]
    tags = set(rng.choices(TAGS, cum_weights=TAG_WEIGHTS, k=2))
    plan = PLANS[int(rng.random() ** 2 * len(PLANS))]
    noun, verb = rng.choice(NOUNS), rng.choice(VERBS)
    return {
        "channelName": channel,
        "title": f"{noun} {verb}",
        "description": f"Handled by worker w{rng.randrange(RARE_WORDS)} in {rng.randrange(900)} ms",
        "tags": [*sorted(tags), channel_tag(channel), plan_tag(plan)],
        "metadata": {
            "plan": plan,
            "region": rng.choice(REGIONS),
            "orderId": order_id(number),
            "amount": rng.randrange(100, 99_900),
        },
        "userId": f"user_{int(rng.random() ** 2 * USERS)}",
    }


def batches(total: int, size: int, end: datetime) -> Iterator[bytes]:
    """JSON arrays of `size` events in time order, spread over the 30 days before `end`."""
    for start in range(0, total, size):
        rng = random.Random(start)
        items = []
        for number in range(start, min(start + size, total)):
            at = end - SPAN + SPAN * (number / total)
            items.append(event(number, rng) | {"timestamp": at.astimezone(UTC).isoformat()})
        yield msgspec.json.encode(items)


def load_batch(seed: int, size: int) -> bytes:
    """One JSON array of `size` events that happen when they arrive."""
    rng = random.Random(seed)
    return msgspec.json.encode([event(seed * size + index, rng) for index in range(size)])
