"""A kill in the middle of requests: what they had reserved comes back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2

from tests import plain
from tests.relay.tenant import make_tenant
from tests.relay.upstream import Exchange, Upstream
from tests.server import Server
from tests.waiting import wait_for

TIMEOUT_S = 1.0
GIVEN_BACK_S = 40.0


async def stalling(exchange: Exchange) -> None:
    await exchange.read()
    await exchange.gone()


def test_a_kill_gives_reservations_back(tmp_path: Path) -> None:
    near = {"GATEPOST_RELAY_NETWORKS": "127.0.0.0/8"}
    with (
        Upstream() as upstream,
        plain.Client(timeout=30) as http,
        Server(tmp_path / "data", env=near) as server,
    ):
        tenant = make_tenant(server, upstream, http)
        customer = tenant.customer({"metric": "units", "limit": 10})
        good = tenant.route(units="array")
        route = tenant.route(stalling, units="array", timeoutSeconds=TIMEOUT_S)
        headers = {"X-Customer-ID": customer}

        def lost() -> None:
            try:
                tenant.send(route.path, b"[1, 2, 3]", headers)
            except httpx2.TransportError:
                return
            raise AssertionError("answered by a killed server")

        with ThreadPoolExecutor(3) as pool:
            flights = [pool.submit(lost) for _ in range(3)]
            wait_for(lambda: len(upstream.seen[route.there]) == 3, "all of them there")
            server.kill()
            for flight in flights:
                flight.result()
        assert tenant.holds() == 3
        server.start()
        wire = replace(tenant.admin.wire, address=server.address)
        again = replace(tenant, admin=replace(tenant.admin, wire=wire))
        assert again.used(customer) == 9
        assert again.send(good.path, b"[1, 2]", headers).status_code == 429
        wait_for(lambda: again.used(customer) == 0, "what was reserved", GIVEN_BACK_S)
        assert again.holds() == 0
        assert again.send(good.path, b"[1, 2]", headers).status_code == 200
        assert again.metered(f"POST {route.path}") == []
