"""What the audit log keeps."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from gatepost.base.ids import AccountId, AuditId, ProjectId

INSTALLATION = AccountId(bytes(16))
"""The account_id of lines about no account: changes to plans."""


class Actor(msgspec.Struct, frozen=True):
    """Who acted: a `key` (its id and name), an `operator` (their id and address), the `cli` (the
    local user), or the `system`.
    """

    kind: str
    id: str
    name: str
    address: str | None = None


class Target(NamedTuple):
    """What was acted upon: its outside id, its name, and the project it is part of."""

    id: str
    name: str = ""
    project_id: ProjectId | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: who did what to which object. `before` and `after` never hold a secret.

    `project_id` is set for an object of one project.
    """

    id: AuditId
    account_id: AccountId
    project_id: ProjectId | None = None
    at: int
    actor: Actor
    action: str
    object: str
    object_name: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
