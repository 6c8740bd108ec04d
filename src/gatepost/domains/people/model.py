"""What a person is."""

from __future__ import annotations

import msgspec

from gatepost.base.ids import AccountId, PersonId


class Person(msgspec.Struct, frozen=True):
    """An end user of an account. `properties_json` is a JSON object as it is stored."""

    id: PersonId
    account_id: AccountId
    user_id: str
    properties_json: str
    created_at: int
    updated_at: int
