"""`POST /v2/emails`: an e-mail, kept before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.base import emails, ids
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, TemplateId
from gatepost.dialects.emailit import emails_files, emails_given, emails_show, wire
from gatepost.dialects.emailit.emails_files import Linked
from gatepost.dialects.emailit.emails_wire import EmailIn
from gatepost.dialects.emailit.envelope import reply
from gatepost.domains.plans.model import Meter
from gatepost.domains.templates import store as templates
from gatepost.domains.templates.model import Template
from gatepost.engine import mailing, milestones
from gatepost.engine.compose import email as compose
from gatepost.engine.compose.mail import Mail
from gatepost.engine.mailing import Mailing
from gatepost.engine.notify import Notified
from gatepost.gate import once
from gatepost.gate.once import Charge, Reply
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

ROOM_BYTES = 1_048_576
"""What a body may have beside the e-mail, whose attachments are a third larger in base64."""
NO_TEMPLATE = "Template not found"
NOT_VERIFIED = "From/Sender domain is not valid or not verified"

_body = Body(EmailIn)


class Send(msgspec.Struct, frozen=True):
    """An e-mail to send, at a moment (ms) if it says so. A `problem` is told unless it is known
    that the same request was carried out.
    """

    mail: Mail
    send_at: int | None = None
    linked: tuple[Linked, ...] = ()
    problem: AppError | None = None


def parse(call: Call, body: bytes) -> Send:
    """Read an e-mail; raises INVALID, or TOO_LARGE."""
    given: EmailIn = _body.decode(body)
    files = given.attachments or []
    emails_given.check_files(files)
    mail = emails_given.mail_of(given)
    emails_given.check(mail, call.services.settings)
    linked = tuple(Linked(index, one.url) for index, one in enumerate(files) if one.url is not None)
    return Send(mail, emails_given.read_moment(given.scheduled_at), linked)


async def prepare(call: Call, command: Send) -> Send:
    """Fill the template and fetch what is linked, before the transaction."""
    mail = command.mail
    if (mail.template is None and not command.linked) or await is_known(call):
        return command
    try:
        if mail.template is not None:
            mail = await _filled(call, mail, mail.template)
        if command.linked:
            files = await emails_files.fetched(call, mail.attachments, command.linked)
            mail = msgspec.structs.replace(mail, attachments=files)
            emails_given.check(mail, call.services.settings)
    except AppError as refusal:
        return msgspec.structs.replace(command, problem=emails_given.spelt(refusal))
    return msgspec.structs.replace(command, mail=mail)


async def is_known(call: Call) -> bool:
    """Whether the same request has been carried out, and will just be answered again."""
    claim = call.claim
    if claim is None:
        return False
    return await call.services.database.write(lambda tx: once.is_known(tx, claim, call.now))


async def _filled(call: Call, mail: Mail, name: str) -> Mail:
    account_id = call.caller.account_id
    return await call.services.database.read(lambda tx: _fill(tx, account_id, mail, name))


def _fill(tx: Tx, account_id: AccountId, mail: Mail, name: str) -> Mail:
    found = templates.published(tx, account_id, name) or _version(tx, account_id, name)
    if found is None:
        raise wire.refusal(Code.NOT_FOUND, NO_TEMPLATE)
    exactly = ids.show(templates.NOUN, found.id)
    made = compose.fill(tx, account_id, msgspec.structs.replace(mail, template=exactly))
    return msgspec.structs.replace(made, template=name)


def _version(tx: Tx, account_id: AccountId, name: str) -> Template | None:
    try:
        raw = ids.parse(wire.TEMPLATE, name)
    except AppError:
        return None
    return templates.find(tx, account_id, TemplateId(raw))


def run(tx: Tx, calls: Sequence[Call], commands: Sequence[Send]) -> list[Reply | AppError]:
    """Keep e-mails; one that cannot be sent refuses its own request alone."""
    asked = [_asked(call, command) for call, command in zip(calls, commands, strict=True)]
    settings = calls[0].services.settings
    mailings = [one for one in asked if isinstance(one, Mailing)]
    done = iter(mailing.send(tx, mailings, settings))
    tx.after_commit(calls[0].services.due)
    outcomes = [one if isinstance(one, AppError) else next(done) for one in asked]
    return [
        _told(tx, call, command, one)
        for call, command, one in zip(calls, commands, outcomes, strict=True)
    ]


def _told(tx: Tx, call: Call, command: Send, done: Notified | AppError) -> Reply | AppError:
    if isinstance(done, AppError):
        return refused(done, call, command.mail)
    return reply(emails_show.sent(tx, call, done), 201, headers=emails_show.standings(call))


def _asked(call: Call, command: Send) -> Mailing | AppError:
    if command.problem is not None:
        return command.problem
    try:
        emails_given.check_ahead(command.send_at, call.now)
    except AppError as refusal:
        return refusal
    return mailing_of(call, command.mail, command.send_at)


def mailing_of(call: Call, mail: Mail, send_at: int | None = None) -> Mailing:
    """An e-mail as a caller sends it."""
    return Mailing(
        account_id=call.caller.account_id,
        project_id=call.project_id,
        now=call.now,
        mail=mail,
        bound=call.caller.key.sending_domain,
        send_at=send_at,
        held=call.caller.key.hold_mails,
    )


def charge(command: Send) -> Charge:
    """Price it: each recipient counts, once."""
    return Charge(Meter.EMAIL, recipients(command))


def recipients(command: Send) -> int:
    """How many get it."""
    return count(command.mail)


def count(mail: Mail) -> int:
    """How many different recipients an e-mail has."""
    return len({emails.normal(one) for one in mail.recipients})


def body_bytes_max(settings: Settings) -> int:
    """How large a request may be that has an e-mail in it, in bytes."""
    return settings.mail_bytes_max // 3 * 4 + ROOM_BYTES


def refused(refusal: AppError, call: Call, mail: Mail) -> AppError:
    """Say why an e-mail cannot be sent, in words of this wire."""
    domain = refusal.extra.get(compose.SENDER)
    if domain is None:
        return emails_given.spelt(refusal)
    return unverified(call.caller.key.sending_domain, mail.sender)


def unverified(bound: str | None, sender: str) -> AppError:
    """Refuse a sender whose domain is not verified, or not the one that a key is bound to."""
    sender = milestones.unquoted(sender)
    if bound is not None and emails.read(sender).domain != bound:
        why = (
            f"API key is restricted to sending domain: {bound}. From/Sender address must use"
            f" this domain. From: {sender}"
        )
    else:
        why = f"From/Sender domain is not verified for this workspace. From: {sender}"
    return wire.refusal(Code.INVALID, NOT_VERIFIED, status=422, details=why)
