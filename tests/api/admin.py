"""An administrator of one account: its key, and the requests that manage keys and projects."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.dialects.native.wire import Wire, data_of
from tests.server import Server, unique
from tests.waiting import wait_for

NOBODY = "0" * 32


@dataclass(frozen=True)
class Admin:
    """A full key of an account, bound to no project."""

    wire: Wire
    account: str
    project: str

    def using(self, secret: str) -> "Admin":
        return replace(self, wire=self.wire.using(secret))

    def send(
        self, method: str, path: str, body: Any = None, once: str | None = None
    ) -> httpx2.Response:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        headers |= {} if once is None else {"Idempotency-Key": once}
        return self.wire.send(method, path, content, headers)

    def get(self, path: str) -> dict[str, Any]:
        return data_of(self.wire.get(path), 200)

    def make(self, **body: Any) -> dict[str, Any]:
        """A new key; its name is unique unless given."""
        new = {"name": unique("key"), **body}
        return data_of(self.send("POST", "/v1/keys", new), 201)

    def refused(self, **body: Any) -> httpx2.Response:
        return self.send("POST", "/v1/keys", {"name": unique("key"), **body})

    def change(self, key_id: str, **changes: Any) -> dict[str, Any]:
        return data_of(self.send("PATCH", f"/v1/keys/{key_id}", changes), 200)

    def rotate(self, key_id: str, grace_s: int | None = None) -> dict[str, Any]:
        body = None if grace_s is None else {"graceSeconds": grace_s}
        return data_of(self.send("POST", f"/v1/keys/{key_id}/rotate", body), 200)

    def delete(self, key_id: str) -> dict[str, Any]:
        return data_of(self.send("DELETE", f"/v1/keys/{key_id}"), 200)

    def make_project(self, **body: Any) -> dict[str, Any]:
        return data_of(self.send("POST", "/v1/projects", {"name": unique("project"), **body}), 201)

    def ping(self, secret: str, headers: dict[str, str] | None = None) -> int:
        """The status a secret gets."""
        return self.wire.using(secret).send("GET", "/v1/ping", headers=headers).status_code

    def all_of(self, path: str, plural: str, limit: int) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            joint = "&" if "?" in path else "?"
            page = self.get(f"{path}{joint}limit={limit}{cursor}")
            assert len(page[plural]) <= limit
            found += page[plural]
            if page["nextCursor"] is None:
                return found
            cursor = f"&cursor={page['nextCursor']}"


def make_admin(server: Server, http: httpx2.Client, *, plan: str = "unlimited") -> Admin:
    """A new account with one project and a full key on the plan's own limits."""
    account = server.make_account(plan=plan)
    key = server.make_key(account, None, limit=None)
    admin = Admin(Wire(http, server.address, key.secret), account, "")
    return replace(admin, project=admin.make_project()["id"])


def without_id(response: httpx2.Response) -> tuple[int, bytes]:
    """A reply without what names the request: two that must not be told apart are equal."""
    return (
        response.status_code,
        response.content.replace(response.headers["X-Request-ID"].encode(), b""),
    )


@dataclass
class Hammer:
    """Threads that send one request again and again, and note when each began."""

    attempt: Callable[[], int]
    threads: int = 32
    seen: list[tuple[float, int]] = field(default_factory=list)

    def around(self, act: Callable[[], Any]) -> list[int]:
        """Act amid the requests; the statuses of those that began after it had returned."""
        stop = threading.Event()
        with ThreadPoolExecutor(self.threads) as pool:
            runs = [pool.submit(self._repeat, stop) for _ in range(self.threads)]
            try:
                wait_for(lambda: self._successes() > 3 * self.threads, "successes")
                act()
                returned = time.monotonic()
                wait_for(lambda: len(self._after(returned)) > 5 * self.threads, "requests after")
            finally:
                stop.set()
            for run in runs:
                run.result()
        return self._after(returned)

    def _repeat(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            self.seen.append((began, self.attempt()))

    def _successes(self) -> int:
        return sum(status == 200 for _, status in list(self.seen))

    def _after(self, moment: float) -> list[int]:
        return [status for began, status in list(self.seen) if began > moment]


def instant(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


def first_admin(server: Server, http: httpx2.Client) -> Admin:
    """Whoever holds the key that the first run of a server made."""
    return Admin(Wire(http, server.address, server.first_run_key), "", "")
