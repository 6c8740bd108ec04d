"""An SMTP server of a test's own: real, with TLS and a login if wanted; it does to a recipient
what it was told to, and keeps what it took.
"""

import asyncio
import itertools
import ssl
import threading
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.waiting import wait_for

USER = "gatepost"
PASSWORD = "cherry blossom"


@dataclass(frozen=True)
class Mail:
    """One mail that was taken, with its envelope; `connection` counts from 1."""

    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool
    user: str | None
    connection: int

    @property
    def message(self) -> EmailMessage:
        """As Python's own parser reads it."""
        return message_from_bytes(self.raw, _class=EmailMessage, policy=policy.default)


Exchange = Any
"""The server's side of one connection."""
Behaviour = Callable[[Exchange], Awaitable[str | None]]
"""What happens once a mail has come whole: an answer, None to take it."""


def says(*answers: str | None) -> Behaviour:
    """Answers so, one mail after the other; the last one stays, None takes the mail."""
    left = list(answers)

    async def do(_exchange: Exchange) -> str | None:
        return left.pop(0) if len(left) > 1 else left[0]

    return do


async def stalls(exchange: Exchange) -> str | None:
    """Never answers."""
    await exchange.lost.wait()
    return None


async def drops(exchange: Exchange) -> str | None:
    """Hangs up instead of an answer."""
    exchange.transport.abort()
    return None


class Mailserver:
    """A context manager; on a free port of 127.0.0.1."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: bool = False,
        utf8: bool = True,
    ) -> None:
        self.does: dict[str, Behaviour] = {}
        self.refuses: dict[str, str] = {}
        self.mails: list[Mail] = []
        self.logins: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.commands: list[str] = []
        self._implicit = tls if implicit else None
        self._starttls = None if implicit else tls
        self._login = login
        self._utf8 = utf8
        self._open: set[Any] = set()
        self._count = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def to(self, recipient: str) -> list[Mail]:
        """The mails that were taken for an address so far."""
        return [one for one in list(self.mails) if recipient in one.recipients]

    def one(self, recipient: str) -> Mail:
        """Wait for the first mail to an address."""
        return wait_for(lambda: self.to(recipient), f"a mail to {recipient}")[0]

    def hang_up(self) -> None:
        """Close every connection that is open."""
        for exchange in list(self._open):
            self._loop.call_soon_threadsafe(exchange.transport.close)
        wait_for(lambda: not self._open, "the end of all connections")

    # What aiosmtpd asks

    async def handle_RCPT(  # noqa: N802 # aiosmtpd's own name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 # the same
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        does = self.does.get(envelope.rcpt_tos[0])
        answer = None if does is None else await does(server)
        if answer is not None:
            return answer
        self.mails.append(_mail(server, session, envelope))
        return "250 2.0.0 taken"

    def authenticate(self, *args: Any) -> AuthResult:
        given = args[4]
        assert isinstance(given, LoginPassword)
        self.logins.append(given.password)
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False, auth_data=given.login.decode())

    async def _start(self) -> asyncio.Server:
        return await self._loop.create_server(
            self._make, "127.0.0.1", 0, ssl=self._implicit, backlog=100
        )

    def _make(self) -> SMTP:
        self.connections += 1
        with warnings.catch_warnings():
            # It does not see that a connection was encrypted before it began.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return _Exchange(
                self,
                next(self._count),
                self._open,
                loop=self._loop,
                hostname="mail.test",
                enable_SMTPUTF8=self._utf8,
                data_size_limit=None,
                tls_context=self._starttls,
                auth_required=self._login,
                auth_require_tls=self._implicit is None,
                authenticator=self.authenticate if self._login else None,
            )

    async def _close(self) -> None:
        self._server.close()
        for exchange in list(self._open):
            exchange.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # aborted connections are closed in the next round of the loop


class _Exchange(SMTP):
    """One connection; `lost` is set once it is over."""

    def __init__(self, handler: Mailserver, number: int, open_: set[Any], **more: Any) -> None:
        super().__init__(handler, **more)
        self.number = number
        self.lost = asyncio.Event()
        self._others = open_

    def connection_made(self, transport: Any) -> None:
        self._others.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._others.discard(self)
        self.lost.set()
        super().connection_lost(error)


def _mail(server: Any, session: Session, envelope: Envelope) -> Mail:
    raw = envelope.original_content
    assert isinstance(raw, bytes)
    return Mail(
        sender=envelope.mail_from or "",
        recipients=list(envelope.rcpt_tos),
        raw=raw,
        encrypted=session.ssl is not None
        or server.transport.get_extra_info("sslcontext") is not None,
        user=session.auth_data,
        connection=server.number,
    )
