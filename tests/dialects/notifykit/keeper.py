"""Whoever keeps an account: NotifyKit's dashboard, spoken plainly with the account's API key."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from tests.api.admin import Admin
from tests.dialects.native.wire import INSTANT, Wire, data_of
from tests.server import Key, Server

USER = "/api/v1/user"
INDIE = "notifykit-indie"


class Keeper:
    """An account on a plan with a key in NotifyKit's format; `admin` is the same key elsewhere."""

    def __init__(
        self, server: Server, http: httpx2.Client, *, plan: str = INDIE, limit: str | None = "off"
    ) -> None:
        self.server = server
        self.http = http
        self.id = server.make_account(plan=plan)
        self.project = server.make_project(self.id)
        self.key = self.make_key(limit=limit)

    def make_key(self, *, limit: str | None = "off", scope: str = "full") -> Key:
        return self.server.make_key(self.id, None, limit=limit, scope=scope, key_format="notifykit")

    @property
    def admin(self) -> Admin:
        return Admin(Wire(self.http, self.server.address, self.key.secret), self.id, self.project)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        named = {"X-API-Key": key or self.key.secret, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        url = f"{self.server.address}{path}"
        return self.http.request(method, url, content=content, headers=named | dict(headers or {}))

    def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """An operation below `/user/`."""
        return self.send(method, f"{USER}/{path}", body)

    def done(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """What such an operation answers."""
        return told(self.ask(method, path, body), status)

    def get(self, path: str) -> Any:
        return self.done("GET", path)

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Its status and its sentence, where it is refused."""
        return sentence(self.ask(method, path, body))

    def native(self, path: str) -> dict[str, Any]:
        return data_of(self.admin.wire.get(path), 200)


def told(answer: httpx2.Response, status: int = 200) -> Any:
    """What a success carries."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"success", "data", "timestamp"}
    assert body["success"] is True
    assert INSTANT.fullmatch(body["timestamp"])
    return body["data"]


def sentence(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the words of a refusal."""
    body = answer.json()
    assert set(body) == {"success", "error", "timestamp"}, body
    assert body["success"] is False
    return answer.status_code, body["error"]
