"""Managed endpoints at a receiver, and what they were told."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.api.admin import Admin
from tests.delivery.receiver import Behaviour, Got, Receiver
from tests.dialects.native.wire import data_of
from tests.waiting import wait_for


@dataclass(frozen=True)
class Listener:
    """An endpoint of an account, and where its requests come in."""

    admin: Admin
    receiver: Receiver
    path: str
    made: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.made["id"])

    @property
    def secret(self) -> str:
        return str(self.made["secret"])

    @property
    def raw(self) -> bytes:
        """Its id as the database has it."""
        return bytes.fromhex(self.id.rpartition("_")[2])

    def shown(self) -> dict[str, Any]:
        return self.admin.get(f"/v1/endpoints/{self.id}")

    def change(self, **changes: Any) -> dict[str, Any]:
        return data_of(self.admin.send("PATCH", f"/v1/endpoints/{self.id}", changes), 200)

    def post(self, verb: str, **body: Any) -> httpx2.Response:
        return self.admin.send("POST", f"/v1/endpoints/{self.id}/{verb}", body or None)

    def done(self, verb: str, **body: Any) -> dict[str, Any]:
        return data_of(self.post(verb, **body), 200)

    def test(self, type_: str = "event.test") -> dict[str, Any]:
        return data_of(self.post("test", type=type_), 202)

    def got(self) -> list[Got]:
        return self.receiver.at(self.path)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(one.body) for one in self.got()]

    def await_type(self, type_: str) -> dict[str, Any]:
        """The data of the first that it was told of a type."""

        def look() -> dict[str, Any] | None:
            return next((one for one in self.told() if one["type"] == type_), None)

        found: dict[str, Any] = wait_for(look, f"{type_} to be told")["data"]
        return found

    def await_status(self, status: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.shown()
            return found if found["status"] == status else None

        return wait_for(look, f"the endpoint to be {status}")


def listen(
    admin: Admin, receiver: Receiver, does: Behaviour | None = None, **more: Any
) -> Listener:
    """Make an endpoint; `more` are members of the request."""
    url, path = receiver.place(does)
    made = data_of(admin.send("POST", "/v1/endpoints", {"url": url, **more}), 201)
    return Listener(admin, receiver, path, made)


def happen(admin: Admin, channel: str = "orders", **more: Any) -> str:
    """Send an event; its id."""
    body = {"channelName": channel, "title": "Order 4711", **more}
    return str(data_of(admin.send("POST", "/v1/events", body), 201)["id"])
