"""What a share is."""

from __future__ import annotations

import msgspec

from gatepost.base.ids import AccountId, AggregatorId, ProjectId, ShareId

NAME_MAX = 255
VIEW_MAX = 4000
SHARES_MAX = 200
"""Of one account, ended ones not counted."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A report that whoever knows its secret may read: of an aggregator, or of a project's events.

    `view` says how it is shown: the query of its page in the dashboard. Times in ms; without an
    end it lasts until it is revoked.
    """

    id: ShareId
    account_id: AccountId
    name: str
    aggregator_id: AggregatorId | None
    project_id: ProjectId | None
    view: str
    created_by: str
    created_at: int
    expires_at: int | None
