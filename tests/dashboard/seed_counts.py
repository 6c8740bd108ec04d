"""Counts of a small company: an aggregator with some, one that waits, one that was archived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2

EVENTS: tuple[tuple[str, ...], ...] = (
    ("user_signup", "plan:pro", "region:eu"),
    ("user_signup", "plan:free", "region:us"),
    ("user_signup",),
    ("order_paid", "plan:pro"),
    ("order_paid", "region:eu", "beta"),
    ("page_view", "web-mobile"),
)
HOSTILE: tuple[tuple[str, ...], ...] = (
    ("</td><script>document.title='run'</script>", "</option><style>*{display:none}</style>"),
    ("\u202eevil", "\u200b"),
    ("W" * 200, "=1+1"),
)


def fill(client: httpx2.Client, *, hostile: bool = True) -> None:
    """Make all of it; hostile names are of an aggregator of its own."""
    count(client, make(client, "Web shop"), EVENTS)
    make(client, "Not used yet")
    old = make(client, "Old shop")
    done = client.patch(f"/v1/aggregators/{old}", json={"archived": True})
    assert done.status_code == 200, done.text
    if hostile:
        count(client, make(client, "</title><b>\u202e shop"), HOSTILE)


def make(client: httpx2.Client, name: str) -> str:
    """Make an aggregator: its id."""
    made = client.post("/v1/aggregators", json={"name": name})
    assert made.status_code == 201, made.text
    return str(made.json()["data"]["id"])


def count(client: httpx2.Client, aggregator: str, events: Sequence[tuple[str, ...]]) -> None:
    """Count events: names, each with its tags."""
    for name, *tags in events:
        body: dict[str, Any] = {"name": name, **dict.fromkeys(tags, True)}
        answer = client.post(f"/api/event?_id={aggregator}", json=body)
        assert answer.status_code == 200, answer.text
