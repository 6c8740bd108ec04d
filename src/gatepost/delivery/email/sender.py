"""The e-mail transport: what a delivery needs is looked up, then its ways are walked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from gatepost.base import emails, ids
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.vault import Damaged
from gatepost.delivery.email import server
from gatepost.delivery.email.catcher import Catcher
from gatepost.delivery.email.http import Account, Http, Provider
from gatepost.delivery.email.letter import Carrier, Letter, Signer
from gatepost.delivery.email.lines import Lines
from gatepost.delivery.email.postmark import Postmark
from gatepost.delivery.email.resend import Resend
from gatepost.delivery.email.sendgrid import SendGrid
from gatepost.delivery.email.ses import Ses
from gatepost.delivery.email.smtp import Smtp
from gatepost.delivery.email.walk import walk
from gatepost.delivery.email.writing import Writer
from gatepost.delivery.safehttp import SafeHttp
from gatepost.domains.mailers.model import Mailer, MailerKind
from gatepost.domains.outbox.model import Fault, Outcome
from gatepost.domains.suppressions.model import Why
from gatepost.engine import post, vouch
from gatepost.engine.compose import senders
from gatepost.engine.compose.mail import Envelope, Written
from gatepost.engine.compose.senders import Way
from gatepost.engine.jobs import Job
from gatepost.engine.post import Ready, Secrets
from gatepost.storage.db import Database

PROVIDERS: dict[MailerKind, Provider] = {
    MailerKind.SENDGRID: SendGrid(),
    MailerKind.RESEND: Resend(),
    MailerKind.POSTMARK: Postmark(),
    MailerKind.SES: Ses(),
}
HEAVY_BYTES = 1_048_576
HEAVY_AT_ONCE = 4
"""Mails with large attachments are in memory several times while they are sent."""
REASON_CHARS_MAX = 300


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def pepper(self) -> bytes: ...


_written = msgspec.json.Decoder(Written).decode
_envelope = msgspec.json.Decoder(Envelope).decode


class Mails:
    """Sends mails."""

    def __init__(self, kit: Kit, http: SafeHttp) -> None:
        """Hold what it needs; raises ConfigError for an smtp_url that is none."""
        self._kit = kit
        self._http = http
        self._lines = Lines(kit.settings)
        self._server = server.of_settings(kit.settings)
        self._secrets = Secrets(kit.pepper)
        self._writer = Writer(kit.settings, kit.pepper)
        self._heavy = asyncio.Semaphore(HEAVY_AT_ONCE)

    async def close(self) -> None:
        """Hang up."""
        await self._lines.close()

    async def send(self, job: Job) -> Outcome:
        """Try once, by one way after the other."""
        if job.message.body is None:
            return _never("What the message said has been erased")
        try:
            written, envelope = _written(job.message.body), _envelope(job.delivery.target)
        except msgspec.MsgspecError as fault:
            return _never(str(fault))
        async with self._room(written):
            return await self._send(job, written, envelope)

    async def _send(self, job: Job, written: Written, envelope: Envelope) -> Outcome:
        ready = await self._ready(job, written, envelope)
        if ready.suppressed is not None:
            why = f"Suppressed: {ready.suppressed.type.value}"
            return Outcome(ok=False, fault=Fault.SUPPRESSED, error=why, permanent=True)
        if any(part.id not in _files(ready) for part in written.attachments):
            return _never("An attachment has been erased")
        try:
            carriers = self._carriers(job, written, envelope, ready)
            letter = self._letter(job, written, envelope, ready)
        except Damaged as fault:
            return _never(str(fault))
        if not carriers:
            return _never(_no_way(written, envelope))
        carried = await walk(carriers, letter)
        if carried.bounced:
            await self._bounced(job, envelope, carried.outcome)
        return carried.outcome

    @contextlib.asynccontextmanager
    async def _room(self, written: Written) -> AsyncIterator[None]:
        if sum(part.bytes for part in written.attachments) < HEAVY_BYTES:
            yield
            return
        async with self._heavy:
            yield

    async def _ready(self, job: Job, written: Written, envelope: Envelope) -> Ready:
        account_id, message_id = job.delivery.account_id, job.message.id
        sender, now = emails.read(written.sender).spec, self._kit.clock()
        return await self._kit.database.read(
            lambda tx: post.ready(tx, account_id, message_id, sender, envelope.to, now)
        )

    def _carriers(
        self, job: Job, written: Written, envelope: Envelope, ready: Ready
    ) -> list[Carrier]:
        """The ways that may be taken in the sender's name."""
        settings, mine = self._kit.settings, ready.mailers
        names = (envelope.provider, envelope.fallback)
        ways = senders.forced(mine, names) if envelope.provider else senders.ways(mine, settings)
        sender, verified = emails.read(written.sender), ready.domain is not None
        own = envelope.own
        open_ = senders.open_to(ways, sender, settings, verified=verified, own=own)
        return [self._carrier(way, job) for way in open_]

    def _carrier(self, way: Way, job: Job) -> Carrier:
        if way.mailer is not None:
            return self._own(way.mailer)
        if self._server is None:
            return Catcher(self._kit, job.delivery)
        return Smtp(self._lines, self._server, self._kit.settings.delivery_timeout_s)

    def _own(self, mailer: Mailer) -> Carrier:
        secret = self._secrets.open(mailer)
        if mailer.kind is not MailerKind.SMTP:
            account = Account(mailer, secret, self._kit.clock)
            return Http(self._http, PROVIDERS[mailer.kind], account)
        theirs = server.of_mailer(mailer, secret)
        return Smtp(self._lines, theirs, self._kit.settings.delivery_timeout_s)

    def _letter(self, job: Job, written: Written, envelope: Envelope, ready: Ready) -> Letter:
        sender, domain = emails.read(written.sender), ready.domain
        one, files = job.delivery, _files(ready)
        papers = self._writer.papers(job.message, one, written, envelope, files, domain)
        signer, bounces_to = None, sender.spec
        if domain is not None:
            key = vouch.private_key(self._kit.pepper, domain)
            signer = Signer(domain.name, domain.selector, key)
            if domain.verified_at is not None:
                bounces_to = f"bounces+{one.id.hex()}@{domain.return_path}"
        return Letter(ids.show("delivery", one.id), envelope.to, papers, signer, bounces_to)

    async def _bounced(self, job: Job, envelope: Envelope, outcome: Outcome) -> None:
        """Send nothing more to whom there is not."""
        reason = (outcome.error or "")[:REASON_CHARS_MAX]
        account_id, now = job.delivery.account_id, self._kit.clock()
        await self._kit.database.write(
            lambda tx: post.stop(tx, account_id, envelope.to, Why.BOUNCE, reason, post.SYSTEM, now)
        )


def _files(ready: Ready) -> dict[str, bytes]:
    return {one.hex(): content for one, content in ready.files.items()}


def _no_way(written: Written, envelope: Envelope) -> str:
    if envelope.provider:
        return f"No mailer {envelope.provider} that may send this"
    return f"{emails.read(written.sender).domain} is not a verified sending domain"


def _never(why: str) -> Outcome:
    return Outcome(ok=False, fault=Fault.CONFIGURATION, error=why, permanent=True)
