"""What is done with e-mails that were sent: put off, ended, sent once more, sent on."""

from __future__ import annotations

import html
from typing import Any

import msgspec

from gatepost.base import clock, emails, ids
from gatepost.base.errors import AppError, invalid, not_found
from gatepost.base.ids import DeliveryId
from gatepost.dialects.emailit import emails_given, emails_send, emails_show, wire
from gatepost.dialects.emailit.emails_wire import ForwardIn, ScheduleIn
from gatepost.dialects.emailit.envelope import reply
from gatepost.domains.plans.model import Meter
from gatepost.engine import mailed, mailing
from gatepost.engine.compose.mail import RECIPIENTS_MAX, Mail
from gatepost.engine.mailed import Mailed
from gatepost.gate.once import Charge, Reply
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

FORWARDS = Window("forwards", 3, 3600)
TOO_LATE = "Email cannot be updated"
NOT_CANCELED = "Email cannot be canceled"
NOT_RETRIED = "Email cannot be retried"
NOT_FORWARDED = "Email cannot be forwarded"
PREFIX = "Fwd: "
LINE = "---------- Forwarded message ----------"

_schedule_body = Body(ScheduleIn)
_forward_body = Body(ForwardIn)


class Schedule(msgspec.Struct, frozen=True):
    """Which e-mail is to be sent at which moment (ms)."""

    id: DeliveryId
    at: int


class Forward(msgspec.Struct, frozen=True):
    """Which e-mail is sent on, and to whom."""

    id: DeliveryId
    to: tuple[str, ...]
    given: ForwardIn


def parse_id(call: Call, _body: bytes) -> DeliveryId:
    """Read the id in the path; raises NOT_FOUND."""
    try:
        return DeliveryId(ids.parse(wire.EMAIL, call.params["id"]))
    except AppError:
        raise not_found("email with this id") from None


def find(tx: Tx, call: Call, delivery_id: DeliveryId) -> Mailed:
    """Look one of the project's up; raises NOT_FOUND."""
    return mailed.get(tx, call.caller.account_id, call.project_id, delivery_id, call.now)


def parse_schedule(call: Call, body: bytes) -> Schedule:
    """Read another moment; raises INVALID, or NOT_FOUND."""
    given: ScheduleIn = _schedule_body.decode(body)
    at = emails_given.read_moment(given.scheduled_at)
    return Schedule(parse_id(call, body), at or 0)


def reschedule(tx: Tx, call: Call, command: Schedule) -> Reply:
    """Send an e-mail at another moment."""
    one = _changeable(tx, call, command.id)
    emails_given.check_ahead(command.at, call.now)
    try:
        after = mailed.put_off(tx, one, command.at, call.actor, call.now)
    except AppError as refusal:
        raise _said(refusal, TOO_LATE) from None
    tx.after_commit(call.services.due)
    return reply(emails_show.email_(after))


