"""Mails that are sent over the API, and mailers for them."""

from typing import Any

from tests.api.admin import Admin
from tests.delivery.sending import await_state
from tests.delivery.smtp import PASSWORD, USER, Mailserver
from tests.dialects.native.wire import data_of
from tests.server import unique


def mail(admin: Admin, to: str | list[str], *, common: Any = None, **more: Any) -> dict[str, Any]:
    """Send a mail; returns the message. `common` are members of the message beside the mail."""
    email = {"to": to, "subject": "Hello", "text": "How are you?", **more}
    response = admin.send("POST", "/v1/messages", {"email": email, **(common or {})})
    return data_of(response, 202)


def refused(admin: Admin, **members: Any) -> list[list[str | int]]:
    """The places where a mail is wrong, below `email`."""
    response = admin.send("POST", "/v1/messages", {"email": members})
    assert response.status_code == 400, response.text
    paths = [one["path"] for one in response.json()["details"]]
    assert all(path[0] == "email" for path in paths)
    return [path[1:] for path in paths]


def ended(admin: Admin, message: dict[str, Any]) -> dict[str, Any]:
    """The only delivery of a message, once it has ended, with its log."""
    (delivery,) = message["deliveries"]
    return await_state(admin, delivery["id"])


def somebody(name: str = "jane") -> str:
    """An address that no other test uses."""
    return f"{unique(name)}@example.com"


def make_mailer(admin: Admin, **members: Any) -> dict[str, Any]:
    return data_of(admin.send("POST", "/v1/mailers", members), 201)


def make_smtp(admin: Admin, server: Mailserver, **members: Any) -> dict[str, Any]:
    """A mailer of the account's own: a server on this machine, in clear unless said otherwise."""
    given = {"host": "127.0.0.1", "port": server.port, "tls": "none", "anySender": True}
    return make_mailer(admin, kind="smtp", **given | members)


def login() -> dict[str, str]:
    return {"username": USER, "secret": PASSWORD}
