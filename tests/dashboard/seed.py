"""What a small company would have in its account, so that no page is empty: each section adds its
own things to `fill`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests import plain
from tests.dashboard import seed_counts, seed_metering, seed_outbox, seed_sending
from tests.server import Server, Tenant

EVENTS: tuple[dict[str, Any], ...] = (
    {
        "channelName": "signups",
        "title": "Ada Lovelace signed up",
        "description": "By the invitation of Charles",
        "icon": "👋",
        "tags": ["web", "invited"],
        "userId": "ada",
        "metadata": {
            "plan": "trial",
            "seats": 3,
            "referrer": {"kind": "invitation", "by": "charles"},
        },
    },
    {
        "channelName": "payments",
        "title": "Payment of €1,290.00",
        "description": "Invoice 2025-0117 for Analytical Engines Ltd",
        "icon": "💶",
        "tags": ["annual", "eu"],
        "userId": "charles",
        "metadata": {"amount": 1290, "currency": "EUR", "trial": False, "items": ["base", "seats"]},
    },
    {
        "channelName": "deploys",
        "title": "Deployed api 4f2c91e to production",
        "icon": "🚀",
        "tags": ["api"],
        "metadata": {"commit": "4f2c91e", "took_s": 84.2, "previous": None},
    },
    {
        "channelName": "errors",
        "title": "Checkout failed: card was declined",
        "description": "Three times within a minute, from the same address",
        "icon": "🔥",
        "tags": ["checkout"],
        "userId": "grace",
        "notify": False,
        "metadata": {"code": "card_declined", "attempts": 3},
    },
    {
        "channelName": "feedback",
        "title": "“The new export is exactly what we needed”",
        "icon": "💬",
        "tags": ["nps", "9"],
        "userId": "grace",
    },
)
PEOPLE: tuple[dict[str, Any], ...] = (
    {
        "user_id": "ada",
        "properties": {"name": "Ada Lovelace", "plan": "trial", "admin": True},
        "aliases": ["ada@example.com"],
    },
    {
        "user_id": "charles",
        "properties": {
            "name": "Charles Babbage",
            "company": {"name": "Analytical Engines", "seats": 12},
        },
    },
    {"user_id": "grace", "properties": {}},
)
HOSTILE: tuple[dict[str, Any], ...] = (
    {
        "channelName": "hostile",
        "title": "</title><script>document.title='run'</script><img src=x onerror=alert(1)>",
        "description": "\u202eesrever\u202c \u2066isolated\u0007 bell \u200b zero {{7*7}} "
        + "a\u0301\u0302\u0303\u0304\u0305" * 60,
        "icon": "<b>",
        "tags": ["</span><style>*{display:none}</style>", "\u200b"],
        "userId": "../../<svg onload=alert(1)>?x=1#y",
        "metadata": {
            "<i>": "</td></table>",
            "__proto__": {"a": 1},
            "items": [1],
            "url": "javascript:alert(1)",
        },
    },
    {"channelName": "hostile", "title": "W" * 500, "description": "L" * 4000, "userId": "."},
)


def fill(server: Server, tenant: Tenant, *, hostile: bool = True) -> None:
    """Put all of it there, and what means harm."""
    with _client(server, tenant) as client:
        _fill_feed(client, hostile=hostile)
        seed_sending.fill(client)
        seed_outbox.fill(client)
        seed_counts.fill(client, hostile=hostile)
        seed_metering.fill(client, hostile=hostile)


def fill_feed(server: Server, tenant: Tenant) -> None:
    """People and events alone: nothing comes of them later."""
    with _client(server, tenant) as client:
        _fill_feed(client, hostile=True)


def _client(server: Server, tenant: Tenant) -> httpx2.Client:
    headers = {"authorization": f"Bearer {tenant.key.secret}"}
    return plain.Client(base_url=server.address, headers=headers, timeout=30)


def _fill_feed(client: httpx2.Client, *, hostile: bool) -> None:
    for person in PEOPLE:
        _done(client.post("/v1/identify", json=person))
    for event in (*(HOSTILE if hostile else ()), *events()):
        _done(client.post("/v1/events", json=event))


def events() -> list[dict[str, Any]]:
    """Some of today, some of the days before."""
    now = datetime.now(UTC)
    found: list[dict[str, Any]] = []
    for index, event in enumerate((*EVENTS, *EVENTS[:2], *EVENTS[3:])):
        at = now - timedelta(hours=5 * index, minutes=7 * index + 1)
        found.append(event | {"timestamp": at.isoformat()})
    return found


def _done(answer: Any) -> None:
    if answer.status_code not in {200, 201}:
        raise AssertionError(answer.text)
