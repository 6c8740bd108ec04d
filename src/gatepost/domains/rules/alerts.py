"""What an alert is. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.ids import AccountId, AlertId, ProjectId, RuleId
from gatepost.domains.rules.alerts_words import Words


class AlertStatus(StrEnum):
    """Whether anybody has taken notice; what an alert tells of may have ended by itself."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is to be taken notice of. Times in ms.

    `key` is the value that events were told apart by. `told_at` is when it was told first, `step`
    how many further ones were told since, `next_at` when the next one is.
    """

    account_id: AccountId
    id: AlertId
    project_id: ProjectId
    rule_id: RuleId
    key: str
    words: Words
    opened_at: int
    told_at: int | None = None
    step: int = 0
    next_at: int | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
    closed_at: int | None = None

    @property
    def status(self) -> AlertStatus:
        """How it stands."""
        if self.acknowledged_at is not None:
            return AlertStatus.ACKNOWLEDGED
        return AlertStatus.OPEN if self.closed_at is None else AlertStatus.CLOSED
