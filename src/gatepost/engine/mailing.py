"""Mailing: mails as Emailit sends them, with what becomes of each recipient's. A vector verb."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.outbox.model import Fault, State
from gatepost.domains.suppressions import store as suppressions
from gatepost.domains.suppressions.model import Why
from gatepost.engine import milestones
from gatepost.engine.compose.email import compose
from gatepost.engine.compose.mail import Envelope, Mail
from gatepost.engine.milestones import MAIL, Milestone
from gatepost.engine.notify import Draft, Notified, Notify, Target, notify
from gatepost.storage.db import Tx

_envelope = msgspec.json.Decoder(Envelope).decode

Suppressed = Mapping[AccountId, Mapping[str, Why]]


class Mailing(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to send, now or at a moment (ms), by a key that may be bound to a sending domain, or
    whose mails are `held` back.
    """

    account_id: AccountId
    project_id: ProjectId
    now: int
    mail: Mail
    bound: str | None = None
    send_at: int | None = None
    held: bool = False


def send(tx: Tx, commands: Sequence[Mailing], settings: Settings) -> list[Notified | AppError]:
    """Put mails into the outbox; one that cannot be refuses itself alone. The delivery to a
    recipient who is suppressed, and that of a mail that is held, has failed from the beginning.
    """
    drafts = [_draft(tx, one, settings) for one in commands]
    both = zip(commands, drafts, strict=True)
    drawn = [(one, draft) for one, draft in both if isinstance(draft, Draft)]
    now = max((one.now for one in commands), default=0)
    off = _suppressed(tx, drawn, now)
    done = iter(notify(tx, [_notify(one, draft, off) for one, draft in drawn]))
    outcomes = [one if isinstance(one, AppError) else next(done) for one in drafts]
    milestones.note(tx, list(_told(commands, outcomes)), now)
    return outcomes


def _draft(tx: Tx, one: Mailing, settings: Settings) -> Draft | AppError:
    try:
        account_id, mail, bound, held = one.account_id, one.mail, one.bound, one.held
        return compose(tx, account_id, one.project_id, mail, settings, bound=bound, held=held)
    except AppError as refusal:
        return refusal


def _suppressed(tx: Tx, drawn: Sequence[tuple[Mailing, Draft]], now: int) -> Suppressed:
    """Who among all recipients gets nothing, with one look-up for each account."""
    wanted: dict[AccountId, set[str]] = defaultdict(set)
    for one, draft in drawn:
        wanted[one.account_id].update(map(_recipient, draft.targets))
    return {
        account_id: suppressions.among(tx, account_id, addresses, now)
        for account_id, addresses in sorted(wanted.items())
    }


def _notify(one: Mailing, draft: Draft, off: Suppressed) -> Notify:
    mine = off[one.account_id]
    return Notify(
        account_id=one.account_id,
        project_id=one.project_id,
        now=one.now,
        type=MAIL,
        body=draft.body,
        targets=tuple(_unless(mine.get(_recipient(to)), to) for to in draft.targets),
        send_at=one.send_at,
        message_id=draft.message_id,
    )


def _unless(why: Why | None, target: Target) -> Target:
    if why is None or target.refused:
        return target
    words = f"Suppressed: {why.value}"
    return msgspec.structs.replace(target, refused=words, fault=Fault.SUPPRESSED)


def _recipient(target: Target) -> str:
    return emails.normal(_envelope(target.address).to)


def _told(
    commands: Sequence[Mailing], outcomes: Sequence[Notified | AppError]
) -> Iterator[Milestone]:
    """What is to be told of each recipient's; one who is suppressed was accepted first."""
    for command, sent in zip(commands, outcomes, strict=True):
        if isinstance(sent, AppError):
            continue
        for one in sent.deliveries:
            if one.state is State.FAILED:
                yield milestones.of_mail(sent.message, one, "accepted")
            status = milestones.status_of(one, command.now)
            later = status == "scheduled"
            more = {"scheduled_at": milestones.moment(one.due_at)} if later else {}
            yield milestones.of_mail(sent.message, one, status, **more)
