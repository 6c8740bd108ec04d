"""Clients of the SMTP port: Python's own, and one that says whatever a test wants to be said."""

import contextlib
import re
import smtplib
import socket
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import policy
from email.message import EmailMessage
from typing import Any, Self

import httpx2

from tests.api.admin import Admin, make_admin
from tests.delivery.sending import await_state
from tests.ports import HOST, free_port
from tests.server import Server, unique
from tests.waiting import wait_for

QUEUED = re.compile(r"2\.0\.0 Queued as em_([0-9a-f]{32}) \((message_[0-9a-f]{32})\)")


class Post:
    """A server that takes mails by SMTP; a context manager."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    @contextlib.contextmanager
    def client(self) -> Iterator[smtplib.SMTP]:
        """Python's own client, connected."""
        with smtplib.SMTP(HOST, self.port, timeout=60) as client:
            yield client

    @contextlib.contextmanager
    def line(self) -> Iterator["Line"]:
        """A client that has been greeted."""
        with Line(self.port) as line:
            assert line.hear().startswith("220 ")
            yield line


def submitting(port: int, **more: object) -> dict[str, str]:
    """What makes a server take mails at a port."""
    return {"GATEPOST_SUBMISSION_PORT": str(port)} | {
        f"GATEPOST_SUBMISSION_{name.upper()}": str(value) for name, value in more.items()
    }


@dataclass(frozen=True)
class Sender:
    """An account that sends by SMTP with one of its keys."""

    post: Post
    admin: Admin
    secret: str
    domain: str

    def using(self, secret: str) -> "Sender":
        return replace(self, secret=secret)

    @property
    def address(self) -> str:
        return f"ada@{self.domain}"

    @contextlib.contextmanager
    def client(self, user: str = "emailit") -> Iterator[smtplib.SMTP]:
        """Python's own client, logged in."""
        with self.post.client() as client:
            client.login(user, self.secret)
            yield client

    @contextlib.contextmanager
    def line(self) -> Iterator["Line"]:
        """A plain client, logged in."""
        with self.post.line() as line:
            line.ask("EHLO test")
            assert line.ask(f"AUTH PLAIN {plain(self.secret)}").startswith("235 ")
            yield line

    def letter(self, *to: str, text: str = "How are you?", **headers: str) -> EmailMessage:
        """A mail from this account; `headers` are further ones, or others."""
        made = EmailMessage(policy=policy.SMTP)
        all_ = {"From": self.address, "To": ", ".join(to), "Subject": "Hello"}
        for name, value in (all_ | headers).items():
            made[name.replace("_", "-")] = value
        made.set_content(text)
        return made

    def send(self, letter: EmailMessage | bytes, *to: str) -> str:
        """Send a mail over a connection of its own; the id of the message. The envelope's sender
        says nothing.
        """
        with self.client() as client:
            return queued(*talk(client, letter, *to))

    def refused(self, letter: EmailMessage | bytes, *to: str) -> str:
        """What a mail is refused with."""
        with self.client() as client:
            code, said = talk(client, letter, *to)
            assert code >= 400, said
            return f"{code} {said}"

    def delivery(self, message_id: str) -> dict[str, Any]:
        """The only delivery of a message, once it has ended."""
        (one,) = self.admin.get(f"/v1/messages/{message_id}")["deliveries"]
        return await_state(self.admin, one["id"])

    def refusals(self, number: int = 1) -> list[dict[str, Any]]:
        """What the ledger says of SMTP, once it has so many refusals."""

        def look() -> list[dict[str, Any]] | None:
            found: list[dict[str, Any]] = self.admin.get("/v1/refusals")["refusals"]
            mine = [one for one in found if one["route"] == "SMTP"]
            return mine if sum(one["count"] for one in mine) == number else None

        return wait_for(look, f"{number} refusals in the ledger")


def make_sender(post: Post, http: httpx2.Client, *, plan: str = "unlimited") -> Sender:
    """An account with a trusted domain of its own, and a key that may send and no more."""
    admin = make_admin(post.server, http, plan=plan)
    domain = f"{unique('mail')}.example.com"
    post.server.cli("domain", "add", domain, "--trust", "--account", admin.account)
    key = post.server.make_key(admin.account, admin.project, limit=None, scope="sending")
    return Sender(post, admin, key.secret, domain)


def talk(client: smtplib.SMTP, letter: EmailMessage | bytes, *to: str) -> tuple[int, str]:
    """Send a mail over a connection; the answer to it."""
    assert client.mail("bounces@elsewhere.example")[0] == 250
    for one in to:
        assert client.rcpt(one)[0] == 250
    content = letter if isinstance(letter, bytes) else letter.as_bytes()
    code, said = client.data(content)
    return code, said.decode()


def queued(code: int, said: str) -> str:
    found = QUEUED.fullmatch(said)
    assert code == 250, said
    assert found, said
    return found[2]


def plain(secret: str, user: str = "emailit", identity: str = "") -> str:
    return b64encode(f"{identity}\0{user}\0{secret}".encode()).decode()


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


class Line:
    """A connection, line by line."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection((HOST, port), timeout=30)
        self._file = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()
        self.sock.close()

    def say(self, content: bytes) -> None:
        self.sock.sendall(content)

    def hear(self) -> str:
        """The next answer, of however many lines; empty once the server has hung up."""
        lines = []
        while line := self._next():
            lines.append(line)
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    def ask(self, text: str) -> str:
        self.say(text.encode() + b"\r\n")
        return self.hear()

    def begin(self, *to: str) -> None:
        """Everything up to the mail itself."""
        assert self.ask("MAIL FROM:<bounces@elsewhere.example>").startswith("250 ")
        for one in to:
            assert self.ask(f"RCPT TO:<{one}>").startswith("250 ")
        assert self.ask("DATA").startswith("354 ")

    def ended(self) -> bool:
        """Whether the server has hung up."""
        return self.hear() == ""

    def _next(self) -> str:
        try:
            return self._file.readline().decode().rstrip("\r\n")
        except ConnectionResetError:
            return ""


def new_port() -> int:
    return free_port()
