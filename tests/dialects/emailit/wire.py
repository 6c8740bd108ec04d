"""Emailit's wire, spoken plainly and by Emailit's own client."""

import json
import uuid
from typing import Any

import httpx2
from emailit import EmailitClient  # type: ignore[import-untyped] # it comes without types

from tests.server import AMPLE, Key, Server

MINE = "the account's own key"
NOWHERE = "0" * 32
"""The hexadecimal digits of an id that nothing has."""


class Account:
    """An account with one project and a key in Emailit's format that is bound to neither."""

    def __init__(self, server: Server, http: httpx2.Client, *, plan: str = "unlimited") -> None:
        self.server = server
        self.http = http
        self.id = server.make_account(plan=plan)
        self.project = server.make_project(self.id)
        self.key = self.make_key()

    def make_key(self, *, limit: str | None = AMPLE, scope: str = "full") -> Key:
        return self.server.make_key(self.id, None, limit=limit, scope=scope, key_format="emailit")

    def sdk(self, secret: str | None = None) -> Any:
        """Emailit's client, with the account's own key unless another one is given."""
        key = self.key.secret if secret is None else secret
        return EmailitClient({"api_key": key, "api_base": self.server.address})

    def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = MINE, **headers: str
    ) -> httpx2.Response:
        """Send a request; bytes are sent as they are, anything else as JSON. The content is said
        to be JSON even where there is none, as Emailit's client does.
        """
        named = {"Content-Type": "application/json"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            named["Authorization"] = f"Bearer {self.key.secret if key is MINE else key}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        url = path if path.startswith("http") else f"{self.server.address}/v2{path}"
        return self.http.request(method, url, content=content, headers=named)

    def get(self, path: str) -> Any:
        return data_of(self.send("GET", path))

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        return data_of(self.send("POST", path, body), status)

    def native(self, method: str, path: str, body: Any = None, key: str | None = MINE) -> Any:
        """What Gatepost's own API answers."""
        return self.send(method, f"{self.server.address}{path}", body, key=key)

    def make(self, name: str, **more: Any) -> dict[str, Any]:
        """A key that is made over the wire."""
        return dict(self.post("/api-keys", {"name": name} | more, 201))


def data_of(answer: httpx2.Response, status: int = 200) -> Any:
    """What a success carries: JSON, and no envelope around it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert uuid.UUID(answer.headers["x-request-id"]).version == 4
    return answer.json()


def refused(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """The body of a refusal, without what each one has: a type and the request's id."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body.pop("request_id") == answer.headers["x-request-id"]
    assert body.pop("type")
    return body


def without_id(answer: httpx2.Response) -> bytes:
    """A refusal's bytes, but for the request's id."""
    return answer.content.replace(answer.headers["x-request-id"].encode(), b"")
