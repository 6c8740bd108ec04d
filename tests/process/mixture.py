"""An installation with some of everything, and a fixed set of questions about it."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.api.admin import Admin, make_admin
from tests.dialects.native.wire import Wire, data_of
from tests.server import Server, unique
from tests.waiting import wait_for

EVENTS = 7000
BATCH = 1000
CHANNELS = ("payments", "signups", "deploys")
WORDS = ("Paid", "Größe", "naïve", "Refund", "東京")
NOBODY = "0" * 32
FRAMES = 250
# What differs between two times of asking.
MASKED = frozenset({"requestId", "lastUsedAt", "rateLimits", "exportedAt"})


@dataclass(frozen=True)
class Once:
    """A request that was made once, and how it was answered."""

    body: dict[str, Any]
    key: str
    answer: bytes


@dataclass(frozen=True)
class Mixture:
    """Secrets and ids of what was made; `paths` are asked with the key of their first word."""

    secrets: dict[str, str]
    project: str
    once: Once
    named: dict[str, Any]
    paths: list[tuple[str, str]]

    def wire(self, http: httpx2.Client, address: str, who: str) -> Wire:
        return Wire(http, address, self.secrets[who])


def make(server: Server, http: httpx2.Client) -> Mixture:
    admin = make_admin(server, http)
    bound = server.make_key(admin.account, admin.project)
    weak = server.make_key(admin.account, admin.project, scope="events")
    metered = unique("metered")
    server.cli("plan", "set", metered, "--quota", "sends=1000:event:month")
    other = server.make_tenant(plan=metered)
    send = admin.wire.using(bound.secret)
    once = _once(send)
    people = _people(send)
    _batches(send)
    _erase(admin, people.pop())
    _refusals(admin.wire.using(weak.secret))
    _metered(admin.wire.using(other.key.secret))
    ended = _keys(admin)
    shop, gone = admin.make_project(), admin.make_project()
    admin.send("DELETE", f"/v1/projects/{gone['id']}")
    named = {
        "event": json.loads(once.answer)["data"]["id"],
        "key": bound.id,
        "weak": weak.id,
        "ended": ended,
        "shop": shop["id"],
        "gone": gone["id"],
    }
    secrets = {"admin": admin.wire.key, "bound": bound.secret, "other": other.key.secret}
    found = {name: str(secret) for name, secret in secrets.items()}
    return Mixture(found, admin.project, once, named, _paths(named, admin.project))


def _once(wire: Wire) -> Once:
    body = {"channelName": "orders", "title": "Order 1", "icon": "💶", "metadata": {"n": 1}}
    answer = wire.create(body, once="order-1")
    assert answer.status_code == 201
    return Once(body, "order-1", answer.content)


def _people(wire: Wire) -> list[str]:
    users = [f"user-{number}" for number in range(60)]
    for user in users:
        aliases = [f"{user}@example.com", f"{user}-ü"]
        wire.identified({"user_id": user, "properties": {"is": user}, "aliases": aliases})
    return users


def _batches(wire: Wire) -> None:
    """Events of the last sixty days, and of now, some with ids of their client's own."""
    for first in range(0, EVENTS, BATCH):
        events = [_event(number) for number in range(first, first + BATCH)]
        answer = wire.post("/v1/events/batch", events, {"Idempotency-Key": f"batch-{first}"})
        assert data_of(answer, 200)["accepted"] == BATCH


def _event(number: int) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(days=60) * (1 - number / EVENTS)
    own = {"eventId": f"own-{number}"} if number % 7 == 0 else {}
    told = {"description": f"Handled by worker w{number % 37}"} if number % 2 else {}
    timed = {} if number % 100 == 99 else {"timestamp": at.isoformat()}
    return own | told | timed | {
        "channelName": CHANNELS[number % 3],
        "title": f"{WORDS[number % 5]} {number}",
        "tags": [f"tag-{number % 11}", f"kind-{number % 4}"],
        "metadata": {"plan": ("free", "pro")[number % 2], "deep": {"n": number % 13}, "ok": True},
        "userId": f"user-{number % 70}" + ("@example.com" if number % 3 else ""),
        "notify": number % 5 != 0,
        "displayAs": ("message", "notification")[number % 2],
    }  # fmt: skip


def _erase(admin: Admin, user: str) -> None:
    assert admin.send("DELETE", f"/v1/identities/{user}").status_code == 200


def _refusals(wire: Wire) -> None:
    """Refused calls, in the ledger: they get there about a second late."""
    assert wire.get("/v1/keys").status_code == 403
    for _ in range(3):
        assert wire.create({"title": "No channel"}).status_code == 400
    assert wire.create({"channelName": "orders", "title": "2"}, once="order-1").status_code == 409


def _metered(wire: Wire) -> None:
    for number in range(5):
        wire.created({"channelName": "metered", "title": f"Unit {number}"})


def _keys(admin: Admin) -> str:
    """Keys that were changed, rotated, switched off and ended; the id of the last one."""
    changed, rotated, off, ended = (admin.make(scopes=["events"]) for _ in range(4))
    admin.change(changed["id"], name=unique("renamed"))
    admin.rotate(rotated["id"], grace_s=3600)
    admin.change(off["id"], enabled=False)
    admin.delete(ended["id"])
    return str(ended["id"])


