"""What a project is."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.ids import AccountId, ProjectId

NAME_MAX = 100


class IdentifyMode(StrEnum):
    """What a second identify does to a person's properties."""

    REPLACE = "replace"
    MERGE = "merge"


class Project(msgspec.Struct, frozen=True):
    """A part of an account; `deleted_at` set means its keys no longer work.

    Where it is `counting`, every event stored in it is counted as well.
    """

    id: ProjectId
    account_id: AccountId
    name: str
    identify_mode: IdentifyMode
    created_at: int
    updated_at: int
    deleted_at: int | None = None
    counting: bool = False
