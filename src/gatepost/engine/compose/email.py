"""A mail, as a draft for the outbox: a delivery for each of its recipients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gatepost.base import emails, ids
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.base.ids import AccountId, AttachmentId, MessageId, ProjectId
from gatepost.domains.attachments import store as attachments
from gatepost.domains.emaildomains import store as emaildomains
from gatepost.domains.mailers import store as mailers
from gatepost.domains.outbox.model import Fault, Transport
from gatepost.domains.templates import store as templates
from gatepost.domains.templates.render import render
from gatepost.engine.compose import mail as mails
from gatepost.engine.compose import senders
from gatepost.engine.compose.mail import Attachment, Envelope, Mail, Part, Written
from gatepost.engine.notify import Draft, Target
from gatepost.storage.db import Tx

QUEUE = "email"
CAP = 8
HELD = "Mails of this key are held"
SENDER = "sending_domain"
"""Where a refusal of a sender keeps the domain that is not verified, or that a key is bound to."""


def compose(
    tx: Tx,
    account_id: AccountId,
    project_id: ProjectId,
    given: Mail,
    settings: Settings,
    *,
    bound: str | None = None,
    held: bool = False,
) -> Draft:
    """Check a mail, fill its template, keep its attachments; raises INVALID, and FORBIDDEN for
    another sending domain than one is bound to. One that is `held` goes to nobody.

    The draft names the message's id, under which the attachments are kept.
    """
    del project_id  # an account's projects share its mailers
    whole = _whole(fill(tx, account_id, given), settings)
    problems = mails.check(whole, settings)
    if problems:
        raise invalid(*problems)
    _check_ways(tx, account_id, whole, settings, bound)
    message_id = MessageId(ids.new())
    files = {AttachmentId(ids.new()): one for one in whole.attachments}
    attachments.add(tx, account_id, message_id, {id_: one.content for id_, one in files.items()})
    parts = tuple(_part(id_, one) for id_, one in files.items())
    body = msgspec.json.encode(_written(whole, parts)).decode()
    targets = tuple(_held(one) if held else one for one in _targets(whole))
    return Draft(body, targets, message_id)


def fill(tx: Tx, account_id: AccountId, given: Mail) -> Mail:
    """Fill a mail's template, unless that was done; what the mail says itself stays. Raises
    INVALID.
    """
    if given.template is None or given.filled:
        return given
    found = templates.named(tx, account_id, given.template)
    if found is None:
        raise invalid((["template"], "No published template of this alias, and none of this id"))
    made = render(found, given.variables)
    return msgspec.structs.replace(
        given,
        filled=True,
        subject=given.subject or made.subject,
        html=given.html or made.html,
        text=given.text or made.text,
        sender=given.sender or found.sender,
        reply_to=given.reply_to or ((found.reply_to,) if found.reply_to else ()),
    )


def _whole(given: Mail, settings: Settings) -> Mail:
    """The mail with a sender; raises INVALID where there is none."""
    sender = given.sender or senders.default(settings)
    if not sender:
        raise invalid((["from"], "Required"))
    return msgspec.structs.replace(given, sender=sender)


def _check_ways(
    tx: Tx, account_id: AccountId, mail: Mail, settings: Settings, bound: str | None
) -> None:
    """Refuse at once what nobody would take; it is asked again when it is sent."""
    mine = mailers.list_(tx, account_id)
    for name, wanted in (("provider", mail.provider), ("fallback", mail.fallback)):
        if wanted and senders.find(mine, wanted) is None:
            raise invalid(([name], "No enabled mailer of this kind or id"))
    names = (mail.provider, mail.fallback)
    ways = senders.forced(mine, names) if mail.provider else senders.ways(mine, settings)
    sender = emails.read(mail.sender)
    domain = emaildomains.sender_of(tx, account_id, sender.spec)
    if bound is not None and (domain is None or domain.name != bound):
        raise AppError(Code.FORBIDDEN, f"This key sends from {bound} alone", extra={SENDER: bound})
    if not senders.open_to(ways, sender, settings, verified=domain is not None, own=mail.own):
        words = f"{sender.domain} is not a verified sending domain"
        problem = FieldError(("from",), words)
        raise AppError(Code.INVALID, words, fields=[problem], extra={SENDER: sender.domain})


def _part(id_: AttachmentId, one: Attachment) -> Part:
    return Part(id_.hex(), one.filename, mails.content_type(one), one.content_id, len(one.content))


def _written(mail: Mail, parts: tuple[Part, ...]) -> Written:
    return Written(
        sender=_clean([mail.sender])[0],
        to=_clean(mail.to),
        cc=_clean(mail.cc),
        bcc=_clean(mail.bcc),
        reply_to=_clean(mail.reply_to),
        subject=mail.subject,
        html=mail.html,
        text=mail.text,
        attachments=parts,
        headers=dict(mail.headers),
        unsubscribe=mail.unsubscribe,
        template=mail.template,
        track_opens=mail.track_opens,
        track_clicks=mail.track_clicks,
        meta=dict(mail.meta),
    )


def _clean(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(emails.read(text)) for text in given)


def _held(target: Target) -> Target:
    return msgspec.structs.replace(target, refused=HELD, fault=Fault.HELD)


def _targets(mail: Mail) -> Iterable[Target]:
    """Each recipient once, however often they are named."""
    queue = f"{QUEUE} {mail.provider.lower()}" if mail.provider else QUEUE
    specs: dict[str, str] = {}
    for text in mail.recipients:
        spec = emails.read(text).spec
        specs.setdefault(emails.normal(spec), spec)
    for spec in specs.values():
        envelope = Envelope(spec, mail.provider, mail.fallback, mail.own)
        yield Target(
            transport=Transport.EMAIL,
            queue=queue,
            name=queue,
            address=msgspec.json.encode(envelope).decode(),
            policy=mail.policy,
            cap=CAP,
        )
