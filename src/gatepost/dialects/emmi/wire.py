"""EMMI's requests: who asks, for whom, and bodies that are JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gatepost.base import crypto, ids
from gatepost.base.errors import AppError, Code, FieldError
from gatepost.base.ids import CustomerId
from gatepost.domains.customers.model import IDENTIFIER_MAX
from gatepost.domains.keys.model import MULTI, SINGLE, Key
from gatepost.web import validate
from gatepost.web.contract import Call
from gatepost.web.validate import Body

WORD = "emmi"
"""Where a refusal keeps the word it has on this wire, if that is not the usual one of its code."""
MISSING_KEY = "missing_api_key"
INVALID_KEY = "invalid_api_key"
INVALID_JSON = "invalid_json"
INVALID_CURSOR = "invalid_cursor"
NO_QUOTA = "quota_not_found"
MISSING_END_USER = "missing_end_user_id"
INVALID_END_USER = "invalid_end_user_id"
DEFAULT_CLIENT = "default"
"""The identifier of the customer of keys that know no customers."""

DETAILS_MAX = 100
# Keys of EMMI's format, and those that Gatepost makes for others. Nothing else can be a key here.
_KEY = re.compile(
    r"emmi_sk_[A-Za-z0-9_-]{64}"
    r"|(?:gp_live_|gp_test_|emitkit_|evk_|em_live_)[A-Za-z0-9]{32}"
    r"|nh_[0-9a-f]{64}"
)
_OLDER = re.compile(r"(sk_(?:live|test)_(?:single|multi)_[A-Za-z0-9]{14,})_([0-9a-f]{4})")
_JSON = re.compile(rb"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a body; told only where the quota would have admitted it."""

    code: Code
    detail: str
    word: str = ""
    fields: tuple[FieldError, ...] = ()

    def error(self) -> AppError:
        """Make the refusal of it."""
        extra: dict[str, object] = {WORD: self.word} if self.word else {}
        return AppError(self.code, self.detail, fields=self.fields, extra=extra)


def problem_of(refusal: AppError) -> Problem:
    """Keep a refusal for later."""
    word = str(refusal.extra.get(WORD, ""))
    return Problem(refusal.code, refusal.detail, word, refusal.fields)


def refusal(code: Code, word: str, detail: str) -> AppError:
    """Refuse with a word of this wire."""
    return AppError(code, detail, extra={WORD: word})


def no_json() -> AppError:
    """Refuse a body that is not JSON."""
    return refusal(Code.INVALID, INVALID_JSON, "Request body is not valid JSON")


def api_key(headers: Mapping[bytes, bytes]) -> str:
    """The key in `X-API-Key`; raises UNAUTHENTICATED where there is none, or what can be none."""
    secret = headers.get(b"x-api-key", b"").decode("latin-1").strip()
    if not secret:
        raise refusal(Code.UNAUTHENTICATED, MISSING_KEY, "The X-API-Key header is required")
    if not _KEY.fullmatch(secret) and not _is_older(secret):
        raise AppError(Code.UNAUTHENTICATED)
    return secret


def _is_older(secret: str) -> bool:
    """Whether it can be a key of the earlier generation, which has a checksum."""
    match = _OLDER.fullmatch(secret)
    return match is not None and crypto.short_checksum(match[1]) == match[2]


def client(key: Key, headers: Mapping[bytes, bytes]) -> str | None:
    """The identifier of whom a request with a key of the earlier generation is done for, None for
    keys of today; raises CUSTOMER_MISSING and CUSTOMER_INVALID.
    """
    if key.format in SINGLE:
        return DEFAULT_CLIENT
    if key.format not in MULTI:
        return None
    try:
        text = headers.get(b"x-end-user-id", b"").decode().strip()
    except UnicodeDecodeError:
        raise wrong_end_user() from None
    if not text:
        raise no_end_user()
    if len(text) > IDENTIFIER_MAX:
        raise wrong_end_user()
    return text


def no_end_user() -> AppError:
    """Refuse a request that names nobody."""
    return refusal(Code.CUSTOMER_MISSING, MISSING_END_USER, "The X-End-User-Id header is required")


def wrong_end_user() -> AppError:
    """Refuse a name that cannot be one."""
    detail = f"X-End-User-Id must have at most {IDENTIFIER_MAX} characters of UTF-8"
    return refusal(Code.CUSTOMER_INVALID, INVALID_END_USER, detail)


def customer(headers: Mapping[bytes, bytes]) -> CustomerId | None:
    """The customer in `X-Customer-ID`, None when there is none; raises CUSTOMER_INVALID."""
    text = headers.get(b"x-customer-id", b"").decode("latin-1").strip()
    if not text:
        return None
    try:
        return CustomerId(ids.parse_uuid(text))
    except ValueError:
        raise AppError(
            Code.CUSTOMER_INVALID,
            "X-Customer-ID must be the UUID that registering the customer has returned",
        ) from None


def customer_in_path(call: Call) -> CustomerId:
    """The customer a path names; raises NOT_FOUND."""
    return a_customer(call.params["customer_id"])


def a_customer(text: str) -> CustomerId:
    """Read a customer's id; raises NOT_FOUND for what can be none."""
    try:
        return CustomerId(ids.parse_uuid(text))
    except ValueError:
        raise AppError(Code.NOT_FOUND) from None


def show_id(customer_id: CustomerId) -> str:
    """Write a customer's id for the wire."""
    return ids.show_uuid(customer_id)


def decode(call: Call, body: bytes, kind: Body) -> Any:
    """Read a body; raises UNSUPPORTED_TYPE or INVALID."""
    check_type(call, body)
    try:
        return kind.decode(body)
    except AppError:
        as_json(body)
        raise


def check_type(call: Call, body: bytes) -> None:
    """Raise UNSUPPORTED_TYPE for a body that does not say that it is JSON."""
    kind = call.headers.get(b"content-type", b"").partition(b";")[0].strip()
    if body and not _JSON.fullmatch(kind):
        raise AppError(Code.UNSUPPORTED_TYPE, "Content-Type must be application/json")


def as_json(body: bytes) -> Any:
    """Read any JSON; raises INVALID."""
    try:
        return validate.json(body)
    except AppError:
        raise no_json() from None


def spell(path: Iterable[str | int]) -> str:
    """Write the path of a member: `a.b[0]`."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return steps.removeprefix(".")
