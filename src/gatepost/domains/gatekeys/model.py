"""What a gate key is. Pure rules: how its secrets look, what its scopes grant, its quota."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from gatepost.base import crypto
from gatepost.base.ids import AccountId, CustomerId, GateKeyId, ProjectId
from gatepost.base.periods import Bucket, period_at, slot_of
from gatepost.limiter.contract import Window

NAME_MAX = 100
SCOPES_MAX = 50
SCOPE_MAX = 64
METADATA_BYTES_MAX = 4096
QUOTA_MAX = 10**15
PREFIX_MAX = 16
START_EXTRA = 4
PERIODS_KEPT = 4096

PREFIX = re.compile(r"[a-z0-9_]{1,16}")
SCOPE = re.compile(r"\*|[a-z0-9][a-z0-9:._*/-]{0,63}")
ALL = "*"
_SECRET = re.compile(r"[a-z0-9_]{1,16}_[0-9A-Za-z]{32}")


class GateQuota(msgspec.Struct, frozen=True, kw_only=True):
    """At most `limit` units of cost in each day or month of a time zone."""

    limit: int
    period: Bucket
    timezone: str = "UTC"

    def bounds(self, now: int) -> tuple[int, int]:
        """The start and the end (ms) of the period a moment lies in."""
        return _bounds(slot_of(now), self.period, self.timezone)


# Periods begin where slots do, so all moments of a slot are in one.
_bounds = lru_cache(PERIODS_KEPT)(period_at)


class GateKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of somebody an account serves, in one of its projects. Times in ms.

    `prefix` is what its secrets begin with, `start` the recognisable beginning of the newest
    one. A `customer_id` binds it: what it does is done for that customer.
    """

    id: GateKeyId
    account_id: AccountId
    project_id: ProjectId
    name: str
    prefix: str
    start: str
    scopes: tuple[str, ...] = ()
    limits: tuple[Window, ...] = ()
    quota: GateQuota | None = None
    metadata: dict[str, Any] = {}
    customer_id: CustomerId | None = None
    enabled: bool = True
    expires_at: int | None = None
    created_at: int
    updated_at: int
    last_used_at: int | None = None


class Granted(msgspec.Struct, frozen=True):
    """What scopes grant: those named, and all that begin as one of some."""

    exact: frozenset[str]
    begins: tuple[str, ...]

    def holds(self, scope: str) -> bool:
        """Whether a scope is granted."""
        return scope in self.exact or scope.startswith(self.begins)


def grant(scopes: Sequence[str]) -> Granted:
    """Sum scopes up: `*` grants all, `estimates:*` all that begin with `estimates:`."""
    begins = tuple(one.removesuffix(ALL) for one in scopes if one.endswith(ALL))
    return Granted(frozenset(scopes), begins)


def mint(prefix: str) -> str:
    """Make a new secret; it is shown once and never stored."""
    return crypto.with_checksum(f"{prefix}_")


def start_of(secret: str) -> str:
    """The part of a secret that may be shown: its prefix and four characters."""
    return secret[: secret.rindex("_") + 1 + START_EXTRA]


def well_formed(secret: str) -> bool:
    """Whether it can be the secret of a gate key: any other need not be looked for."""
    if not _SECRET.fullmatch(secret):
        return False
    body, check = secret[: -crypto.CHECK_CHARS], secret[-crypto.CHECK_CHARS :]
    return crypto.checksum(body) == check


def slot_name(key_id: GateKeyId, quota: GateQuota) -> str:
    """What the quota's counter is called; another period is another counter."""
    return f"gate:{key_id.hex()}:{quota.period}"
