"""Milestones: what becomes of mails that were sent by Emailit's API, kept as events.

They are events like any others, in a channel of their own: listed, searched, watched by rules,
and told to endpoints in Emailit's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from gatepost.base import clock, emails, ids
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.events.model import Event
from gatepost.domains.outbox.claims import Ended
from gatepost.domains.outbox.model import RESPONSE_CHARS_MAX, Delivery, Fault, Message, State
from gatepost.engine.compose.mail import Envelope, Written
from gatepost.engine.jobs import Sent
from gatepost.engine.track import Origin, Track, track
from gatepost.storage.db import Tx

MAIL = "emailit.email"
"""The type of the messages whose milestones are kept."""
CHANNEL = "emailit"
SOURCE = "emailit"

FAILED = {Fault.SUPPRESSED: "suppressed", Fault.BOUNCED: "bounced", Fault.HELD: "held"}
"""What a mail that has failed is called, where it is not just `failed`."""
ENHANCED = re.compile(r"\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
"""The status of RFC 3463 in an answer, after its code."""

PLAIN = re.compile(r"[\w'-]+(?: [\w'-]+)*")
"""Names that nobody could take for anything else."""

_written = msgspec.json.Decoder(Written).decode
_envelope = msgspec.json.Decoder(Envelope).decode


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened: `object` is what it happened to, as Emailit shows it."""

    account_id: AccountId
    project_id: ProjectId
    type: str
    object: dict[str, Any]


def note(tx: Tx, found: Sequence[Milestone], now: int) -> list[Event]:
    """Keep them as events, which tells whoever wants to know; returns those."""
    if not found:
        return []
    origins = [Origin(one.account_id, one.project_id, now) for one in found]
    kept = track(tx, origins, [_track(one) for one in found])
    return [one.event for one in kept if one.event is not None]


def of_mail(message: Message, one: Delivery, status: str, **more: Any) -> Milestone:
    """A mail has come to a status."""
    return Milestone(
        account_id=one.account_id,
        project_id=one.project_id,
        type=f"email.{status}",
        object=mail(message, one, status) | more,
    )


def ended(tx: Tx, tried: Iterable[tuple[Sent, Ended]], now: int) -> None:
    """Keep how mails have fared."""
    note(tx, [_of_try(*one) for one in tried if one[0].job.message.type == MAIL], now)


def status_of(one: Delivery, now: int) -> str:
    """How a mail stands, in Emailit's words."""
    if one.state is State.SUCCEEDED:
        return "delivered"
    if one.state is State.CANCELED:
        return "canceled"
    if one.state is State.FAILED:
        return "failed" if one.fault is None else FAILED.get(one.fault, "failed")
    if one.attempts:
        return "attempted"
    return "scheduled" if one.due_at > now else "accepted"


def mail(message: Message, one: Delivery, status: str) -> dict[str, Any]:
    """What is told of a mail, whatever has happened to it. One whose text was erased tells less."""
    said = None if message.body is None else _said(message.body)
    return {
        "object": "email",
        "id": ids.show("em", one.id),
        "from": None if said is None else sender_of(said),
        "to": _envelope(one.target).to,
        "subject": None if said is None else said.subject,
        "status": status,
        "meta": {} if said is None else said.meta,
        "created_at": moment(ids.time_of(one.id)),
        "updated_at": moment(changed_at(one)),
    }


@lru_cache(maxsize=1)
def _said(body: str) -> Written:
    """What a message says: it is asked for each of its recipients, one after the other."""
    return _written(body)


def sender_of(written: Written) -> str:
    """Whom a mail is from, without quotes where the name needs none."""
    return unquoted(written.sender)


def unquoted(sender: str) -> str:
    """An address with a name, without quotes where the name needs none."""
    one = emails.read(sender)
    return f"{one.name} <{one.spec}>" if PLAIN.fullmatch(one.name) else sender


def changed_at(one: Delivery) -> int:
    """When something has happened to a mail last (ms)."""
    return one.done_at or one.started_at or ids.time_of(one.id)


def moment(at: int) -> str:
    """A moment (ms) as Emailit writes it: with microseconds."""
    return clock.iso(at).removesuffix("Z") + "000Z"


def _of_try(sent: Sent, end: Ended) -> Milestone:
    after = msgspec.structs.replace(
        end.delivery,
        state=end.state,
        attempts=end.attempts,
        fault=end.fault,
        started_at=sent.at,
        done_at=end.done_at,
    )
    said = sent.outcome.response or end.error
    enhanced = None if said is None else ENHANCED.match(said)
    more = {
        "smtp_code": end.status,
        "smtp_enhanced_code": None if enhanced is None else enhanced[1],
        "smtp_response": None if said is None else said[:RESPONSE_CHARS_MAX],
    }
    return of_mail(sent.job.message, after, status_of(after, sent.now), **more)


def _track(one: Milestone) -> Track:
    return Track(
        channel=CHANNEL,
        title=one.type,
        description=None,
        icon=None,
        tags_json="[]",
        metadata_json=msgspec.json.encode(one.object).decode(),
        user_id=None,
        notify=True,
        source=SOURCE,
        display_as="message",
        event_key=None,
        at=None,
    )
