"""What providers report of mails that they have taken, each in its own words. Pure.

Only what is for good is read: bounces that may pass, and whatever else they tell, say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from gatepost.base import emails
from gatepost.domains.mailers.model import MailerKind
from gatepost.domains.suppressions.model import REASON_MAX, Why
from gatepost.engine.callbacks import Report

ADDRESS_MAX = 500
AMAZON = (".amazonaws.com", ".amazonaws.com.cn")

SENDGRID = {"spamreport": Why.COMPLAINT, "unsubscribe": Why.UNSUBSCRIBE}
SENDGRID_DROPPED = {
    "bounced address": Why.BOUNCE,
    "spam reporting address": Why.COMPLAINT,
    "unsubscribed address": Why.UNSUBSCRIBE,
}
POSTMARK_BOUNCES = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})
REASONS = {
    Why.BOUNCE: "The provider reported a bounce",
    Why.COMPLAINT: "The provider reported a complaint",
    Why.UNSUBSCRIBE: "The provider reported that they unsubscribed",
}

Found = tuple[str, Why | None, str | None]
"""An address, why it is to get nothing more (None: it is not), and the provider's words."""


class NoReportError(Exception):
    """A body that is nothing its provider would send."""


class Said(NamedTuple):
    """What a body says. `confirm` is an address that somebody has to open before more comes."""

    reports: list[Report]
    confirm: str = ""


class SendgridEvent(msgspec.Struct, frozen=True):
    """One of SendGrid's event webhook."""

    event: str
    email: str = ""
    type: str | None = None
    reason: str | None = None


class PostmarkEvent(msgspec.Struct, rename="pascal", frozen=True):
    """One of Postmark's webhooks."""

    record_type: str
    email: str = ""
    type: str | None = None
    description: str | None = None


class ResendBounce(msgspec.Struct, frozen=True):
    """How a mail has bounced."""

    type: str | None = None
    message: str | None = None


class ResendMail(msgspec.Struct, frozen=True):
    """What an event is of."""

    to: list[str] = []
    bounce: ResendBounce | None = None


class ResendEvent(msgspec.Struct, frozen=True):
    """One of Resend's webhooks."""

    type: str
    data: ResendMail


class SesRecipient(msgspec.Struct, rename="camel", frozen=True):
    """Whom a mail was to."""

    email_address: str
    diagnostic_code: str | None = None


class SesBounce(msgspec.Struct, rename="camel", frozen=True):
    """How a mail has bounced."""

    bounce_type: str
    bounced_recipients: list[SesRecipient] = []


class SesComplaint(msgspec.Struct, rename="camel", frozen=True):
    """Who has complained; some tell that a mail is no spam."""

    complained_recipients: list[SesRecipient] = []
    complaint_feedback_type: str | None = None


class SesEvent(msgspec.Struct, rename="camel", frozen=True):
    """A notification of SES, or an event that it publishes: they differ in one name."""

    notification_type: str | None = None
    event_type: str | None = None
    bounce: SesBounce | None = None
    complaint: SesComplaint | None = None


class SnsMessage(msgspec.Struct, rename="pascal", frozen=True):
    """What SNS puts around it."""

    type: str | None = None
    message: str = ""
    subscribe_url: str = msgspec.field(default="", name="SubscribeURL")


_sendgrid_events = msgspec.json.Decoder(list[SendgridEvent]).decode
_postmark_event = msgspec.json.Decoder(PostmarkEvent).decode
_resend_event = msgspec.json.Decoder(ResendEvent).decode
_ses_event = msgspec.json.Decoder(SesEvent).decode
_sns_message = msgspec.json.Decoder(SnsMessage).decode


def read(kind: MailerKind, body: bytes) -> Said:
    """Read what a provider of that kind says; raises NoReportError."""
    try:
        return READERS[kind](body)
    except (msgspec.MsgspecError, KeyError, RecursionError, ValueError):
        raise NoReportError from None


def _sendgrid(body: bytes) -> Said:
    events = _sendgrid_events(body)
    return Said(_reports((it.email, _why_sendgrid(it), it.reason) for it in events))


def _why_sendgrid(it: SendgridEvent) -> Why | None:
    if it.event == "bounce":
        return None if it.type == "blocked" else Why.BOUNCE
    if it.event == "dropped":
        return SENDGRID_DROPPED.get((it.reason or "").lower())
    return SENDGRID.get(it.event)


def _postmark(body: bytes) -> Said:
    it, why = _postmark_event(body), None
    if it.record_type == "SpamComplaint":
        why = Why.COMPLAINT
    elif it.record_type == "Bounce" and it.type in POSTMARK_BOUNCES:
        why = Why.BOUNCE
    return Said(_reports([(it.email, why, it.description)]))


def _resend(body: bytes) -> Said:
    event = _resend_event(body)
    bounce, why = event.data.bounce or ResendBounce(), None
    if event.type == "email.complained":
        why = Why.COMPLAINT
    elif event.type == "email.bounced" and bounce.type == "Permanent":
        why = Why.BOUNCE
    # Of a mail to several it is not said which of them it is.
    to = event.data.to if len(event.data.to) == 1 else []
    return Said(_reports((one, why, bounce.message) for one in to))


def _ses(body: bytes) -> Said:
    outer = _sns_message(body)
    match outer.type:
        case None:  # a topic can be told to leave its own words out
            return _ses_said(_ses_event(body))
        case "Notification":
            return _ses_notified(outer.message)
        case "SubscriptionConfirmation":
            return Said([], _amazons(outer.subscribe_url))
        case "UnsubscribeConfirmation":
            return Said([])
    raise NoReportError


def _ses_notified(message: str) -> Said:
    """What is in a notification: the first one of a topic is just a sentence."""
    if not message.lstrip().startswith("{"):
        return Said([])
    return _ses_said(_ses_event(message))


def _ses_said(event: SesEvent) -> Said:
    what = event.notification_type or event.event_type
    if what is None:
        raise NoReportError
    found: list[Found] = []
    if what == "Bounce" and event.bounce and event.bounce.bounce_type == "Permanent":
        gone = event.bounce.bounced_recipients
        found = [(it.email_address, Why.BOUNCE, it.diagnostic_code) for it in gone]
    elif what == "Complaint" and event.complaint:
        angry = event.complaint.complaint_feedback_type != "not-spam"
        who = event.complaint.complained_recipients if angry else ()
        found = [(it.email_address, Why.COMPLAINT, None) for it in who]
    return Said(_reports(found))


def _amazons(url: str) -> str:
    """An address of SNS; whoever is shown another one might be led astray."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https" or not (host.startswith("sns.") and host.endswith(AMAZON)):
        raise NoReportError
    if not (url.isascii() and url.isprintable()):
        raise NoReportError
    return url


def _reports(found: Iterable[Found]) -> list[Report]:
    read_ = ((_normal(address), why, words) for address, why, words in found if why is not None)
    return [Report(one, why, _clean(words) or REASONS[why]) for one, why, words in read_ if one]


def _normal(address: str) -> str:
    """An address in its normal form, empty for what is none."""
    try:
        return emails.normal(address) if len(address) <= ADDRESS_MAX else ""
    except ValueError:
        return ""


def _clean(words: str | None) -> str:
    """In one line, without what cannot be seen."""
    seen = "".join(one if one.isprintable() else " " for one in words or "")
    return " ".join(seen.split())[:REASON_MAX]


READERS = {
    MailerKind.SENDGRID: _sendgrid,
    MailerKind.POSTMARK: _postmark,
    MailerKind.RESEND: _resend,
    MailerKind.SES: _ses,
}
