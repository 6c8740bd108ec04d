"""What an endpoint is, and which messages it wants. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from gatepost.base.clock import DAY_MS
from gatepost.base.errors import invalid
from gatepost.base.ids import AccountId, EndpointId, ProjectId

NAME_MAX = 100
URL_MAX = 2000
TYPES_MAX = 100
TYPE_MAX = 200
SECRET_MAX = 200
HEADERS_MAX = 20
HEADER_CHARS_MAX = 4000
RATE_MAX = 1000.0
CAP = 8
CAP_MAX = 100
EVERYTHING = "*"
EVENTS = "event.*"
SECRETS_MAX = 10
GRACE_S = 24 * 3600
GRACE_S_MAX = 7 * 24 * 3600

WARN_AFTER_MS = 2 * DAY_MS
DISABLE_AFTER_MS = 5 * DAY_MS
"""How long an endpoint may fail, without a single success, before its owner is warned, and before
nothing more is sent to it.
"""
HEED_MS = DAY_MS
"""How long at least a warning comes before the end."""
RECORD_MS = 14 * DAY_MS
"""How long what an endpoint misses is kept as failed after it was disabled for its failures, so
that it can be sent later.
"""

_TYPE = re.compile(r"\*|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?:\.\*)?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e\xa0-\xff]*")
OURS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-emailit-signature",
        "x-emailit-timestamp",
        "x-webhook-signature",
        "x-webhook-timestamp",
    }
)
"""Headers of requests that are not the caller's to set."""
OUR_PREFIX = "webhook-"

Problem = tuple[Sequence[str | int], str]


class Shape(StrEnum):
    """Whose signature goes beside that of Standard Webhooks."""

    STANDARD = "standard"
    NOTIFYKIT = "notifykit"
    EMAILIT = "emailit"


class EndpointStatus(StrEnum):
    """Whether anything is sent to it, and who has ended that."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    FAILED = "failed"
    GONE = "gone"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A URL that is told of what it wants. Times in ms; `rate` in requests a second.

    `types` are names of what is told, each perhaps with `.*` for all below it, or `*`. `filter`
    is JSON of a condition on events, empty for none. `headers` and `secrets` are sealed.
    `failing_since` is when the first attempt failed after the last success.
    """

    account_id: AccountId
    id: EndpointId
    project_id: ProjectId
    name: str
    url: str
    types: tuple[str, ...]
    filter: str
    policy: str
    shape: Shape
    array: bool
    status: EndpointStatus
    headers: bytes
    secrets: bytes
    rate: float | None
    cap: int
    failing_since: int | None = None
    warned_at: int | None = None
    disabled_at: int | None = None
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    def wants(self, type_: str) -> bool:
        """Whether it is told of a type."""
        return any(covers(one, type_) for one in self.types)

    @property
    def ended_itself(self) -> bool:
        """Whether its failures have ended it; what it misses is kept for a while."""
        return self.status in {EndpointStatus.FAILED, EndpointStatus.GONE}


class Secret(msgspec.Struct, frozen=True):
    """A signing secret; one that was replaced signs as well until a moment (ms)."""

    text: str
    until: int | None = None


def covers(pattern: str, type_: str) -> bool:
    """Whether a name of types takes one in."""
    if pattern in {EVERYTHING, type_}:
        return True
    return pattern.endswith(".*") and type_.startswith(pattern[:-1])


def is_type(text: str) -> bool:
    """Whether a text names one type."""
    return bool(_TYPE.fullmatch(text)) and not text.endswith(EVERYTHING)


def check_types(types: Sequence[str]) -> list[Problem]:
    """What is wrong with names of types."""
    return [
        (["types", index], "Lower-case words with dots between, as event.orders, event.* or *")
        for index, one in enumerate(types)
        if not _TYPE.fullmatch(one)
    ]


def check_headers(headers: Mapping[str, str]) -> list[Problem]:
    """What is wrong with headers that somebody wants to be sent."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for name, value in headers.items():
        if name.lower() in seen:
            problems.append((["headers", name], "Is there twice"))
        elif is_ours(name):
            problems.append((["headers", name], "Is set by Gatepost"))
        elif not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value):
            problems.append((["headers", name], "Not a header"))
        elif len(value) > HEADER_CHARS_MAX:
            problems.append((["headers", name], f"At most {HEADER_CHARS_MAX} characters"))
        seen.add(name.lower())
    return problems


def is_ours(name: str) -> bool:
    """Whether a header is not the caller's to set."""
    folded = name.lower()
    return folded in OURS or folded.startswith(OUR_PREFIX)


def refuse(problems: Sequence[Problem]) -> None:
    """Raise INVALID for whatever is wrong."""
    if problems:
        raise invalid(*problems)


class Health(msgspec.Struct, frozen=True):
    """What changes for an endpoint after an attempt; None changes nothing."""

    failing_since: int | None = None
    warn: bool = False
    status: EndpointStatus | None = None


def health(endpoint: Endpoint, now: int, *, ok: bool, gone: bool = False) -> Health | None:
    """Decide what an attempt says of its endpoint: one success heals it, failures of days end
    it, after a warning. One that is not enabled stays as it is.
    """
    if endpoint.status is not EndpointStatus.ENABLED:
        return None
    if ok:
        return Health() if endpoint.failing_since is not None else None
    since = now if endpoint.failing_since is None else endpoint.failing_since
    warned_at = endpoint.warned_at
    if gone:
        return Health(since, status=EndpointStatus.GONE)
    if warned_at is None and now - since >= WARN_AFTER_MS:
        return Health(since, warn=True)
    if warned_at is not None and now - since >= DISABLE_AFTER_MS and now - warned_at >= HEED_MS:
        return Health(since, status=EndpointStatus.FAILED)
    return Health(since) if endpoint.failing_since is None else None


def rotated(kept: Sequence[Secret], new: str, now: int, grace_ms: int) -> list[Secret]:
    """The secrets after a new one: it comes first, the others end after the grace at the latest."""
    until = now + grace_ms
    old = [Secret(one.text, until if one.until is None else min(one.until, until)) for one in kept]
    alive = [one for one in old if one.until is not None and one.until > now and one.text != new]
    return [Secret(new), *alive][:SECRETS_MAX]


def describe(endpoint: Endpoint) -> dict[str, Any]:
    """What the audit log says of it: nothing secret."""
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "filter": endpoint.filter,
        "retry": endpoint.policy,
        "signature": str(endpoint.shape),
        "payloadFormat": "array" if endpoint.array else "object",
        "status": str(endpoint.status),
        "rate": endpoint.rate,
        "cap": endpoint.cap,
    }
