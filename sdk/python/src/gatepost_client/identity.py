"""What Gatepost's relay says of a caller, checked by the service behind it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Headers: TypeAlias = Mapping[str, str] | Iterable[tuple[bytes, bytes]]
PREFIX = "x-gatepost-"
VERSION = "v1="


class IdentityError(ValueError):
    """The identity headers are missing, too old, or not signed with this secret."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: ids as Gatepost shows them, `customer` as a UUID, None when none was named.

    `timestamp` is when the relay signed, in Unix seconds.
    """

    account: str
    key: str
    customer: str | None
    request_id: str
    timestamp: int


def verify_identity(
    headers: Headers,
    method: str,
    target: str,
    secret: str | bytes,
    tolerance_s: float = 300,
) -> Identity:
    """The caller, if the relay signed for it; raises IdentityError.

    `headers` is a mapping of names in any case, or the pairs of an ASGI scope; `target` is the
    path as it came, with its query. The body is not signed, and within `tolerance_s` seconds a
    copy of the same request passes too: `request_id` tells them apart.
    """
    given = _gatepost(headers)
    signed = _text(given, method, target)
    wanted = VERSION + hmac.new(_bytes(secret), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), _get(given, "signature").encode()):
        raise IdentityError("the signature does not fit")
    timestamp = int(_get(given, "timestamp"))
    if abs(time.time() - timestamp) > tolerance_s:
        raise IdentityError("the signature is too old, or one of the clocks is wrong")
    return Identity(
        account=_get(given, "account"),
        key=_get(given, "key"),
        customer=given.get("customer") or None,
        request_id=_get(given, "request-id"),
        timestamp=timestamp,
    )


def _text(given: Mapping[str, str], method: str, target: str) -> bytes:
    timestamp = _get(given, "timestamp")
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise IdentityError("X-Gatepost-Timestamp is not a number of seconds")
    named = [_get(given, "account"), _get(given, "key"), given.get("customer", "")]
    parts = [timestamp, method.upper(), target, *named, _get(given, "request-id")]
    return "\n".join(parts).encode()


def _gatepost(headers: Headers) -> dict[str, str]:
    """Gatepost's own headers by the rest of their names; refuses any that came twice."""
    given: dict[str, str] = {}
    for name, value in _pairs(headers):
        if not name.startswith(PREFIX):
            continue
        short = name.removeprefix(PREFIX)
        if short in given:
            raise IdentityError(f"X-Gatepost-{short.title()} came twice")
        given[short] = value
    return given


def _pairs(headers: Headers) -> Iterable[tuple[str, str]]:
    if isinstance(headers, Mapping):
        return ((name.lower(), value) for name, value in headers.items())
    return ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers)


def _get(given: Mapping[str, str], short: str) -> str:
    value = given.get(short)
    if not value:
        raise IdentityError(f"X-Gatepost-{short.title()} is missing")
    return value


def _bytes(secret: str | bytes) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else secret
    if not raw:
        raise IdentityError("the secret is empty")
    return raw
