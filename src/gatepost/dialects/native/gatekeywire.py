"""Gate keys on the wire: what comes in, what goes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.periods import Bucket
from gatepost.dialects.native import admin
from gatepost.dialects.native.keywire import Expiry, LimitOut, LimitText
from gatepost.domains.gatekeys import model
from gatepost.domains.gatekeys.model import GateKey, GateQuota
from gatepost.domains.keys.model import LIMITS_MAX
from gatepost.engine import mint

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Prefix = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9_]{1,16}$",
        description="What its secrets begin with, before an underscore.",
    ),
]
GateScope = Annotated[
    str, Meta(max_length=model.SCOPE_MAX, pattern="^(\\*|[a-z0-9][a-z0-9:._*/-]{0,63})$")
]
Scopes = Annotated[
    list[GateScope],
    Meta(
        max_length=model.SCOPES_MAX,
        description="Words of your own. `*` grants all, `estimates:*` all that begin with "
        "`estimates:`.",
    ),
]
Limits = Annotated[
    list[LimitOut],
    Meta(max_length=LIMITS_MAX, description="How many checks in any so many seconds."),
]
Metadata = Annotated[
    dict[str, Any],
    Meta(description="Any JSON object, at most 4 KB. Checks answer with it."),
]
BoundTo = Annotated[str | None, Meta(description="The one customer it is used for.")]


class GateQuotaOut(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """At most `limit` units of cost in each `day` or `month` of a time zone."""

    limit: Annotated[int, Meta(ge=0, le=model.QUOTA_MAX)]
    period: Literal["day", "month"]
    timezone: Annotated[str, Meta(description="An IANA time zone.")] = "UTC"


class NewGateKeyIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A gate key to be."""

    name: Name
    project_id: Annotated[str | None, Meta(description="Its project; null means the only one.")] = (
        None
    )
    prefix: Prefix = mint.PREFIX
    scopes: Scopes = []
    limits: Limits | UnsetType = UNSET
    limit: LimitText | UnsetType = UNSET
    quota: GateQuotaOut | None = None
    metadata: Metadata = {}
    customer_id: BoundTo = None
    expires_at: Expiry | None = None


class GateKeyChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    limits: Limits | UnsetType = UNSET
    limit: LimitText | UnsetType = UNSET
    quota: GateQuotaOut | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    customer_id: BoundTo | UnsetType = UNSET
    expires_at: Expiry | UnsetType | None = UNSET


class GateKeyOut(msgspec.Struct, rename="camel"):
    """A gate key, without its secret. `start` is how the secret begins."""

    id: str
    project_id: str
    name: str
    prefix: str
    start: str
    scopes: Scopes
    limits: Limits
    quota: GateQuotaOut | None
    metadata: Metadata
    customer_id: BoundTo
    enabled: bool
    expires_at: str | None
    created_at: str
    updated_at: str
    last_used_at: Annotated[
        str | None, Meta(description="When a check with it was allowed; a minute behind at most.")
    ]


class MintedGateKeyOut(GateKeyOut, rename="camel", kw_only=True):
    """A gate key with its secret, which is shown this once."""

    key: Annotated[str | UnsetType, Meta(description="The secret.")] = UNSET


class GateKeysOut(msgspec.Struct, rename="camel"):
    """A page of gate keys; `next_cursor` is null on the last one."""

    keys: list[GateKeyOut]
    next_cursor: str | None


def read_quota(quota: GateQuotaOut | None) -> GateQuota | None:
    """Read a quota."""
    if quota is None:
        return None
    return GateQuota(limit=quota.limit, period=Bucket(quota.period), timezone=quota.timezone)


def show(key: GateKey, secret: str | None = None) -> MintedGateKeyOut:
    """Write a gate key for the wire."""
    return MintedGateKeyOut(
        shown_id(key),
        ids.show("project", key.project_id),
        key.name,
        key.prefix,
        key.start,
        list(key.scopes),
        [LimitOut(one.limit, one.seconds) for one in key.limits],
        show_quota(key.quota),
        key.metadata,
        shown_customer(key),
        key.enabled,
        admin.moment(key.expires_at),
        clock.iso(key.created_at),
        clock.iso(key.updated_at),
        admin.moment(key.last_used_at),
        key=UNSET if secret is None else secret,
    )


def show_quota(quota: GateQuota | None) -> GateQuotaOut | None:
    """Write a quota for the wire."""
    if quota is None:
        return None
    period: Literal["day", "month"] = "day" if quota.period is Bucket.DAY else "month"
    return GateQuotaOut(quota.limit, period, quota.timezone)


def shown_customer(key: GateKey) -> str | None:
    """The customer a key is bound to, for the outside."""
    return None if key.customer_id is None else ids.show("customer", key.customer_id)


def shown_id(key: GateKey) -> str:
    """A gate key's id for the outside."""
    return ids.show(mint.NOUN, key.id)
