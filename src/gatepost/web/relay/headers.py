"""Headers on their way to an upstream and back: what belongs to one hop stays there, and no key
of a client's goes further.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from gatepost.base.errors import invalid
from gatepost.web.contract import Header

HOP = frozenset({b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"})
"""What RFC 9110, section 7.6.1, keeps to one connection, beside `Proxy-*`."""
KEYS = frozenset({b"authorization", b"x-api-key"})
OURS = frozenset({b"host", b"content-length", b"expect", b"forwarded", b"x-real-ip"})
OURS_BACK = frozenset({b"x-request-id", b"date", b"ratelimit", b"ratelimit-policy"})
KEY_PARAMETER = b"_apikey"

_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]{1,262}")
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))

Text = tuple[str, str]


def onward(headers: Sequence[Header], secret: str) -> list[Text]:
    """The request's headers for the upstream; raises INVALID for what is not UTF-8."""
    key, named = secret.encode("latin-1"), _named(headers)
    return [
        (name.decode("latin-1"), _text(name, value))
        for name, value in headers
        if not _stays(name.replace(b"_", b"-"), named) and not (key and key in value)
    ]


def forwarded(scope: Any, address: str, host: bytes, proto: str) -> list[Text]:
    """For whom the request is made; `address` is the client's."""
    found = [("x-forwarded-for", address), ("x-forwarded-proto", proto)]
    element = f"for={_quoted(address)};proto={proto}"
    if _HOST.fullmatch(host):
        found.append(("x-forwarded-host", host.decode()))
        element += f";host={_quoted(host.decode())}"
    return [*found, ("forwarded", element), ("via", f"{scope['http_version']} gatepost")]


def back(headers: Iterable[Header], *, bodiless: bool) -> list[Header]:
    """The upstream's headers for the client, names in lower case."""
    lowered = [(name.lower(), value) for name, value in headers]
    named = _named(lowered)
    dropped = OURS_BACK | ({b"content-length"} if bodiless else frozenset())
    return [
        (name, value)
        for name, value in lowered
        if not _is_hop(name, named)
        and name not in dropped
        and not name.startswith((b"x-ratelimit-", b"x-quota-"))
        and not _UNSAFE.search(value)
    ]


def query_onward(query: bytes, secret: str) -> str:
    """The request's query without what carries the key."""
    key = secret.encode("latin-1")
    kept = [part for part in query.split(b"&") if not _carries(part, key)] if query else []
    joined = b"&".join(kept)
    return joined.decode() if joined.isascii() else quote_from_bytes(joined, safe=_VISIBLE)


def _stays(name: bytes, named: frozenset[bytes]) -> bool:
    """Whether a header of the client goes no further. Some servers take `_` for `-`."""
    return (
        _is_hop(name, named)
        or name in KEYS
        or name in OURS
        or name.startswith((b"x-forwarded-", b"x-gatepost-"))
    )


def _is_hop(name: bytes, named: frozenset[bytes]) -> bool:
    return name in HOP or name in named or name.startswith(b"proxy-")


def _named(headers: Iterable[Header]) -> frozenset[bytes]:
    """What `Connection` names."""
    return frozenset(
        token.strip().lower()
        for name, value in headers
        if name == b"connection"
        for token in value.split(b",")
    )


def _text(name: bytes, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise invalid(([name.decode("latin-1")], "The header must be UTF-8")) from None


def _carries(part: bytes, key: bytes) -> bool:
    name, _, value = part.partition(b"=")
    return unquote_to_bytes(name) == KEY_PARAMETER or bool(key and key in unquote_to_bytes(value))


def _quoted(text: str) -> str:
    """A value of `Forwarded`: addresses of IPv6 stand in brackets."""
    if _PLAIN.fullmatch(text):
        return text
    bare = text.count(":") > 1 and not text.startswith("[")
    return f'"[{text}]"' if bare else f'"{text}"'
