"""What the audit log keeps."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.base.ids import AccountId, AuditId


class Actor(msgspec.Struct, frozen=True):
    """Who acted: a `key` (its id and name), the `cli` (the local user), or the `system`."""

    kind: str
    id: str
    name: str
    address: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: who did what to which object. `before` and `after` never hold a secret."""

    id: AuditId
    account_id: AccountId
    at: int
    actor: Actor
    action: str
    object: str
    object_name: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
