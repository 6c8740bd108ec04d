"""Jobs as NotifyKit shows them: each is the delivery of a message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gatepost.base import clock, ids
from gatepost.dialects.notifykit.shapes import JobOut, JobSummaryOut, LogOut
from gatepost.domains.outbox.model import (
    ERROR_CHARS_MAX,
    Attempt,
    Delivery,
    Fault,
    Message,
    State,
    Transport,
)
from gatepost.engine.compose.mail import Envelope, Written
from gatepost.engine.compose.webhook import Address

NOUN = "job"
EMAIL = "notifykit.email"
WEBHOOK = "notifykit.webhook"
TYPES = (EMAIL, WEBHOOK)
"""The types of the messages whose deliveries are jobs."""
FROM = "from"
"""Under which a mail keeps the sender that was asked for."""
FORCED = "Configured provider(s) failed: "
CANCELED = "The job was canceled"
REDIRECTED = "redirects are not followed"
HIDDEN = "…"
CATCHER = "catcher"

STATES: Mapping[str, tuple[State, ...]] = {
    "pending": (State.PENDING, State.WAITING),
    "processing": (State.SENDING,),
    "completed": (State.SUCCEEDED,),
    "failed": (State.FAILED, State.CANCELED),
}
STATUSES: Mapping[State, Any] = {
    state: status for status, states in STATES.items() for state in states
}

_written = msgspec.json.Decoder(Written).decode
_envelope = msgspec.json.Decoder(Envelope).decode
_address = msgspec.json.Decoder(Address).decode
_JSON = re.compile(r"\s*[\[{]")


def summary(one: Delivery, tried: Sequence[Attempt]) -> JobSummaryOut:
    """A job in a list."""
    return JobSummaryOut(
        id=ids.show(NOUN, one.id),
        type=_kind(one),
        status=STATUSES[one.state],
        priority=int(one.priority),
        attempts=_attempts(one),
        error_message=_reason(one, tried),
        created_at=clock.iso(ids.time_of(one.id)),
        completed_at=_completed(one),
    )


def whole(
    message: Message,
    one: Delivery,
    tried: Sequence[Attempt],
    headers: Mapping[str, str],
    *,
    free: bool,
) -> JobOut:
    """A job with its attempts; `headers` are the opened ones of a webhook. Those that are on the
    free plan are not told which provider was asked.
    """
    return JobOut(
        id=ids.show(NOUN, one.id),
        type=_kind(one),
        status=STATUSES[one.state],
        priority=int(one.priority),
        payload=_payload(message, one, headers),
        attempts=_attempts(one),
        max_attempts=one.policy.attempts_max,
        error_message=_reason(one, tried),
        created_at=clock.iso(ids.time_of(one.id)),
        started_at=None if one.started_at is None else clock.iso(one.started_at),
        completed_at=_completed(one),
        delivery_logs=[_log(one, attempt, free=free) for attempt in tried],
    )


def sealed_headers(one: Delivery) -> bytes:
    """The headers that a webhook was given, sealed; empty where there are none."""
    return _address(one.target).headers if one.transport is Transport.WEBHOOK else b""


def _kind(one: Delivery) -> Any:
    return "email" if one.transport is Transport.EMAIL else "webhook"


def _attempts(one: Delivery) -> int:
    """The one that is under way counts."""
    return one.attempts + (one.state is State.SENDING)


def _completed(one: Delivery) -> str | None:
    if one.state is not State.SUCCEEDED or one.done_at is None:
        return None
    return clock.iso(one.done_at)


def _payload(message: Message, one: Delivery, headers: Mapping[str, str]) -> dict[str, Any] | None:
    if message.body is None or one.state is State.SUCCEEDED:
        return None
    if one.transport is Transport.EMAIL:
        return _mail(_written(message.body), _envelope(one.target))
    where = _address(one.target)
    asked: dict[str, Any] = {"url": where.url, "method": where.method}
    asked["payload"] = msgspec.Raw(message.body.encode())
    return asked | ({"headers": dict(headers)} if headers else {})


def _mail(said: Written, envelope: Envelope) -> dict[str, Any]:
    asked = {"to": envelope.to, "subject": said.subject, "body": said.html}
    more = {
        FROM: said.meta.get(FROM),
        "provider": envelope.provider,
        "fallback": envelope.fallback,
    }
    return asked | {name: value for name, value in more.items() if value}


def _log(one: Delivery, tried: Attempt, *, free: bool) -> LogOut:
    return LogOut(
        id=tried.id.hex(),
        attempt=tried.number,
        status="success" if tried.ok else "failed",
        used_provider=None if free else _provider(tried.via),
        error_message=None if tried.ok else failure(one, tried),
        created_at=clock.iso(ids.time_of(tried.id)),
    )


def _provider(via: str | None) -> str | None:
    return None if via is None or via == CATCHER else via.upper()


def _reason(one: Delivery, tried: Sequence[Attempt]) -> str | None:
    """Why a job has failed; its log may have been dropped since."""
    if one.state is State.CANCELED:
        return CANCELED
    if one.state is not State.FAILED:
        return None
    return failure(one, tried[-1]) if tried and not tried[-1].ok else one.error


def failure(one: Delivery, tried: Attempt) -> str:
    """Why an attempt failed: what the other side said, or that it said nothing."""
    mail = one.transport is Transport.EMAIL
    words = _said(tried, mail=mail)
    forced = mail and tried.via is not None and _envelope(one.target).provider is not None
    return f"{FORCED}{words}" if forced else words


def _said(tried: Attempt, *, mail: bool) -> str:
    if tried.status is None or tried.response is None:
        return tried.error or ""
    if tried.fault is Fault.REDIRECT:
        return f"{tried.status} - {REDIRECTED}"
    words = _words(tried.response, mail=mail).removeprefix(f"{tried.status} ").strip()
    if words:
        return f"{tried.status} - {words[:ERROR_CHARS_MAX]}"
    return f"Request failed with status {tried.status}"


def _words(answer: str, *, mail: bool) -> str:
    """What an answer says: the message in it, or all of it where it is plain text."""
    try:
        read = msgspec.json.decode(answer)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return "" if _JSON.match(answer) else answer.strip()
    if isinstance(read, str):
        return read
    if not isinstance(read, dict):
        return ""
    errors = read.get("errors") if mail else None
    first = errors[0] if isinstance(errors, list) and errors else None
    # Postmark writes it with a capital letter.
    found = (_message(first), _message(read.get("error")), _message(read), read.get("Message"))
    return next((one for one in found if isinstance(one, str) and one), "")


def _message(one: Any) -> Any:
    return one.get("message") if isinstance(one, dict) else None
