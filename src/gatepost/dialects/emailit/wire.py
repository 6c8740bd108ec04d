"""Emailit's requests and refusals: ids, moments, flags, and the words of its errors."""

from __future__ import annotations

from typing import Any

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, FieldError, invalid, not_found
from gatepost.web import query as queries
from gatepost.web.contract import Call

WORDS = "emailit"
"""Where a refusal keeps what it says, if that is not the usual of its code."""
STATUS = "emailit_status"
"""Where it keeps its status, if that is not the usual one."""
DETAILS = "emailit_details"
"""Where it keeps the sentence that goes beside its `error`."""
EXISTING = "emailit_existing"
"""Where it keeps the object that stands in the way: `{"object", "id", "name"}`."""

KEY = "key"
DOMAIN = "dom"
EMAIL = "em"
TEMPLATE = "tem"
SUPPRESSION = "sup"
WEBHOOK = "wh"
REQUEST = "whr"
EVENT = "evt"
AUDIENCE = "aud"
SUBSCRIBER = "sub"
CONTACT = "con"
VERIFICATION = "ev"
VERIFICATION_LIST = "evl"
"""What ids begin with."""

TRUE = {"true", "1", "yes"}
FALSE = {"false", "0", "no"}


def refusal(code: Code, words: str, **more: Any) -> AppError:
    """Refuse in words of this wire; `status`, `details` and `existing` as they are above."""
    extra: dict[str, object] = {WORDS: words}
    names = {"status": STATUS, "details": DETAILS, "existing": EXISTING}
    extra |= {names[name]: value for name, value in more.items()}
    return AppError(code, words, extra=extra)


def conflict(noun: str, raw: bytes, kind: str, words: str, **more: Any) -> AppError:
    """Refuse what exists already: `existing` tells which one it is."""
    existing = {"object": kind, "id": ids.show(noun, raw), **more}
    return refusal(Code.CONFLICT, words, existing=existing)


def read_id(noun: str, text: str) -> bytes:
    """Read an id; raises NOT_FOUND for anything else, numbers of older clients among it."""
    try:
        return ids.parse(noun, text)
    except AppError:
        raise not_found("object with this id") from None


def moment(at: int) -> str:
    """A moment (ms) in whole seconds: `2021-01-01T00:00:00Z`."""
    return clock.iso(at)[:19] + "Z"


def exact(at: int) -> str:
    """A moment (ms) with microseconds, as mails have it."""
    return clock.iso(at).removesuffix("Z") + "000Z"


def maybe(at: int | None) -> str | None:
    """A moment (ms) that may not be, in whole seconds."""
    return None if at is None else moment(at)


def flag(text: str, name: str) -> bool:
    """Read a boolean of a query as clients write it; raises INVALID."""
    folded = text.strip().lower()
    if folded not in TRUE | FALSE:
        raise invalid(([name], "Must be true or false"))
    return folded in TRUE


def read_moment(text: str, name: str) -> int:
    """Read a moment in ms; raises INVALID."""
    return queries.moment(text, name)


def problem(path: str, words: str) -> AppError:
    """Refuse one member of a body or a query."""
    return AppError(Code.INVALID, words, fields=[FieldError((path,), words)])


def base_url(call: Call) -> str:
    """Where the caller finds this API: without a path."""
    public = call.services.settings.public_url.rstrip("/")
    host = call.headers.get(b"host", b"").decode("latin-1")
    return public or f"http://{host}"
