"""What is said over SMTP: refusals as replies (RFC 5321, 3463), in one line of ASCII. Pure."""

from __future__ import annotations

import re

from gatepost.base.clock import HOUR_MS
from gatepost.base.errors import AppError, Code
from gatepost.engine.compose.email import SENDER

WORDS_MAX = 400
"""With its code a reply line has at most 512 bytes (RFC 5321, 4.5.3.1.5)."""
LATER_S = HOUR_MS // 1000
"""A limit that opens again within so many seconds is one of passing."""

BAD_LOGIN = "535 5.7.8 Authentication credentials invalid"
BUSY = "421 4.3.2 Too many connections, try again later"
DOWN = "421 4.3.2 Shutting down, try again later"
IDLE = "421 4.4.2 Timed out"
TOO_LARGE = "552 5.3.4 Message too large"
TOO_MANY = "452 4.5.3 Too many recipients"

RESTRICTED = (
    "530 API key is restricted to sending domain: {bound}."
    " From/Sender address must use this domain. From: {sender}"
)
UNVERIFIED = "530 From/Sender domain is not verified for this workspace. From: {sender}"

_UNSEEN = re.compile(r"[^ -~]+")


def line(text: str) -> str:
    """A reply in one line: what is not ASCII is escaped, so nothing can be smuggled into it."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return _UNSEEN.sub(" ", plain)[:WORDS_MAX]


def of_login(refusal: AppError) -> str:
    """Why nobody is let in."""
    if refusal.code is Code.UNAUTHENTICATED:
        return BAD_LOGIN
    if refusal.code is Code.THROTTLED:
        return line(f"421 4.7.0 {refusal.detail}")
    if refusal.code in {Code.UNAVAILABLE, Code.INTERNAL}:
        return "454 4.7.0 Temporary authentication failure"
    return line(f"535 5.7.8 {refusal.detail}")


def of_mail(refusal: AppError, sender: str = "", bound: str | None = None) -> str:
    """Why a mail is not taken. `sender` is whose it is, if that is known, `bound` the key's only
    sending domain.
    """
    of_sender = _of_sender(refusal, sender, bound)
    if of_sender:
        return line(of_sender)
    simple = {
        Code.UNAUTHENTICATED: BAD_LOGIN,
        Code.TOO_LARGE: TOO_LARGE,
        Code.UNAVAILABLE: "451 4.3.0 The database cannot answer now, try again later",
        Code.INTERNAL: "451 4.3.0 Something went wrong, try again later",
    }
    return simple.get(refusal.code) or line(f"{_code(refusal)} {_words(refusal)}")


def _of_sender(refusal: AppError, sender: str, bound: str | None) -> str | None:
    """In the words of Emailit, where a mail may not be sent in that name."""
    if SENDER not in refusal.extra:
        return None
    if bound is not None and not sender.endswith(f"@{bound}"):
        return RESTRICTED.format(bound=bound, sender=sender)
    return UNVERIFIED.format(sender=sender)


def _code(refusal: AppError) -> str:
    if refusal.code is Code.THROTTLED:
        return "452 4.4.5" if (refusal.retry_after_s or 0) < LATER_S else "452 4.5.3"
    if refusal.code is Code.QUOTA_EXCEEDED:
        return "452 4.5.3"
    return "554 5.6.0" if refusal.code is Code.INVALID else "550 5.7.1"


def _words(refusal: AppError) -> str:
    if not refusal.fields:
        return refusal.detail
    first = refusal.fields[0]
    where = ".".join(str(one) for one in first.path)
    return f"{where}: {first.message}" if where else first.message
