"""SMTP (RFC 5321): one mail, one recipient, and what the server says to it."""

from __future__ import annotations

import asyncio
import re
import ssl
from time import monotonic
from typing import TYPE_CHECKING

from gatepost.delivery.email.letter import Carried, Letter
from gatepost.delivery.email.lines import Line, Lines, NotPrivateError
from gatepost.delivery.email.server import Server
from gatepost.delivery.names import NotPublicError
from gatepost.domains.outbox.model import Fault, Outcome

if TYPE_CHECKING:
    from aiosmtplib import SMTPResponseException

VIA = "smtp"
BYTES_S = 50_000
"""So many bytes of a mail a server must be able to take in a second."""
GOING_DOWN = 421
PERMANENT = range(500, 600)
NO_SUCH = re.compile(r"\b5\.1\.(1|2|3|6|10)\b")
ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
WORDS = re.compile(
    r"no such|unknown (user|recipient|mailbox|address)|(user|recipient|mailbox) unknown"
    r"|does ?n[o']t exist|not exist|user not found|no mailbox",
    re.IGNORECASE,
)


class Smtp:
    """A carrier by way of one server."""

    via = VIA

    def __init__(self, lines: Lines, server: Server, timeout_s: float) -> None:
        """Hold the way out."""
        self._lines = lines
        self._server = server
        self._timeout_s = timeout_s

    async def carry(self, letter: Letter) -> Carried:
        """Try once."""
        from aiosmtplib import SMTPException, SMTPResponseException  # noqa: PLC0415 # as below

        began = monotonic()
        try:
            raw = await letter.raw()
            async with self._lines.slot(self._server):
                answer = await self._deliver(letter, raw)
        except SMTPResponseException as refusal:
            return _refused(letter, refusal, _since(began))
        except (SMTPException, OSError, ValueError) as fault:
            return Carried(_failed(letter, fault, _since(began), self._timeout_s))
        return Carried(
            Outcome(
                ok=True,
                duration_ms=_since(began),
                status=250,
                headers=letter.shown(),
                response=answer,
                via=VIA,
            )
        )

    async def _deliver(self, letter: Letter, raw: bytes) -> str:
        """Say it over a connection that is open, else over a new one; returns the last answer."""
        line = self._lines.take(self._server)
        begun = line is not None and await self._begin(line, letter)
        if line is None or not begun:
            line = await self._lines.open(self._server)
            await self._mail(line, letter)
        return await self._finish(line, letter, raw)

    async def _begin(self, line: Line, letter: Letter) -> bool:
        """Begin over a connection that was idle: whether the server still knows it."""
        from aiosmtplib import (  # noqa: PLC0415 # only where mail is sent
            SMTPResponseException,
            SMTPServerDisconnected,
        )

        try:
            await line.client.rset()
            await self._mail(line, letter)
        except SMTPServerDisconnected:
            return False
        except SMTPResponseException as refusal:
            line.client.close()
            if refusal.code == GOING_DOWN:
                return False
            raise
        except BaseException:
            line.client.close()
            raise
        return True

    async def _mail(self, line: Line, letter: Letter) -> None:
        try:
            options = _options(line, letter)
            await line.client.mail(letter.bounces_to, options=options, encoding=_coding(letter))
        except BaseException:
            line.client.close()
            raise

    async def _finish(self, line: Line, letter: Letter, raw: bytes) -> str:
        from aiosmtplib import SMTPResponseException  # noqa: PLC0415 # only where mail is sent

        try:
            await line.client.rcpt(letter.recipient, encoding=_coding(letter))
            wait_s = max(self._timeout_s, len(raw) / BYTES_S)
            async with asyncio.timeout(wait_s + self._timeout_s):
                answer = await line.client.data(raw, timeout=wait_s)
        except SMTPResponseException as refusal:
            self._after(line, refusal)
            raise
        except BaseException:
            line.client.close()
            raise
        self._lines.give_back(self._server, line)
        return f"{answer.code} {answer.message}"

    def _after(self, line: Line, refusal: SMTPResponseException) -> None:
        """A recipient that is refused says nothing of the connection."""
        if refusal.code == GOING_DOWN:
            line.client.close()
        else:
            self._lines.give_back(self._server, line)


class _NotTaken(ValueError):  # noqa: N818 # it names what happens to the mail
    """The server cannot take this mail, now or later."""


def _options(line: Line, letter: Letter) -> list[str]:
    if not letter.needs_utf8:
        return []
    if not line.client.supports_extension("smtputf8"):
        raise _NotTaken("The server takes no addresses in UTF-8")
    return ["SMTPUTF8", "BODY=8BITMIME"]


def _coding(letter: Letter) -> str:
    return "utf-8" if letter.needs_utf8 else "ascii"


def _refused(letter: Letter, refusal: SMTPResponseException, took_ms: int) -> Carried:
    """What a server's refusal means: 5xx for ever, else for now."""
    from aiosmtplib import (  # noqa: PLC0415 # only where mail is sent
        SMTPAuthenticationError,
        SMTPConnectResponseError,
        SMTPRecipientRefused,
    )

    said = f"{refusal.code} {refusal.message}"
    login = isinstance(refusal, SMTPAuthenticationError)
    greeting = isinstance(refusal, SMTPConnectResponseError)
    outcome = Outcome(
        ok=False,
        duration_ms=took_ms,
        status=refusal.code,
        fault=Fault.CONFIGURATION if login else Fault.STATUS,
        error=f"{refusal.code} - The login was refused" if login else said,
        headers=letter.shown(),
        response=None if login else said,
        via=VIA,
        reached=not greeting and refusal.code != GOING_DOWN,
        permanent=refusal.code in PERMANENT and not login and not greeting,
    )
    nobody = isinstance(refusal, SMTPRecipientRefused) and is_bounce(refusal.code, said)
    return Carried(outcome, bounced=nobody)


def is_bounce(code: int, said: str) -> bool:
    """Whether an answer to a recipient means that there is none (RFC 3463, 3.2)."""
    if code not in PERMANENT:
        return False
    if ENHANCED.search(said):
        return bool(NO_SUCH.search(said))
    return bool(WORDS.search(said))


def _failed(letter: Letter, fault: Exception, took_ms: int, timeout_s: float) -> Outcome:
    kind, words = _kind(fault, timeout_s)
    return Outcome(
        ok=False,
        duration_ms=took_ms,
        fault=kind,
        error=words,
        headers=letter.shown(),
        via=VIA,
        reached=isinstance(fault, ValueError),
        permanent=isinstance(fault, _NotTaken),
    )


def _kind(fault: BaseException, timeout_s: float) -> tuple[Fault, str]:
    """What went wrong: the reason may be hidden inside of the library's own fault."""
    texts: list[tuple[type[BaseException], Fault, str]] = [
        (NotPublicError, Fault.FORBIDDEN_ADDRESS, "Not an address that may be reached"),
        (ssl.SSLError, Fault.TLS, "No secure connection: {}"),
        (NotPrivateError, Fault.TLS, "{}"),
        (ConnectionRefusedError, Fault.REFUSED, "No connection: Connection refused"),
        (TimeoutError, Fault.TIMEOUT, f"No answer within {timeout_s:g} s"),
        (_NotTaken, Fault.PROVIDER, "{}"),
    ]
    seen: BaseException | None = fault
    while seen is not None:
        for type_, kind, words in texts:
            if isinstance(seen, type_):
                return kind, words.format(getattr(seen, "reason", None) or seen)
        seen = seen.__cause__ or seen.__context__
    return Fault.NETWORK, f"The connection broke: {str(fault) or type(fault).__name__}"


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)
