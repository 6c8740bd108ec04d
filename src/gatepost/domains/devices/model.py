"""What a device is, and which messages reach it. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.ids import AccountId, DeviceId, ProjectId

USER_MAX = 200
ENDPOINT_MAX = 2000
DEVICES_MAX = 10_000


class Reach(StrEnum):
    """What it wants to know of: everything of its account, of its project, or of one channel."""

    ALL = "all"
    PROJECT = "project"
    CHANNEL = "channel"


class Subscription(msgspec.Struct, frozen=True):
    """What a browser gives away (RFC 8030, RFC 8291): where to send to, its public key and its
    secret, both in base64url.
    """

    endpoint: str
    p256dh: str
    auth: str


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A browser. `subscription` is sealed; `digest` tells one from others; `host` is its push
    service. `channel` is set where that is its reach.
    """

    account_id: AccountId
    id: DeviceId
    project_id: ProjectId
    user_id: str | None
    reach: Reach
    channel: str | None
    digest: bytes
    host: str
    subscription: bytes
    created_at: int
    updated_at: int


class PushKey(msgspec.Struct, frozen=True, kw_only=True):
    """An account's VAPID key (RFC 8292): `public` as an uncompressed point, `private` sealed."""

    account_id: AccountId
    public: bytes
    private: bytes
    created_at: int


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a message of a project is for: one device, all of a user, those that want to know of a
    channel; without any of these, all that want to know of the project.
    """

    device_id: DeviceId | None = None
    user_id: str | None = None
    channel: str | None = None
