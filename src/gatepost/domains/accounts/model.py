"""What an account is."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.ids import AccountId

NAME_MAX = 100


class Status(StrEnum):
    """Whether an account's keys work: only ACTIVE ones do."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    DELETED = "deleted"


class Account(msgspec.Struct, frozen=True):
    """One tenant. `plan` names the plan whose limits and quotas hold for it."""

    id: AccountId
    name: str
    status: Status
    plan: str
    created_at: int
    updated_at: int
