"""The door for whoever has a link to a report: what it shows, and as whom it is read."""

from __future__ import annotations

from typing import NamedTuple

from gatepost.base import crypto
from gatepost.base.clock import Clock
from gatepost.base.ids import OperatorId
from gatepost.domains.keys import model as keys
from gatepost.domains.operators.model import Role
from gatepost.domains.shares import store
from gatepost.domains.shares.model import Share
from gatepost.gate.admit import Acting, Admission, Caller
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Database, Tx

SECRET_MAX = 100
SCOPES = (Scope.AGGREGATORS_READ, Scope.PROJECTS_READ)


class Opened(NamedTuple):
    """A share that stands, and who reads its report: somebody who may read counts and nothing
    else. What is asked must come of the share alone.
    """

    share: Share
    caller: Caller


class Shares:
    """Looks shares up, each time anew: a revoked one ends at once."""

    def __init__(
        self, database: Database, admission: Admission, pepper: bytes, clock: Clock
    ) -> None:
        """Hold what the door needs."""
        self._database = database
        self._admission = admission
        self._pepper = pepper
        self._clock = clock

    async def open(self, secret: str) -> Opened | None:
        """What a secret opens, or None: unknown, ended and revoked ones cannot be told apart."""
        if not secret or len(secret) > SECRET_MAX:
            return None
        digest, now = crypto.digest(self._pepper, secret), self._clock()
        return await self._database.read(lambda tx: self._find(tx, digest, now))

    def _find(self, tx: Tx, digest: bytes, now: int) -> Opened | None:
        share = store.find_by_digest(tx, digest, now)
        if share is None:
            return None
        scopes = tuple(str(one) for one in SCOPES)
        key = keys.standing_in(share.account_id, share.id, share.name, scopes, share.created_at)
        # Readers of one share have one limit together; they are nobody's use of the account.
        acting = Acting(OperatorId(share.id), "", share.name, Role.VIEWER, superuser=False)
        caller = self._admission.resolve(tx, key, operator=acting)
        return None if caller is None else Opened(share, caller)
