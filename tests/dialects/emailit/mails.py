"""E-mails that are sent over Emailit's wire, and a real server that takes them."""

from typing import Any

from tests.delivery.smtp import Mailserver
from tests.dialects.emailit.wire import Account
from tests.server import unique
from tests.waiting import wait_for

SENDER = "Acme <hello@acme.example>"
OPEN = {"accepted", "scheduled", "attempted"}


def somebody(name: str = "ada") -> str:
    """An address that no other test uses."""
    return f"{unique(name)}@example.com"


def letter(to: str | list[str], **more: Any) -> dict[str, Any]:
    """What a client sends for a small e-mail; `sender` is its `from`."""
    sender = more.pop("sender", SENDER)
    return {"from": sender, "to": to, "subject": "Hello", "text": "How are you?"} | more


def send(account: Account, to: str | list[str], **more: Any) -> dict[str, Any]:
    """Send an e-mail; returns the reply."""
    return dict(account.post("/emails", letter(to, **more), 201))


def shown(account: Account, email_id: str) -> dict[str, Any]:
    return dict(account.get(f"/emails/{email_id}"))


def await_status(account: Account, email_id: str, *statuses: str) -> dict[str, Any]:
    """The e-mail once it has one of these; without any, once it has ended."""

    def look() -> dict[str, Any] | None:
        found = shown(account, email_id)
        there = found["status"] in statuses if statuses else found["status"] not in OPEN
        return found if there else None

    return wait_for(look, f"{email_id} to be {' or '.join(statuses) or 'over'}", 20)


def use(account: Account, server: Mailserver, **more: Any) -> None:
    """Let an account's e-mails go through a server on this machine, whoever they are from."""
    mailer = {"kind": "smtp", "host": "127.0.0.1", "port": server.port, "tls": "none"}
    answer = account.native("POST", "/v1/mailers", mailer | {"anySender": True} | more)
    assert answer.status_code == 201, answer.text


def milestones(account: Account, email_id: str) -> list[str]:
    """What was kept of an e-mail, in order."""
    answer = account.native("GET", "/v1/events?channel=emailit&limit=100")
    events = answer.json()["data"]["events"]
    return [one["title"] for one in reversed(events) if one["metadata"].get("id") == email_id]
