"""EMMI's wire, spoken plainly: what is sent is what is written here."""

import json
import uuid
from typing import Any

import httpx2

from tests.server import AMPLE, Key, Server, unique

PREFIXES = ("/latest/api/v1", "/v1/api/v1", "/api/v1")
ECHO = "/echo-estimates"
NOBODY = str(uuid.UUID(int=0x0B5E8F0A3F5D4F0E9D3B6A4B1C2D3E4F))
"""A UUID that no customer has."""


MINE = "the account's own key"


class Account:
    """An account with a key in EMMI's format, asking under one of the prefixes."""

    def __init__(self, server: Server, http: httpx2.Client, *, plan: str = "unlimited") -> None:
        self.server = server
        self.http = http
        self.prefix = PREFIXES[0]
        self.id = server.make_account(plan=plan)
        self.key = self.make_key()

    def make_key(self, *, limit: str | None = AMPLE, scope: str = "full") -> Key:
        return self.server.make_key(self.id, None, limit=limit, scope=scope, key_format="emmi")

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = MINE,
        customer: str | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """Send a request; bytes are sent as they are, anything else as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["X-API-Key"] = self.key.secret if key is MINE else key
        if customer is not None:
            named["X-Customer-ID"] = customer
        content = body
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        if body is not None:
            named = {"Content-Type": "application/json"} | named
        url = f"{self.server.address}{self.prefix}{path}"
        return self.http.request(method, url, content=content, headers=named)

    def get(self, path: str) -> Any:
        return data_of(self.send("GET", path))

    def register(self, identifier: str | None = None, **more: Any) -> dict[str, Any]:
        body = {"identifier": identifier or unique("customer")} | more
        return dict(data_of(self.send("POST", "/customers", body), 201))

    def ask(self, customer: str | None, body: Any = None, **more: Any) -> httpx2.Response:
        """A data request; one entity unless a body is given."""
        return self.send(
            "POST", ECHO, an_entity() if body is None else body, customer=customer, **more
        )

    def used(self, customer: str) -> tuple[int, int, int]:
        """Requests, units and errors of a customer in the current month."""
        totals = self.get(f"/customers/{customer}/usage")["totals"]
        return totals["requests"], totals["units"], totals["errors"]


def an_entity(**data: Any) -> dict[str, Any]:
    return {"entity_info": {"identifier": "US0378331005", "asset_type": "equity"}, "data": data}


def data_of(answer: httpx2.Response, status: int = 200) -> Any:
    """What a success carries: JSON, and no envelope around it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert uuid.UUID(answer.headers["x-request-id"]).version == 4
    return answer.json()


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, which has this status and code."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert ("details" in body["error"]) is (code == "validation_error")
    return body


def faults(answer: httpx2.Response) -> list[str]:
    """The members that are at fault."""
    details = refused(answer, 422, "validation_error")["error"]["details"]
    assert all(one["message"] for one in details)
    return [one["field"] for one in details]


def without_id(answer: httpx2.Response) -> bytes:
    """A refusal's bytes, but for the request's id."""
    return answer.content.replace(answer.headers["x-request-id"].encode(), b"")
