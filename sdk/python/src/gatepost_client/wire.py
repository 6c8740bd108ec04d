"""What Gatepost's gate is asked and answers, as values, and as the JSON they travel in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from gatepost_client.errors import UnavailableError

BATCH_MAX = 100
"""Checks that one call can carry."""


class Reason(StrEnum):
    """Why a check is refused. A newer Gatepost may know further reasons."""

    KEY_NOT_FOUND = "key_not_found"
    KEY_DISABLED = "key_disabled"
    KEY_EXPIRED = "key_expired"
    SCOPE_MISSING = "scope_missing"
    CUSTOMER_NOT_FOUND = "customer_not_found"
    CUSTOMER_INACTIVE = "customer_inactive"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"


@dataclass(frozen=True, slots=True)
class Check:
    """One question: may this key do this, and if so, charge it `cost` units.

    `key` is the secret of one of your users, `scope` what it must hold, `route` what usage is
    counted under, `customer` whom it is counted for. A `dry_run` charges nothing.
    """

    key: str = field(repr=False)
    scope: str | None = None
    route: str | None = None
    cost: int = 1
    customer: str | None = None
    dry_run: bool = False

    def body(self) -> dict[str, Any]:
        """Its JSON; what is not said is left out."""
        said: dict[str, Any] = {"key": self.key, "cost": self.cost}
        said |= {"scope": self.scope, "route": self.route, "customer": self.customer}
        return {name: value for name, value in said.items() if value is not None} | (
            {"dryRun": True} if self.dry_run else {}
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A limit or a quota after the check: `remaining` of `limit` units, more at `reset_at`."""

    name: str
    limit: int
    remaining: int
    reset_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as a check shows it, without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    metadata: Mapping[str, Any]
    customer_id: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a check.

    `reason` and `message` say why it was refused, `retry_after_s` when another try may pass, in
    seconds. `verified` is false where Gatepost gave no answer and the app lets requests pass then.
    """

    allowed: bool
    reason: str | None = None
    message: str | None = None
    key: KeyInfo | None = None
    limits: tuple[Window, ...] = ()
    quotas: tuple[Window, ...] = ()
    retry_after_s: float | None = None
    verified: bool = True

    @property
    def customer_id(self) -> str | None:
        """The customer that the key belongs to, None where it belongs to none."""
        return self.key.customer_id if self.key else None

    @property
    def tightest(self) -> Window | None:
        """The limit or quota with the least left, None where there is none."""
        windows = (*self.limits, *self.quotas)
        return min(windows, key=lambda one: one.remaining, default=None)


def read_verdict(data: Any) -> Verdict:
    """One verdict from its JSON; raises UnavailableError."""
    try:
        return Verdict(
            allowed=data["allowed"] is True,
            reason=data.get("reason"),
            message=data.get("message"),
            key=_key(data["key"]) if data.get("key") else None,
            limits=tuple(_windows(data.get("limits"))),
            quotas=tuple(_windows(data.get("quotas"))),
            retry_after_s=data.get("retryAfter"),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise UnavailableError("a verdict came in a form that is not understood")


def read_verdicts(data: Any, asked: int) -> list[Verdict]:
    """The verdicts of a batch of `asked` checks, in their order; raises UnavailableError."""
    results = data.get("results") if isinstance(data, dict) else None
    if not isinstance(results, list) or len(results) != asked:
        raise UnavailableError("a batch came back with other verdicts than were asked for")
    return [read_verdict(one) for one in results]


def read_moment(value: Any) -> datetime | None:
    """A time from ISO 8601 or Unix seconds; raises ValueError or TypeError."""
    if value is None:
        return None
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC)


def _windows(data: Sequence[Mapping[str, Any]] | None) -> Iterator[Window]:
    for one in data or ():
        moment = read_moment(one.get("resetAt"))
        yield Window(str(one["name"]), int(one["limit"]), int(one["remaining"]), moment)


def _key(data: Mapping[str, Any]) -> KeyInfo:
    return KeyInfo(
        id=str(data["id"]),
        name=str(data.get("name", "")),
        scopes=tuple(data.get("scopes") or ()),
        metadata=data.get("metadata") or {},
        customer_id=data.get("customerId"),
        expires_at=read_moment(data.get("expiresAt")),
    )
