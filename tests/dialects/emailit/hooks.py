"""Webhooks at a receiver, and what they were told, read by Emailit's own verifier."""

import json
from dataclasses import dataclass
from typing import Any

from emailit import WebhookSignature  # type: ignore[import-untyped] # it comes without types

from tests.delivery.receiver import Behaviour, Got, Receiver
from tests.dialects.emailit.wire import Account
from tests.server import unique
from tests.waiting import wait_for


@dataclass(frozen=True)
class Hook:
    """A webhook of an account, and where its requests come in."""

    account: Account
    receiver: Receiver
    path: str
    made: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.made["id"])

    @property
    def place(self) -> str:
        return f"/webhooks/{self.id}"

    @property
    def secret(self) -> str:
        return str(self.made["secret"])

    def shown(self) -> dict[str, Any]:
        return dict(self.account.get(self.place))

    def post(self, verb: str, body: Any = None, status: int = 200) -> dict[str, Any]:
        return dict(self.account.post(f"{self.place}/{verb}", body, status))

    def got(self) -> list[Got]:
        return self.receiver.at(self.path)

    def told(self) -> list[dict[str, Any]]:
        """The events it was told, in the order in which they came."""
        bodies = [json.loads(one.body) for one in self.got()]
        return [it for one in bodies for it in (one if isinstance(one, list) else [one])]

    def types(self) -> list[str]:
        return [one["type"] for one in self.told()]

    def await_types(self, *types: str) -> list[dict[str, Any]]:
        """Wait until it was told of these types, in any order."""

        def look() -> list[dict[str, Any]] | None:
            told = self.told()
            return told if sorted(one["type"] for one in told) == sorted(types) else None

        return wait_for(look, f"{types} to be told")

    def requests(self) -> list[dict[str, Any]]:
        return list(self.account.get(f"{self.place}/requests")["data"])

    def await_requests(self, *statuses: str) -> list[dict[str, Any]]:
        """Wait until its requests, newest first, have these statuses."""

        def look() -> list[dict[str, Any]] | None:
            found = self.requests()
            return found if tuple(one["status"] for one in found) == statuses else None

        return wait_for(look, f"requests to be {statuses}")


def hook(account: Account, receiver: Receiver, does: Behaviour | None = None, **more: Any) -> Hook:
    """Make a webhook of everything, unless `more` says otherwise."""
    url, path = receiver.place(does)
    body = {"name": unique("hook"), "url": url, **more}
    body |= {} if {"events", "all_events"} & more.keys() else {"all_events": True}
    return Hook(account, receiver, path, account.post("/webhooks", body, 201))


def verified(got: Got, secret: str) -> Any:
    """What Emailit's own verifier makes of a request."""
    signature = got.header("X-Emailit-Signature")
    timestamp = got.header("X-Emailit-Timestamp")
    return WebhookSignature.verify(got.body.decode(), signature, timestamp, secret)


def happen(account: Account, type_: str = "c:signup", **more: Any) -> dict[str, Any]:
    """Tell an event; it is as it came back."""
    body = {"type": type_, "email": "ada@example.com", **more}
    return dict(account.post("/events", body, 201))
