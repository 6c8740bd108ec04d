"""What an account's webhook secret is. Pure."""

from __future__ import annotations

import msgspec

from gatepost.base.ids import AccountId


class WebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The secrets that an account has chosen, sealed for its id: the current one first. Times in
    ms; `updated_at` is when the current one was made.
    """

    account_id: AccountId
    secrets: bytes
    created_at: int
    updated_at: int
