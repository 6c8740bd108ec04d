"""One connection of a client's (RFC 5321), over aiosmtpd's protocol."""

from __future__ import annotations

import asyncio
import ipaddress
from base64 import b64encode
from collections import defaultdict
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, Envelope, Session, TLSSetupException

from gatepost.base import emails, log
from gatepost.base.errors import AppError, Code
from gatepost.engine.compose.mail import RECIPIENTS_MAX
from gatepost.submission import answers, login
from gatepost.submission.desk import Desk
from gatepost.submission.login import Login

LOGIN_S = 60.0
LINGER_S = 2.0
FAILURES_MAX = 3
LINE_END = b"\r\n"
LAST_LINE = b".\r\n"


class Others(Protocol):
    """All connections of a process, as one of them sees them."""

    def came(self, one: Conversation) -> None:
        """Note that it has begun."""
        ...

    def joined(self, one: Conversation, account: bytes) -> bool:
        """Note whose it is; whether that account may have one more."""
        ...

    def went(self, one: Conversation) -> None:
        """Note that it has ended."""
        ...


class Hooks:
    """What aiosmtpd asks while it talks."""

    async def handle_EHLO(  # noqa: N802 # aiosmtpd's own names, here and below
        self, _smtp: SMTP, session: Session, _envelope: Envelope, name: str, said: list[str]
    ) -> list[str]:
        """What this server can do."""
        session.host_name = name
        return [*said[:-1], "250-PIPELINING", said[-1]]

    async def handle_RCPT(  # noqa: N802 # as above
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient."""
        if len(envelope.rcpt_tos) >= RECIPIENTS_MAX:
            return answers.TOO_MANY
        try:
            known = emails.read(address)
        except ValueError as wrong:
            return answers.line(f"553 5.1.3 {wrong}")
        if not known.is_ascii and not envelope.smtp_utf8:
            return "553 5.6.7 Say SMTPUTF8 with MAIL FROM for this address"
        envelope.rcpt_tos.append(known.spec)
        return "250 2.1.5 OK"

    async def handle_exception(self, fault: Exception) -> str:
        """Say nothing of a fault of ours."""
        if not isinstance(fault, TLSSetupException):  # which is the client's
            log.get("submission").error("a command failed", exc_info=fault)
        return answers.of_mail(AppError(Code.INTERNAL))


class Conversation(SMTP):
    """What is particular here: who may log in and how, and how a mail is taken.

    `idle_s` is how long it may be quiet. Without encryption passwords are heard from this machine
    alone, or with `plain` from everybody.
    """

    # Longer lines than RFC 5321 knows do no harm: mails are written anew.
    line_length_limit = 65_536

    def __init__(
        self, desk: Desk, others: Others, *, idle_s: float, plain: bool, **more: Any
    ) -> None:
        """Wait for the connection; `more` is aiosmtpd's own."""
        # aiosmtpd would let all connections share one table of these, and change it.
        self.command_size_limits = defaultdict(lambda: SMTP.command_size_limit)
        super().__init__(Hooks(), timeout=idle_s, enable_SMTPUTF8=True, **more)
        self.logged_in: Login | None = None
        self._desk = desk
        self._others = others
        self._plain = plain
        self._failures = 0
        self._login_by = self.loop.time() + min(LOGIN_S, idle_s)
        self._receiving = False
        self._taking = False
        self._leaving = False

    # Its life

    def connection_made(self, transport: Any) -> None:
        """Begin; with encryption, once more."""
        if self.transport is None:
            self._others.came(self)
            peer = transport.get_extra_info("peername")
            self._address = str(peer[0]) if peer else ""
            clear = self.tls_context is None and (self._plain or _is_here(self._address))
            self._auth_require_tls = not clear
        super().connection_made(transport)
        if self._handler_coroutine is not None:
            self._handler_coroutine.add_done_callback(_heard)

    def connection_lost(self, error: Exception | None) -> None:
        """End, once."""
        self._others.went(self)
        if self.transport is not None:
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Hear something; a mail that goes on coming is not idle."""
        if self._receiving:
            self._reset_timeout()
        super().data_received(data)

    def leave(self) -> None:
        """Say goodbye: at once, or once the mail that is coming has been answered."""
        self._leaving = True
        if not self._receiving:
            self.hang_up(answers.DOWN)

    def hang_up(self, words: str) -> None:
        """End it, with a last word."""
        if self.transport is None:
            return
        self._writer.write(words.encode() + LINE_END)
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()  # nothing more that was sent is heard
        self.transport.close()
        self.loop.call_later(LINGER_S, self.cut)

    def cut(self) -> None:
        """End it even where nobody hears what is said."""
        for one in (self.transport, self._original_transport):
            if one is not None:
                one.abort()  # type: ignore[attr-defined] # it is one that writes
        # One that was lost while encryption began is not told so by asyncio.
        self.loop.call_soon(self.connection_lost, None)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Be patient anew; who has not logged in gets no more time than at the beginning."""
        if self.logged_in is None:
            duration = max(self._login_by - self.loop.time(), 0.001)
        super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        if self._taking:  # it is we who are slow
            self._reset_timeout()
        else:
            self.hang_up(answers.IDLE)

    # Who it is

    async def check_auth_needed(self, caller_method: str) -> bool:
        """Answer who has not logged in."""
        del caller_method
        if self.logged_in is None:
            await self.push("530 5.7.0 Authentication required")
        return self.logged_in is None

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 # as above
        """Encrypt, once."""
        if self._tls_protocol is not None:
            await self.push("503 5.5.1 Encrypted already")
            return
        await super().smtp_STARTTLS(arg)
        if self._original_transport is not None and self._original_transport.is_closing():
            self.cut()

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802 # as above
        """Let somebody in, or not."""
        mechanism, _, initial = (arg or "").partition(" ")
        refusal = self._login_refusal(mechanism.upper())
        if refusal:
            await self.push(refusal)
            return
        try:
            given = await self._asked(mechanism.upper(), initial.strip())
        except ValueError as wrong:
            await self.push(answers.line(f"501 5.5.2 {wrong}"))
            return
        await self._enter(given)

    def _login_refusal(self, mechanism: str) -> str | None:
        assert self.session is not None  # noqa: S101 # there is one since the connection
        assert self.envelope is not None  # noqa: S101 # the same
        if not self.session.extended_smtp or not self.session.host_name:
            return "503 5.5.1 Send EHLO first"
        if self._auth_require_tls and not self._tls_protocol:
            return "538 5.7.11 Encryption required for requested authentication mechanism"
        if self.logged_in is not None or self.envelope.mail_from:
            return "503 5.5.1 Not now"
        if mechanism not in login.MECHANISMS:
            return "504 5.5.4 Unrecognized authentication type"
        return None

    async def _asked(self, mechanism: str, initial: str) -> Login:
        """What the client says of itself; raises ValueError."""
        if mechanism == "PLAIN":
            return login.plain(login.text(initial or await self._said(b"")))
        user = login.text(initial or await self._said(b"Username:"))
        return Login(user, login.text(await self._said(b"Password:")))

    async def _said(self, challenge: bytes) -> str:
        await self.push(b"334 " + b64encode(challenge))
        said = (await self._reader.readline()).strip().decode("latin-1")
        if said == login.CANCELED:
            raise ValueError("Canceled")
        return said

    async def _enter(self, given: Login) -> None:
        try:
            caller = await self._desk.enter(given, self._address)
        except AppError as refusal:
            self._failures += 1
            await self._refuse_login(answers.of_login(refusal))
            return
        if not self._others.joined(self, caller.account_id):
            self.hang_up(answers.BUSY)
            return
        assert self.session is not None  # noqa: S101 # there is one since the connection
        self.session.authenticated = True
        self.logged_in = given
        self._reset_timeout()
        await self.push("235 2.7.0 Authentication successful")

    async def _refuse_login(self, words: str) -> None:
        if self._failures >= FAILURES_MAX or words.startswith("421"):
            self.hang_up(words)
        else:
            await self.push(words)

    # A mail

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 # as above
        """Begin a mail. Whoever logged in may say in whose name (RFC 4954, 5): nobody asks."""
        words = [one for one in (arg or "").split(" ") if not one.upper().startswith("AUTH=")]
        await super().smtp_MAIL(" ".join(words) or None)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 # as above
        """Take a mail."""
        refusal = self._data_refusal(arg)
        if refusal or self.logged_in is None:
            await self.push(refusal or "530 5.7.0 Authentication required")
            return
        self._receiving = True
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._content()
        said = answers.TOO_LARGE if content is None else await self._taken(content)
        self._receiving = False
        self.envelope = self._create_envelope()
        await self.push(said)
        if self._leaving:
            self.hang_up(answers.DOWN)

    def _data_refusal(self, arg: str | None) -> str | None:
        assert self.envelope is not None  # noqa: S101 # there is one since the connection
        if self.logged_in is None:
            return "530 5.7.0 Authentication required"
        if not self.envelope.rcpt_tos:
            return "503 5.5.1 Error: need RCPT command"
        return "501 5.5.4 Syntax: DATA" if arg else None

    async def _content(self) -> bytes | None:
        """The mail without the dots that hide its own ones; None where it is too large, of which
        the rest is passed over as far as it is bearable.
        """
        most = self.data_size_limit or 0
        found, size, begins = bytearray(), 0, True
        while True:
            try:
                part = await self._reader.readuntil(LINE_END)
            except asyncio.LimitOverrunError as long:
                part = await self._reader.readexactly(long.consumed)
            if begins and part == LAST_LINE:
                return bytes(found) if size <= most else None
            size += len(part)
            if size <= most:
                found += part[1:] if begins and part.startswith(b".") else part
            elif size > 2 * most:
                self.hang_up(answers.TOO_LARGE)
                raise ConnectionResetError
            begins = part.endswith(LINE_END)

    async def _taken(self, content: bytes) -> str:
        assert self.envelope is not None  # noqa: S101 # there is one since the connection
        assert self.logged_in is not None  # noqa: S101 # it was asked for
        self._taking = True
        try:
            recipients = self.envelope.rcpt_tos
            return await self._desk.take(self.logged_in, self._address, recipients, content)
        finally:
            self._taking = False


def _is_here(address: str) -> bool:
    """Whether it is this machine's own."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(known, "ipv4_mapped", None) or known).is_loopback


def _heard(task: asyncio.Task[None]) -> None:
    """A connection that is reset while something is said is no fault of ours."""
    if not task.cancelled():
        task.exception()