def cancel(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """End an e-mail that has not arrived."""
    one = _changeable(tx, call, delivery_id)
    try:
        after = mailed.end(tx, one, call.actor, call.now)
    except AppError as refusal:
        raise _said(refusal, NOT_CANCELED) from None
    tx.after_commit(call.services.due)
    return reply(emails_show.email_(after))


def retry(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Send an e-mail that has failed once more, as a new one."""
    one = find(tx, call, delivery_id)
    try:
        mail = mailed.retried(tx, one, call.now)
    except AppError as refusal:
        raise _said(refusal, NOT_RETRIED) from None
    return _send(tx, call, one, mail)


def parse_forward(call: Call, body: bytes) -> Forward:
    """Read to whom an e-mail goes on; raises INVALID, or NOT_FOUND."""
    delivery_id = parse_id(call, body)
    given: ForwardIn = _forward_body.decode(body)
    to = emails_given.several(given.to)
    problems = [problem for index, one in enumerate(to) for problem in _wrong(["to", index], one)]
    if given.sender is not None:
        problems += _wrong(["from"], given.sender)
    if not 1 <= len(to) <= RECIPIENTS_MAX:
        problems.append((["to"], f"Give 1 to {RECIPIENTS_MAX} recipients"))
    if problems:
        raise invalid(*problems)
    return Forward(delivery_id, to, given)


async def prepare_forward(call: Call, command: Forward) -> Forward:
    """Count it, unless it was done before, or cannot be done; raises THROTTLED and NOT_FOUND."""
    if await emails_send.is_known(call):
        return command
    await call.services.database.read(lambda tx: find(tx, call, command.id))
    if call.services.settings.rate_limit == "on":
        await _count(call)
    return command


def forward(tx: Tx, call: Call, command: Forward) -> Reply:
    """Send an e-mail on, as a new one."""
    one = find(tx, call, command.id)
    try:
        mail = forwarded(mailed.whole(tx, one), command, ids.time_of(one.delivery.id))
    except AppError as refusal:
        raise _said(refusal, NOT_FORWARDED) from None
    emails_given.check(mail, call.services.settings)
    return _send(tx, call, one, mail)


def forwarded(mail: Mail, command: Forward, at: int) -> Mail:
    """An e-mail of a moment (ms) as it goes on: as it was, unless more is asked for."""
    given = command.given
    fresh = given.html is not None or given.text is not None
    found = msgspec.structs.replace(
        mail,
        to=command.to,
        cc=(),
        bcc=(),
        only=(),
        sender=given.sender or mail.sender,
        subject=given.subject or mail.subject,
        html=given.html if fresh else mail.html,
        text=given.text if fresh else mail.text,
    )
    return _headed(mail, found, command, at) if given.include_headers else found


def recipients(command: Forward) -> int:
    """How many get it."""
    return len({emails.normal(one) for one in command.to})


def charge_forward(command: Forward) -> Charge:
    """Price it: each recipient counts, once."""
    return Charge(Meter.EMAIL, recipients(command))


def charge_one(_command: DeliveryId) -> Charge:
    """An e-mail that is sent once more is one to one recipient."""
    return Charge(Meter.EMAIL, 1)


def _changeable(tx: Tx, call: Call, delivery_id: DeliveryId) -> Mailed:
    """One that the caller may change: a key bound to a domain does that with its own alone."""
    one = find(tx, call, delivery_id)
    bound, written = call.caller.key.sending_domain, one.written
    if bound is None or written is None or emails.read(written.sender).domain == bound:
        return one
    raise emails_send.unverified(bound, written.sender)


def _send(tx: Tx, call: Call, one: Mailed, mail: Mail) -> Reply:
    settings = call.services.settings
    (done,) = mailing.send(tx, [emails_send.mailing_of(call, mail)], settings)
    if isinstance(done, AppError):
        raise emails_send.refused(done, call, mail)
    tx.after_commit(call.services.due)
    shown = emails_show.sent(tx, call, done, one.delivery)
    return reply(shown, 201, headers=emails_show.standings(call))


def _said(refusal: AppError, words: str) -> AppError:
    return AppError(refusal.code, refusal.detail, extra={wire.WORDS: words})


def _wrong(path: list[str | int], text: str) -> list[tuple[list[str | int], str]]:
    try:
        emails.read(text)
    except ValueError as fault:
        return [(path, str(fault))]
    return []


async def _count(call: Call) -> None:
    """Charge the account for a mail that is sent on; raises THROTTLED."""
    detail = f"Maximum {FORWARDS.limit} forwards per hour allowed."
    await call.services.admission.seldom(call.caller, "forward", FORWARDS, call.now, detail)


def _headed(before: Mail, mail: Mail, command: Forward, at: int) -> Mail:
    """The same, beginning with a comment and what the headers said."""
    given = command.given
    comment = given.comment if given.comment is not None else given.body or ""
    said = {
        "From": before.sender,
        "Date": clock.iso(at),
        "Subject": before.subject,
        "To": ", ".join(before.to),
    }
    lines = [LINE, *(f"{name}: {value}" for name, value in said.items())]
    changes: dict[str, Any] = {}
    if mail.text is not None:
        changes["text"] = "\n\n".join(filter(None, (comment, "\n".join(lines), mail.text)))
    if mail.html is not None:
        shown = "<br>".join(map(html.escape, lines))
        note = html.escape(comment).replace("\n", "<br>")
        changes["html"] = f"<p>{note}</p><p>{shown}</p>{mail.html}"
    if given.subject is None and not mail.subject.lower().startswith(PREFIX.strip().lower()):
        changes["subject"] = PREFIX + mail.subject
    return msgspec.structs.replace(mail, **changes)