def await_books(mixture: Mixture, http: httpx2.Client, address: str) -> None:
    """Wait for what is written late."""
    admin = mixture.wire(http, address, "admin")

    def written() -> bool:
        counts = [one["count"] for one in admin.get("/v1/refusals").json()["data"]["refusals"]]
        lines = admin.get("/v1/audit?action=refused").json()["data"]["entries"]
        return sum(counts) == 5 and bool(lines)

    wait_for(written, "the ledger of refusals and the audit log")


def _paths(named: dict[str, Any], project: str) -> list[tuple[str, str]]:
    """Who asks what. Questions that are refused come from elsewhere: they leave traces."""
    return [
        *(("bound", f"/v1/events{query}") for query in _filters()),
        *(("bound", path) for path in ("/v1/me", "/v1/channels", "/v1/keys/current", "/v1/keys")),
        ("bound", f"/v1/events/{named['event']}"),
        *(("admin", path) for path in ("/v1/me", "/v1/projects", f"/v1/projects/{project}")),
        *(("admin", path) for path in ("/v1/keys", f"/v1/keys/{named['key']}", "/v1/keys?limit=2")),
        *(("admin", f"/v1/people{rest}") for rest in ("", "?limit=7", "/user-1", "/user-2-%C3%BC")),
        *(("admin", f"/v1/people/user-3{rest}") for rest in ("/events?limit=9", "/export")),
        *(("admin", f"/v1/audit{query}") for query in ("", "?limit=3", "?action=key.rotate")),
        *(("admin", f"/v1/audit?object={named[name]}") for name in ("ended", "shop")),
        *(("admin", f"/v1/refusals{query}") for query in ("", "?limit=1", "?code=forbidden")),
        ("admin", f"/v1/refusals?keyId={named['weak']}"),
        *(("other", path) for path in ("/v1/me", "/v1/keys/current", "/v1/events", "/v1/people")),
        *(("other", f"/v1/projects/{named[name]}") for name in ("shop", "gone")),
        *(("other", path) for path in (f"/v1/events/event_{NOBODY}", "/v1/people/user-1")),
    ]


def _filters() -> Iterator[str]:
    day = (datetime.now(UTC) - timedelta(days=20)).date()
    yield from ("", "?limit=100", "?channel=payments", "?channel=nowhere", "?tag=tag-3")
    yield from ("?tag=tag-3&tag=kind-1", "?userId=user-4", "?userId=user-4@example.com")
    yield from ("?userId=user-59", "?userId=user-65", "?q=refund", "?q=GROSSE", "?q=naive+w5")
    yield from ("?q=worker+w9&channel=signups", "?metadata.plan=pro", "?metadata.deep.n=5")
    yield from ("?metadata.ok=true&limit=3", "?metadata.plan=pro&tag=tag-1&channel=deploys")
    yield from (f"?since={day}&limit=20", f"?before={day}", f"?before={day}&tag=tag-2")
    yield f"?since={day}&before={day + timedelta(days=1)}&userId=user-2"


# Asking


def ask(mixture: Mixture, http: httpx2.Client, address: str) -> dict[str, Any]:
    """Every answer by its question: up to three pages of a list, and pieces of the stream."""
    answers: dict[str, Any] = {}
    for who, path in mixture.paths:
        wire = mixture.wire(http, address, who)
        found = answers[f"{who} {path}"] = list(_pages(wire, path))
        assert who == "other" or {status for status, _ in found} == {200}, found
    bound = mixture.wire(http, address, "bound")
    first = stream(bound, stream_id(0))
    answers["stream"] = first
    answers["stream, resumed"] = stream(bound, first[FRAMES // 2][0])
    answers["stream, filtered"] = stream(bound, first[9][0], "?channel=deploys&tag=kind-2")
    return answers


def _pages(wire: Wire, path: str) -> Iterator[Any]:
    cursor = ""
    for _ in range(3):
        answer = wire.get(f"{path}{cursor}")
        yield answer.status_code, _content(answer)
        following = answer.json()["data"]["nextCursor"] if "limit=" in path else None
        if following is None:
            return
        cursor = f"&cursor={following}"


def _content(answer: httpx2.Response) -> Any:
    if "zip" in answer.headers["Content-Type"]:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        return files | {"person.json": _masked(json.loads(files["person.json"]))}
    return _masked(answer.json())


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _masked(item) for name, item in value.items() if name not in MASKED}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def stream_id(place: int) -> str:
    """What the stream calls a place in the order of arrival; 0 is before the first event."""
    return base64.urlsafe_b64encode(place.to_bytes(8, "big")).decode().rstrip("=")


def stream(wire: Wire, after: str, query: str = "", count: int = FRAMES) -> list[tuple[str, Any]]:
    """The ids and the events that follow a place."""
    found: list[tuple[str, Any]] = []
    headers = {"Authorization": f"Bearer {wire.key}", "Last-Event-ID": after}
    url = f"{wire.address}/v1/events/stream{query}"
    with wire.client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        place = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            place = value if name == "id" else place
            if name == "data":
                found.append((place, json.loads(value)))
            if len(found) == count:
                break
    return found
