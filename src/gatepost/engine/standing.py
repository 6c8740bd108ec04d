"""Standing: what stands in the place of a key for an operator, who calls without one."""

from __future__ import annotations

from gatepost.base.ids import AccountId, KeyId, MembershipId
from gatepost.domains.keys import model
from gatepost.domains.keys.model import Key
from gatepost.domains.operators import store
from gatepost.domains.operators.model import SCOPES
from gatepost.storage.db import Tx


def of_member(tx: Tx, account_id: AccountId, key_id: KeyId) -> Key | None:
    """The rights of the membership that has this id; None where there is none, or where the
    operator may not sign in.
    """
    member = store.by_membership(tx, account_id, MembershipId(key_id))
    if member is None or not member.operator.enabled:
        return None
    membership, email = member.membership, member.operator.email
    scopes = SCOPES[membership.role]
    return model.standing_in(account_id, key_id, email, scopes, membership.created_at)
