"""The port that takes mails by SMTP, and all connections to it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from gatepost.base import log
from gatepost.base.settings import ConfigError, Settings
from gatepost.submission import answers
from gatepost.submission.certificate import Certificate
from gatepost.submission.conversation import Conversation
from gatepost.submission.desk import Desk
from gatepost.web.contract import Services

BACKLOG = 128
DRAIN_S = 10.0
SHARE = 4
"""An account has at most the so-manieth part of all connections."""
CONNECTIONS = "gatepost_submission_connections"


class Submission:
    """Listens for as long as the process answers requests."""

    def __init__(self, services: Services) -> None:
        """Hold what it needs; raises ConfigError for a certificate that cannot be used."""
        settings = services.settings
        self._services = services
        self._settings = settings
        self._desk = Desk(services)
        self._certificate: Certificate | None = None
        if settings.submission_tls_cert:
            self._certificate = Certificate(
                settings.submission_tls_cert, settings.submission_tls_key
            )
        self._name = greeting(settings)
        self._open: dict[Conversation, bytes | None] = {}
        self._accounts: Counter[bytes] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()
        self._ending: asyncio.Task[None] | None = None
        services.metrics.level(CONNECTIONS, 0)
        # It logs all that is said, and passwords where they do not belong.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)

    async def start(self) -> None:
        """Listen; raises ConfigError where that cannot be."""
        host = self._settings.submission_host or self._settings.host
        port = self._settings.submission_port
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self._make, host, port, backlog=BACKLOG)
        except OSError as error:
            why = error.strerror or error
            raise ConfigError(f"submission: cannot listen on {host} port {port}: {why}") from None
        log.get("submission").info("listening", host=host, port=port)
        self._ending = asyncio.create_task(self._end(server))

    async def close(self) -> None:
        """Wait until the mails that were coming have been answered; draining has begun."""
        if self._ending is not None:
            await self._ending

    # What connections tell

    def came(self, one: Conversation) -> None:
        """Note that one has begun."""
        self._open[one] = None
        self._empty.clear()
        self._services.metrics.level(CONNECTIONS, 1)

    def joined(self, one: Conversation, account: bytes) -> bool:
        """Note whose it is; whether that account may have one more."""
        if self._accounts[account] >= self._settings.submission_connections // SHARE:
            return False
        self._accounts[account] += 1
        self._open[one] = account
        return True

    def went(self, one: Conversation) -> None:
        """Note that one has ended."""
        if one not in self._open:
            return
        account = self._open.pop(one)
        self._services.metrics.level(CONNECTIONS, -1)
        if account is not None:
            self._accounts[account] -= 1
            self._accounts += Counter()  # without those that have none
        if not self._open:
            self._empty.set()

    def _make(self) -> asyncio.Protocol:
        if len(self._open) >= self._settings.submission_connections and not self._room():
            return Turned()
        certificate = self._certificate
        return Conversation(
            self._desk,
            self,
            idle_s=self._settings.submission_idle_s,
            plain=certificate is None and self._settings.submission_plain == "on",
            data_size_limit=self._settings.mail_bytes_max,
            hostname=self._name,
            ident="ESMTP Gatepost",
            tls_context=None if certificate is None else certificate.context(),
            require_starttls=certificate is not None,
            loop=asyncio.get_running_loop(),
        )

    def _room(self) -> bool:
        """Make room: who waits for longest without having logged in must go."""
        stranger = next((one for one, account in self._open.items() if account is None), None)
        if stranger is not None:
            stranger.cut()
            self.went(stranger)
        return stranger is not None

    async def _end(self, server: asyncio.Server) -> None:
        """Once the process goes down: take no more, answer what is coming, hang up."""
        await self._services.draining.wait()
        server.close()
        for one in list(self._open):
            one.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._empty.wait()
        for one in list(self._open):
            one.cut()


class Turned(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: Any) -> None:
        """Say so."""
        transport.write(answers.BUSY.encode() + b"\r\n")
        transport.close()


def greeting(settings: Settings) -> str:
    """The name that this server gives itself."""
    named = settings.mail_host or urlsplit(settings.public_url).hostname or socket.gethostname()
    return named if named.isascii() and " " not in named else "localhost"
