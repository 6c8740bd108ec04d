"""Another process holds SQLite's write lock: writes wait for it, and nobody waits for them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import httpx2
import pytest

from tests import plain
from tests.server import Server

pytestmark = pytest.mark.once  # it is SQLite's file that is locked

WRITES = 8
READS = 20
READ_S_MAX = 1.0


async def test_reads_go_on_while_writes_wait(alone: Server) -> None:
    tenant = alone.make_tenant(limit="off")
    file = sqlite3.connect(alone.data / "gatepost.db", isolation_level=None)
    headers = {"Authorization": f"Bearer {tenant.key.secret}"}
    async with plain.AsyncClient(base_url=alone.address, headers=headers, timeout=30) as http:
        (await _send(http, 0)).raise_for_status()
        with closing(file):
            file.execute("BEGIN IMMEDIATE")
            writes = [asyncio.create_task(_send(http, number)) for number in range(WRITES)]
            for _ in range(READS):
                found = await http.get("/v1/me", timeout=READ_S_MAX)
                assert found.status_code == httpx2.codes.OK
            assert not any(one.done() for one in writes)
            file.execute("ROLLBACK")
        answers = await asyncio.gather(*writes)
        assert [one.status_code for one in answers] == [httpx2.codes.CREATED] * WRITES
        stored = (await http.get("/v1/events")).json()["data"]["events"]
    assert len(stored) == WRITES + 1


async def _send(http: httpx2.AsyncClient, number: int) -> httpx2.Response:
    event = {"channelName": "orders", "title": f"Order {number}"}
    return await http.post("/v1/events", json=event)
