"""What a suppression is. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.ids import AccountId, SuppressionId

REASON_MAX = 500


class Why(StrEnum):
    """Who has ended it: the account, the recipient's server, the recipient by complaining, or the
    recipient by unsubscribing.
    """

    RECIPIENT = "recipient"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """An address in its normal form that gets nothing more, or nothing until a moment. Times in
    ms.
    """

    account_id: AccountId
    id: SuppressionId
    address: str
    type: Why
    reason: str
    created_at: int
    keep_until: int | None = None

    def ended(self, now: int) -> bool:
        """Whether mails go to it again."""
        return self.keep_until is not None and self.keep_until <= now
