"""Mailed: mails that were sent as Emailit sends them, looked up, put off, ended, sent once more."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gatepost.base import ids
from gatepost.base.clock import DAY_MS, MINUTE_MS
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, DeliveryId, ProjectId
from gatepost.domains.attachments import store as attachments
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.outbox import byhand, typed
from gatepost.domains.outbox import store as outbox
from gatepost.domains.outbox.model import Delivery, Message
from gatepost.domains.outbox.typed import Wanted
from gatepost.domains.tracks import store as tracks
from gatepost.domains.tracks.model import TrackKind
from gatepost.engine import milestones, replay
from gatepost.engine.compose.mail import Attachment, Envelope, Mail, Written
from gatepost.engine.milestones import MAIL
from gatepost.storage.db import Tx

AHEAD_MS_MIN = 3 * MINUTE_MS
"""A mail that is due sooner is left alone."""
RETRIED_MS_MAX = 30 * DAY_MS
RETRIED = frozenset({"bounced", "failed", "suppressed", "held"})
CANCELED = frozenset({"scheduled", "accepted", "attempted"})
ERASED = "What the e-mail said is no longer kept"

_written = msgspec.json.Decoder(Written).decode
_envelope = msgspec.json.Decoder(Envelope).decode


class Mailed(msgspec.Struct, frozen=True):
    """A mail to one recipient, and how it stands in Emailit's words."""

    message: Message
    delivery: Delivery
    status: str

    @property
    def written(self) -> Written | None:
        """What it says, None once that was erased."""
        return None if self.message.body is None else _written(self.message.body)

    @property
    def envelope(self) -> Envelope:
        """To whom it goes."""
        return _envelope(self.delivery.target)


def get(
    tx: Tx, account_id: AccountId, project_id: ProjectId, delivery_id: DeliveryId, now: int
) -> Mailed:
    """Look one of a project's up; raises NOT_FOUND."""
    found = typed.find(tx, account_id, project_id, MAIL, delivery_id)
    if found is None:
        raise not_found("email with this id")
    message, one = found
    done = tracks.kinds(tx, account_id, [one.id])
    return Mailed(message, one, _status(one, now, done))


def page(
    tx: Tx, account_id: AccountId, wanted: Wanted, now: int, *, offset: int, limit: int
) -> list[Mailed]:
    """Those that are wanted, newest first."""
    sent = typed.page(tx, account_id, wanted, offset=offset, limit=limit)
    told = outbox.messages_by_id(tx, account_id, list({one.message_id for one in sent}))
    done = tracks.kinds(tx, account_id, [one.id for one in sent]) if sent else {}
    return [Mailed(told[one.message_id], one, _status(one, now, done)) for one in sent]


def put_off(tx: Tx, one: Mailed, at: int, actor: Actor, now: int) -> Mailed:
    """Send one at another moment (ms); raises CONFLICT where it is too late."""
    if one.status != "scheduled":
        raise AppError(Code.CONFLICT, f"It is {one.status}, not scheduled")
    _check_time(one, now)
    if not byhand.put_off(tx, one.delivery, at):
        raise AppError(Code.CONFLICT, "It is being sent")
    after = _again(tx, one, now)
    _note(tx, actor, one.delivery, after.delivery, now)
    when = {"scheduled_at": milestones.moment(at)}
    told = milestones.of_mail(after.message, after.delivery, after.status, **when)
    milestones.note(tx, [told], now)
    return after


def end(tx: Tx, one: Mailed, actor: Actor, now: int) -> Mailed:
    """Cancel one that has not arrived; raises CONFLICT where it is too late."""
    if one.status not in CANCELED:
        raise AppError(Code.CONFLICT, f"It is {one.status}")
    if one.status == "scheduled":
        _check_time(one, now)
    replay.cancel(tx, one.delivery, actor, now)
    return _again(tx, one, now)


def retried(tx: Tx, one: Mailed, now: int) -> Mail:
    """The same mail once more, for one that has failed; raises CONFLICT where it cannot be."""
    if one.status not in RETRIED:
        raise AppError(Code.CONFLICT, f"It is {one.status}")
    if ids.time_of(one.delivery.id) <= now - RETRIED_MS_MAX:
        raise AppError(Code.CONFLICT, "It is older than 30 days")
    return whole(tx, one)


def whole(tx: Tx, one: Mailed) -> Mail:
    """A mail as it was to be sent, to its one recipient; raises CONFLICT where it was erased."""
    written, envelope, kept = one.written, one.envelope, files(tx, one)
    if written is None or any(part.id not in kept for part in written.attachments):
        raise AppError(Code.CONFLICT, ERASED)
    return Mail(
        to=written.to,
        sender=written.sender,
        cc=written.cc,
        bcc=written.bcc,
        reply_to=written.reply_to,
        subject=written.subject,
        html=written.html,
        text=written.text,
        attachments=_attachments(written, kept),
        headers=written.headers,
        template=written.template,
        filled=True,
        unsubscribe=written.unsubscribe,
        track_opens=written.track_opens,
        track_clicks=written.track_clicks,
        provider=envelope.provider,
        fallback=envelope.fallback,
        policy=one.delivery.policy,
        meta=written.meta,
        only=(envelope.to,),
    )


def files(tx: Tx, one: Mailed) -> dict[str, bytes]:
    """What its attachments contain, by the ids of their parts."""
    found = attachments.of_message(tx, one.message.account_id, one.message.id)
    return {id_.hex(): content for id_, content in found.items()}


def _attachments(written: Written, kept: Mapping[str, bytes]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            filename=part.filename,
            content=kept[part.id],
            content_type=part.content_type,
            content_id=part.content_id,
        )
        for part in written.attachments
    )


def _status(one: Delivery, now: int, done: Mapping[DeliveryId, set[TrackKind]]) -> str:
    """How it stands, and what was done with it once it had arrived."""
    status = milestones.status_of(one, now)
    kinds = done.get(one.id, set())
    if status != "delivered" or not kinds:
        return status
    return "clicked" if TrackKind.CLICKED in kinds else "loaded"


def _check_time(one: Mailed, now: int) -> None:
    if one.delivery.due_at < now + AHEAD_MS_MIN:
        raise AppError(Code.CONFLICT, "It is due in less than 3 minutes")


def _again(tx: Tx, one: Mailed, now: int) -> Mailed:
    after = outbox.get(tx, one.message.account_id, one.delivery.id)
    return Mailed(one.message, after, milestones.status_of(after, now))


def _note(tx: Tx, actor: Actor, before: Delivery, after: Delivery, now: int) -> None:
    target = Target(ids.show("delivery", before.id), "", before.project_id)
    was, is_ = ({"dueAt": milestones.moment(one.due_at)} for one in (before, after))
    action = "delivery.reschedule"
    audit.append(tx, before.account_id, actor, action, target, now=now, before=was, after=is_)
