"""Raw HTTP against the native dialect, and how its envelope is read.

Addresses are joined as plain text, as clients of this API do it, so that a doubled slash stays one.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any, TypeVar

import httpx2

from tests.server import unique

T = TypeVar("T")

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
REPLAY = "X-Idempotent-Replay"
Path = Sequence[str | int]


@dataclass(frozen=True)
class Wire:
    """One server and one key; `key=None` sends no Authorization header."""

    client: httpx2.Client
    address: str
    key: str | None

    def using(self, key: str | None) -> "Wire":
        return replace(self, key=key)

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        authorization = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return self.client.request(
            method,
            f"{self.address}{path}",
            content=content,
            headers=authorization | dict(headers or {}),
        )

    def get(self, path: str) -> httpx2.Response:
        return self.send("GET", path)

    def post(
        self, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        content = json.dumps(body, ensure_ascii=False).encode()
        json_type = {"Content-Type": "application/json"}
        return self.send("POST", path, content, json_type | dict(headers or {}))

    def create(self, body: Any, *, once: str | None = None) -> httpx2.Response:
        """POST /v1/events; `once` is the idempotency key."""
        headers = {} if once is None else {"Idempotency-Key": once}
        return self.post("/v1/events", body, headers)

    def identify(self, body: Any) -> httpx2.Response:
        return self.post("/v1/identify", body)

    # What a test reads back

    def created(self, body: Any) -> dict[str, Any]:
        return data_of(self.create(body), 201)

    def identified(self, body: Any) -> dict[str, Any]:
        return data_of(self.identify(body), 200)

    def event(self, event_id: str) -> dict[str, Any]:
        return data_of(self.get(f"/v1/events/{event_id}"), 200)

    def events_in(self, channel: str) -> list[dict[str, Any]]:
        """The newest 100 events of a channel."""
        found = data_of(self.get(f"/v1/events?channel={channel}&limit=100"), 200)["events"]
        return list(found)

    def channels_named(self, name: str) -> list[dict[str, Any]]:
        found = data_of(self.get("/v1/channels"), 200)["channels"]
        return [channel for channel in found if channel["name"] == name]

    def canonical_user(self, user_id: str) -> str:
        """Whom an event sent for `user_id` is stored for."""
        return str(self.event(self.created(an_event(userId=user_id))["id"])["userId"])


def an_event(**fields: Any) -> dict[str, Any]:
    """The smallest valid event, on a channel of its own, plus `fields`."""
    return {"channelName": unique("channel"), "title": "Something happened", **fields}


def a_person(**fields: Any) -> dict[str, Any]:
    return {"user_id": unique("user"), **fields}


def data_of(response: httpx2.Response, status: int) -> dict[str, Any]:
    """`data` of a successful reply, the envelope around it checked."""
    body = _body_of(response, status)
    members = set(body)
    assert members == {"success", "data", "requestId"}, f"{members} in {response.text}"
    assert body["success"] is True, response.text
    return dict(body["data"])


def refusal_of(response: httpx2.Response, status: int, code: str, error: str) -> dict[str, Any]:
    """The body of an error reply, the envelope around it checked."""
    body = _body_of(response, status)
    assert body["success"] is False, response.text
    assert (body["code"], body["error"]) == (code, error), response.text
    assert response.headers["X-Request-ID"] == body["requestId"]
    return body


def problems_of(response: httpx2.Response) -> list[list[str | int]]:
    """The paths of a validation error's details, in the order they came."""
    body = refusal_of(response, 400, "validation_error", "Validation error")
    for detail in body["details"]:
        assert isinstance(detail["path"], list), response.text
        assert isinstance(detail["message"], str), response.text
        assert detail["message"], response.text
    return [detail["path"] for detail in body["details"]]


def rate_of(response: httpx2.Response) -> tuple[int, int, int]:
    """Limit, remaining and reset (Unix seconds) as the headers say it."""
    missing = [name for name in RATE_HEADERS if not response.headers.get(name)]
    assert not missing, f"{response.status_code} without {missing}: {response.headers}"
    limit, remaining, reset = (int(response.headers[name]) for name in RATE_HEADERS)
    return limit, remaining, reset


def at_once(count: int, call: Callable[[int], T]) -> list[T]:
    """The results of `count` calls that start at the same moment, each in its own thread."""
    barrier = Barrier(count)

    def start(number: int) -> T:
        barrier.wait(timeout=30)
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def _body_of(response: httpx2.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    assert response.headers["Content-Type"].startswith("application/json"), response.headers
    assert response.headers.get("X-Request-ID"), f"no X-Request-ID: {response.headers}"
    body = response.json()
    assert UUID4.fullmatch(body["requestId"]), response.text
    return dict(body)
