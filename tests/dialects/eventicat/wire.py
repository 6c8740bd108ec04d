"""Eventicat's wire, spoken plainly: what is sent is what is written here."""

import json
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.server import AMPLE, Key, Server, Tenant

PATH = "/api/event"
OK = {"status": "ok"}
ANY_TIME = "from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"


class Sender:
    """A tenant with a key in Eventicat's format, and an aggregator of its own."""

    def __init__(
        self, server: Server, http: httpx2.Client, tenant: Tenant, limit: str = AMPLE
    ) -> None:
        self.server = server
        self.tenant = tenant
        self.http = http
        self.key: Key = server.make_key(tenant.account, None, limit=limit, key_format="eventicat")
        self.aggregator = self.make_aggregator()

    def make_aggregator(self) -> str:
        return self.server.make_aggregator(self.tenant.account)

    def get(self, query: str = "", *, key: str | None = None, **headers: str) -> httpx2.Response:
        """`GET /api/event` with this sender's id and key, and more of a query."""
        secret = self.key.secret if key is None else key
        url = f"{PATH}?_id={self.aggregator}&_apikey={secret}{query}"
        return self.send("GET", url, **headers)

    def post(self, query: str = "", content: Any = b"", **headers: str) -> httpx2.Response:
        """`POST /api/event` with this sender's id in the URL and its key in the header."""
        if isinstance(content, dict):
            content, headers = json.dumps(content), {"Content_Type": "application/json"} | headers
        bearer = {"Authorization": f"Bearer {self.key.secret}"}
        return self.send(
            "POST", f"{PATH}?_id={self.aggregator}{query}", content, **bearer | headers
        )

    def send(self, method: str, url: str, content: Any = None, **headers: str) -> httpx2.Response:
        """A request exactly as it is written: the client changes nothing of the URL."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        host = urlsplit(self.server.address)
        raw = httpx2.URL(scheme="http", host=host.hostname, port=host.port, raw_path=url.encode())
        return self.http.request(method, raw, content=content, headers=named)

    def counted(self, group_by: str = "none", query: str = "") -> Counter[str]:
        """What has been counted, by event or tag; the total is under the empty text."""
        url = f"{self.server.address}/v1/aggregators/{self.aggregator}/report?{ANY_TIME}"
        answer = self.http.get(
            f"{url}&groupBy={group_by}{query}",
            headers={"Authorization": f"Bearer {self.key.secret}"},
        )
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        found = Counter({"": data["total"]})
        for row in data["rows"]:
            if group_by != "none":
                found[row.get("event", row.get("tag"))] += row["count"]
        return found
