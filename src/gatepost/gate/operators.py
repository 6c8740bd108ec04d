"""The door for people: which session a request comes with, and what it may do in which account."""

from __future__ import annotations

import asyncio
import hmac
from typing import NamedTuple

import msgspec

from gatepost.base import crypto
from gatepost.base.clock import Clock
from gatepost.base.ids import AccountId, MembershipId, SessionId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Status
from gatepost.domains.keys import model as keys
from gatepost.domains.operators import model, sessions, store
from gatepost.domains.operators.model import SCOPES, Operator, Role, Session
from gatepost.gate.admit import Acting, Admission, Caller
from gatepost.gate.keycache import KeyCache
from gatepost.gate.passwords import Passwords
from gatepost.gate.shares import Shares
from gatepost.storage.db import Database, Tx

SECRET_MAX = 100


class Mine(NamedTuple):
    """An account that an operator works for."""

    account_id: AccountId
    account_name: str
    role: Role
    membership_id: MembershipId


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session that stands. One that has not `passed` waits for the second factor, and may do
    nothing else. `csrf` is what forms of this session carry. Accounts are in the order in which the
    operator came to them.
    """

    operator: Operator
    session_id: SessionId
    passed: bool
    csrf: str
    memberships: tuple[Mine, ...]


class _Found(NamedTuple):
    session: Session
    signed_in: SignedIn


class Operators:
    """Sessions of operators, and links to reports. One per process; used from the event loop
    alone.
    """

    def __init__(
        self, database: Database, admission: Admission, pepper: bytes, clock: Clock
    ) -> None:
        """Hold what the door needs; the caches start empty."""
        self.passwords = Passwords()
        self.shares = Shares(database, admission, pepper, clock)
        self._sessions: KeyCache[_Found] = KeyCache()
        self._callers: KeyCache[Caller] = KeyCache()
        self._loading: dict[bytes, asyncio.Task[_Found | None]] = {}
        self._database = database
        self._admission = admission
        self._pepper = pepper
        self._clock = clock

    def forget(self) -> None:
        """Forget all that is cached: something about operators or accounts has changed."""
        self._sessions.clear()
        self._callers.clear()

    async def session(self, secret: str) -> SignedIn | None:
        """Whose session it is, or None: unknown, ended and revoked ones cannot be told apart. A
        session that is used lasts longer.
        """
        if not secret or len(secret) > SECRET_MAX:
            return None
        slot = self._sessions.slot(secret)
        entry = self._sessions.get(slot)
        found = entry[0] if entry else await self._load_once(slot, secret)
        now = self._clock()
        if found is None or found.session.expires_at <= now:
            return None
        if found.session.passed and now - found.session.seen_at >= model.SEEN_EVERY_MS:
            await self._see(slot, found.session, now)
        return found.signed_in

    async def caller(self, signed_in: SignedIn, account_id: AccountId) -> Caller | None:
        """As whom an operator may use the API of an account; None where they are no member, or
        wait for the second factor.
        """
        mine = _membership(signed_in, account_id)
        if mine is None or not signed_in.passed:
            return None
        entry = self._callers.get(mine.membership_id)
        if entry is not None:
            return entry[0]
        generation, since = self._callers.generation, self._callers.now()
        found = await self._database.read(lambda tx: self._resolve(tx, mine))
        self._callers.put(mine.membership_id, found, generation, since)
        return found

    async def _load_once(self, slot: bytes, secret: str) -> _Found | None:
        """Many live pages of one browser ask at the same moment."""
        task = self._loading.get(slot)
        if task is None:
            task = self._loading[slot] = asyncio.create_task(self._load(slot, secret))
            task.add_done_callback(lambda _: self._loading.pop(slot, None))
        return await asyncio.shield(task)

    async def _load(self, slot: bytes, secret: str) -> _Found | None:
        generation, since = self._sessions.generation, self._sessions.now()
        digest = crypto.digest(self._pepper, secret)
        found = await self._database.read(lambda tx: _find(tx, digest, csrf_of(secret)))
        if generation != self._sessions.generation:
            return await self._load(slot, secret)
        self._sessions.put(slot, found, generation, since)
        return found

    async def _see(self, slot: bytes, session: Session, now: int) -> None:
        until = model.session_end(session.created_at, now)
        await self._database.write(
            lambda tx: sessions.see(tx, session.id, session.operator_id, now, until)
        )
        self._sessions.drop(slot)

    def _resolve(self, tx: Tx, mine: Mine) -> Caller | None:
        member = store.by_membership(tx, mine.account_id, mine.membership_id)
        if member is None or not member.operator.enabled:
            return None
        one, role = member.operator, member.membership.role
        since = member.membership.created_at
        key = keys.standing_in(mine.account_id, mine.membership_id, one.email, SCOPES[role], since)
        acting = Acting(one.id, one.email, one.name, role, one.superuser)
        return self._admission.resolve(tx, key, operator=acting)


def csrf_of(secret: str) -> str:
    """What forms of a session carry: whoever sees it does not know the session's secret."""
    return hmac.digest(secret.encode(), b"gatepost csrf", "sha256").hex()


def _membership(signed_in: SignedIn, account_id: AccountId) -> Mine | None:
    return next((one for one in signed_in.memberships if one.account_id == account_id), None)


def _find(tx: Tx, digest: bytes, csrf: str) -> _Found | None:
    session = sessions.find(tx, digest)
    operator = None if session is None else store.find(tx, session.operator_id)
    if session is None or operator is None or not operator.enabled:
        return None
    signed_in = SignedIn(
        operator=operator,
        session_id=session.id,
        passed=session.passed,
        csrf=csrf,
        memberships=tuple(_memberships(tx, operator)) if session.passed else (),
    )
    return _Found(session, signed_in)


def _memberships(tx: Tx, operator: Operator) -> list[Mine]:
    found = []
    for one in store.memberships_of(tx, operator.id):
        account = accounts.find(tx, one.account_id)
        if account is not None and account.status is not Status.DELETED:
            found.append(Mine(account.id, account.name, one.role, one.id))
    return found
