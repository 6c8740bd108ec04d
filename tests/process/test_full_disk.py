"""The disk is full for a while: what cannot be committed is refused, nothing of it is kept, and all
goes on when there is room again.
"""

from __future__ import annotations

import resource
import uuid

import httpx2
import pytest

from tests import plain
from tests.server import Server

pytestmark = pytest.mark.once  # it is SQLite's log that cannot grow

BEFORE = 40
"""So many quick commits that the event loop makes them itself."""
TRIES = 5


def test_what_a_full_disk_cannot_take_is_refused_and_free(alone: Server) -> None:
    tenant = alone.make_tenant(limit="off")
    headers = {"Authorization": f"Bearer {tenant.key.secret}"}
    with plain.Client(base_url=alone.address, headers=headers, timeout=30) as http:
        for number in range(BEFORE):
            assert _send(http, f"before {number}").status_code == httpx2.codes.CREATED
        _limit(alone, (alone.data / "gatepost.db-wal").stat().st_size)
        keys = [uuid.uuid4().hex for _ in range(TRIES)]
        for key in keys:
            refused = _send(http, f"meanwhile {key}", key)
            assert refused.status_code == httpx2.codes.SERVICE_UNAVAILABLE
            assert refused.json()["code"] == "unavailable"
            assert int(refused.headers["retry-after"]) >= 1
        assert len(_titles(http)) == BEFORE
        _limit(alone, resource.RLIM_INFINITY)
        again = [_send(http, f"again {key}", key) for key in keys]
        assert [one.status_code for one in again] == [httpx2.codes.CREATED] * TRIES
        assert not any("x-idempotent-replay" in one.headers for one in again)
        assert _titles(http)[:TRIES] == [f"again {key}" for key in reversed(keys)]
        assert len(_titles(http)) == BEFORE + TRIES


def _limit(server: Server, size: int) -> None:
    """Let no file of the server's grow beyond a size."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _send(http: httpx2.Client, title: str, key: str = "") -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    event = {"channelName": "orders", "title": title}
    return http.post("/v1/events", json=event, headers=headers)


def _titles(http: httpx2.Client) -> list[str]:
    found = http.get("/v1/events", params={"limit": 100}).json()["data"]["events"]
    return [
        one["title"] for one in found if one["title"].split()[0] in {"before", "meanwhile", "again"}
    ]
