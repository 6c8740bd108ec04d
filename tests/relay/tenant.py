"""An account with routes to an upstream, and what it is charged for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.api.admin import Admin, make_admin
from tests.dialects.native.wire import data_of
from tests.relay.upstream import Behaviour, Seen, Upstream
from tests.server import Server, unique


@dataclass(frozen=True)
class Route:
    """A declared route, and the path it leads to at the upstream."""

    id: str
    path: str
    there: str


@dataclass(frozen=True)
class Tenant:
    admin: Admin
    server: Server
    upstream: Upstream

    def declare(self, method: str, path: str, upstream: str, **more: Any) -> dict[str, Any]:
        body = {"method": method, "path": path, "upstream": upstream, **more}
        return data_of(self.admin.send("POST", "/v1/relays", body), 201)

    def route(
        self, does: Behaviour | None = None, method: str = "POST", there: str = "", **more: Any
    ) -> Route:
        """A route of the test's own that does something at the upstream."""
        path = f"/{unique('route')}"
        there = there or f"/there{path}"
        if does is not None:
            self.upstream.does[there] = does
        made = self.declare(method, path, f"{self.upstream.address}{there}", **more)
        return Route(made["id"], path, there)

    def send(
        self,
        path: str,
        content: Any = b"{}",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> httpx2.Response:
        own = {"Content-Type": "application/json"} | dict(headers or {})
        return self.admin.wire.send(method, path, content, own)

    def seen(self, route: Route) -> Seen:
        return self.upstream.one(route.there)

    def customer(self, quota: Mapping[str, Any] | None = None) -> str:
        """The id of a new customer, by whom X-Customer-ID names it."""
        body = {"identifier": unique("customer")}
        made = data_of(self.admin.send("POST", "/v1/customers", body), 201)
        if quota is not None:
            path = f"/v1/customers/{made['id']}/quota"
            period = {"period": "month", "mode": "hard"}
            data_of(self.admin.send("PUT", path, period | dict(quota)), 200)
        return str(made["id"])

    def used(self, customer: str) -> int:
        """What the customer's quota says is used."""
        return int(self.admin.get(f"/v1/customers/{customer}/quota")["used"])

    def metered(self, route: str) -> list[tuple[int, int, int]]:
        """(status, requests, units) of a route, in the order of the statuses."""
        account = bytes.fromhex(self.admin.account.rpartition("_")[2])
        rows = self.server.query(
            "SELECT status, SUM(requests), SUM(units) FROM usage_lines"
            " WHERE account_id = ? AND route = ? GROUP BY status ORDER BY status",
            account,
            route,
        )
        return [(int(status), int(requests), int(units)) for status, requests, units in rows]

    def holds(self) -> int:
        """How many reservations stand."""
        account = bytes.fromhex(self.admin.account.rpartition("_")[2])
        query = "SELECT COUNT(*) FROM relay_holds WHERE account_id = ?"
        return int(self.server.query(query, account)[0][0])


def make_tenant(
    server: Server, upstream: Upstream, http: httpx2.Client, *, plan: str = "unlimited"
) -> Tenant:
    return Tenant(make_admin(server, http, plan=plan), server, upstream)
