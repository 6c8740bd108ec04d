"""Customers of a small company, keys of its own and of its users, and what they have used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

CUSTOMERS = (("acme", "Acme Corp"), ("globex", "Globex"), ("initech", "Initech"))
HOSTILE = ("=1+1</td>", "</title><script>document.title='run'</script>\u202e" + "W" * 150)
EVENT = {"channelName": "signups", "title": "Signed up by a customer", "notify": False}


def fill(client: httpx2.Client, *, hostile: bool = True) -> None:
    """Make all of it."""
    named = (*CUSTOMERS, HOSTILE) if hostile else CUSTOMERS
    customers = [
        _made(client, "/v1/customers", {"identifier": one, "name": name, "metadata": {"in": "eu"}})
        for one, name in named
    ]
    for index, customer in enumerate(customers):
        for _ in range(2 + index):
            _made(client, "/v1/events", EVENT, customer["id"])
    first, second = customers[0]["id"], customers[1]["id"]
    hard = {"metric": "requests", "limit": 3, "period": "month", "mode": "hard"}
    client.put(f"/v1/customers/{first}/quota", json=hard)
    soft = {"metric": "units", "limit": 2, "period": "day"}
    client.put(f"/v1/customers/{second}/quota", json=soft)
    correction = {"requests": -1, "reason": "Sent twice by our own fault"}
    _made(client, f"/v1/customers/{first}/adjustments", correction)
    _keys(client, first, named[-1][1][:100])
    _gate(client, second)


def _keys(client: httpx2.Client, customer: str, name: str) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    own = ["usage:read", "customers:read", "events:read"]
    _made(client, "/v1/keys", {"name": "nightly report", "scopes": own, "expiresAt": soon})
    _made(client, "/v1/keys", {"name": "acme, its usage", "customerId": customer})
    shop = _made(client, "/v1/keys", {"name": name, "scopes": ["events"], "limit": "100/60s"})
    secret = {"authorization": f"Bearer {shop['key']}"}
    client.post("/v1/events", json={"title": "no channel"}, headers=secret)
    client.get("/v1/people", headers=secret)


def _gate(client: httpx2.Client, customer: str) -> None:
    quota = {"limit": 100, "period": "month"}
    new = {"name": "Ada's laptop", "prefix": "acme", "scopes": ["estimates:*"], "quota": quota}
    more = {"customerId": customer, "limit": "100/60s", "metadata": {"plan": "pro"}}
    key = _made(client, "/v1/gate/keys", {**new, **more})["key"]
    for scope in ("estimates:write", "reports:read"):
        client.post("/v1/gate/check", json={"key": key, "scope": scope, "route": "POST /estimates"})
    relay = {
        "method": "POST",
        "path": "/estimates",
        "upstream": "https://api.example.com/estimates",
    }
    _made(client, "/v1/relays", relay)


def _made(client: httpx2.Client, path: str, body: Any, customer: str = "") -> dict[str, Any]:
    headers = {"x-customer-id": customer} if customer else {}
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"]
    return made
