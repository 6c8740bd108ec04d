"""Keys on the wire: what comes in, what goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import invalid
from gatepost.dialects.native import admin
from gatepost.domains.keys import model
from gatepost.domains.keys.model import Format, Key
from gatepost.domains.plans.model import WINDOW_S_MAX, parse_limits, window
from gatepost.engine import keyring
from gatepost.limiter.contract import Window

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Scopes = Annotated[
    list[Annotated[str, Meta(max_length=50)]],
    Meta(max_length=50, description="Scopes, or presets: full, read, events, sending, data."),
]
Networks = Annotated[
    list[Annotated[str, Meta(max_length=50)]],
    Meta(
        max_length=model.NETWORKS_MAX,
        description="Addresses and networks it may be used from (`203.0.113.0/24`, "
        "`2001:db8::/32`); empty means any.",
    ),
]
Expiry = Annotated[datetime, Meta(tz=True, description="When it ends; null means never.")]
Metadata = Annotated[dict[str, Any], Meta(description="Any JSON object, at most 4 KB.")]
LimitText = Annotated[
    str,
    Meta(max_length=200, description="`limits` in short: `100/60s`, `2/1s,5000/1d` or `off`."),
]


class LimitOut(msgspec.Struct, frozen=True):
    """At most `limit` requests in any `seconds`."""

    limit: Annotated[int, Meta(ge=1, le=999_999_999)]
    seconds: Annotated[int, Meta(ge=1, le=WINDOW_S_MAX)]


Limits = Annotated[
    list[LimitOut],
    Meta(
        max_length=model.LIMITS_MAX,
        description="Its own limits; null means its plan's, empty none at all.",
    ),
]


Holds = Annotated[
    bool,
    Meta(
        description="Whether mails that it sends are held: accepted, and sent to nobody. They can "
        "be sent later."
    ),
]


class NewKeyIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A key to be. What is left out is the calling key's own where that one is bound."""

    name: Name
    format: Annotated[
        Format | UnsetType, Meta(description="How its secrets look; any works everywhere.")
    ] = UNSET
    scopes: Annotated[
        Scopes | UnsetType, Meta(description="`full`; of a customer's key, `usage:read`.")
    ] = UNSET
    project_id: Annotated[
        str | None, Meta(description="Binds it to one project; null means all.")
    ] = None
    customer_id: Annotated[
        str | None, Meta(description="Binds it to reading what one customer used; null: unbound.")
    ] = None
    sending_domain: Annotated[
        Annotated[str, Meta(max_length=255)] | None,
        Meta(description="The one domain it may send from; then it sends e-mails alone."),
    ] = None
    limits: Limits | UnsetType | None = UNSET
    limit: LimitText | UnsetType = UNSET
    expires_at: Expiry | None = None
    allow_from: Networks = []
    metadata: Metadata = {}
    secret: Annotated[
        str | UnsetType,
        Meta(description="Takes over an existing secret of at least 112 random bits."),
    ] = UNSET


class KeyChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    hold_mails: Holds | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    limits: Limits | UnsetType | None = UNSET
    limit: LimitText | UnsetType = UNSET
    expires_at: Expiry | UnsetType | None = UNSET
    allow_from: Networks | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET


class RotationIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """How a secret is replaced."""

    grace_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=keyring.GRACE_S_MAX,
            description="How long the old secret works beside the new one.",
        ),
    ] = 0


class KeyOut(msgspec.Struct, rename="camel"):
    """A key, without its secret. `start` is how the secret begins."""

    id: str
    name: str
    format: Format
    scopes: list[str]
    project_id: str | None
    customer_id: str | None
    sending_domain: str | None
    limits: Limits | None
    enabled: bool
    hold_mails: Holds
    expires_at: str | None
    allow_from: Networks
    metadata: Metadata
    start: str
    created_at: str
    updated_at: str
    last_used_at: Annotated[str | None, Meta(description="At most a minute behind.")]


class MintedKeyOut(KeyOut, rename="camel", kw_only=True):
    """A key with its secret, which is shown this once; none for a secret taken over."""

    key: Annotated[str | UnsetType, Meta(description="The secret.")] = UNSET


class KeysOut(msgspec.Struct, rename="camel"):
    """A page of keys; `next_cursor` is null on the last one."""

    keys: list[KeyOut]
    next_cursor: str | None


def read_limits(
    limits: list[LimitOut] | UnsetType | None, text: str | UnsetType
) -> tuple[Window, ...] | UnsetType | None:
    """Read limits in either spelling; raises INVALID."""
    if text is UNSET:
        if limits is UNSET or limits is None:
            return limits
        return tuple(window(one.limit, one.seconds) for one in limits)
    if limits is not UNSET:
        raise invalid((["limit"], "Give limit or limits, not both"))
    try:
        return parse_limits(str(text))
    except ValueError as error:
        raise invalid((["limit"], str(error))) from None


def read_moment(moment: datetime) -> int:
    """Read when a key ends, in ms; raises INVALID."""
    try:
        at = clock.from_datetime(moment)
        clock.iso(at)
    except (OverflowError, ValueError):
        raise invalid((["expiresAt"], "Out of range")) from None
    return at


def show(key: Key, secret: str | None = None) -> MintedKeyOut:
    """Write a key for the wire."""
    limits = key.limits
    return MintedKeyOut(
        shown_id(key),
        key.name,
        key.format,
        list(key.scopes),
        ids.show("project", key.project_id) if key.project_id else None,
        ids.show("customer", key.customer_id) if key.customer_id else None,
        key.sending_domain,
        None if limits is None else [LimitOut(one.limit, one.seconds) for one in limits],
        key.enabled,
        key.hold_mails,
        admin.moment(key.expires_at),
        list(key.allow_from),
        key.metadata,
        key.start,
        clock.iso(key.created_at),
        clock.iso(key.updated_at),
        admin.moment(key.last_used_at),
        key=UNSET if secret is None else secret,
    )


def shown_id(key: Key) -> str:
    """A key's id for the outside."""
    return ids.show("key", key.id)
