"""Access: how operators come in, and what they do with their own way in. Audited for each account
they work for; without one, for the installation.

Whoever calls these has hashed or compared passwords: that takes too long for a transaction. After
any of these that ends something a process has to forget its cached sessions.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import msgspec

from gatepost.base import crypto, ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, AuditId, MembershipId, OperatorId, SessionId
from gatepost.base.vault import Vault
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import INSTALLATION, Actor, Entry
from gatepost.domains.operators import model, sessions, store
from gatepost.domains.operators.model import Link, Membership, Operator, Purpose, Role, Session
from gatepost.storage.db import Tx

SECRET_BYTES = 32
CODES = 10
CODE_CHARS = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Characters of recovery codes: none that is taken for another."""
SECOND_FACTORS = "second factors"
GONE = "This link was used already, or its time is over: ask for another one"


class Visitor(NamedTuple):
    """Where somebody signs in from: the address, and what their browser says that it is."""

    address: str
    agent: str


class Opened(NamedTuple):
    """A new session; its secret is known here and nowhere else."""

    session: Session
    secret: str


def new_secret() -> str:
    """Make the secret of a session, a link or an invitation: 256 random bits."""
    return secrets.token_urlsafe(SECRET_BYTES)


def actor_of(operator: Operator, address: str | None) -> Actor:
    """An operator, as the audit log names them."""
    return Actor("operator", ids.show("operator", operator.id), operator.email, address or None)


def note(
    tx: Tx,
    operator: Operator,
    actor: Actor,
    action: str,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Audit what concerns a person in each of their accounts."""
    homes = [one.account_id for one in store.memberships_of(tx, operator.id)]
    entries = [
        Entry(
            id=AuditId(ids.new()),
            account_id=account_id,
            at=now,
            actor=actor,
            action=action,
            object=ids.show("operator", operator.id),
            object_name=operator.email,
            before=before,
            after=after,
        )
        for account_id in homes or [INSTALLATION]
    ]
    audit.append_all(tx, entries)


# Links that open once


def founding_link(tx: Tx, account_id: AccountId, pepper: bytes, now: int) -> str:
    """Make the link by which the first operator comes in; raises CONFLICT where there is one."""
    store.hold(tx)
    if store.any_(tx):
        raise AppError(Code.CONFLICT, "There are operators already: name one")
    return _add_link(tx, Purpose.FOUND, None, account_id, pepper, now)


def password_link(tx: Tx, operator: Operator, pepper: bytes, actor: Actor, now: int) -> str:
    """Make a link by which an operator sets a new password."""
    secret = _add_link(tx, Purpose.PASSWORD, operator.id, None, pepper, now)
    note(tx, operator, actor, "operator.link", now)
    return secret


def _add_link(
    tx: Tx,
    purpose: Purpose,
    operator_id: OperatorId | None,
    account_id: AccountId | None,
    pepper: bytes,
    now: int,
) -> str:
    secret = new_secret()
    link = Link(
        purpose=purpose,
        operator_id=operator_id,
        account_id=account_id,
        created_at=now,
        expires_at=now + model.LINK_MS,
    )
    sessions.add_link(tx, link, crypto.digest(pepper, secret))
    return secret


def found(
    tx: Tx,
    secret: str,
    email: str,
    name: str,
    hashed: str,
    *,
    pepper: bytes,
    address: str,
    now: int,
) -> Operator:
    """Make the first operator: a superuser, who owns the first account. Raises NOT_FOUND for a
    link that does not open.
    """
    store.hold(tx)
    link = _use(tx, secret, Purpose.FOUND, pepper, now)
    if link.account_id is None or store.any_(tx):
        raise not_found(GONE)
    operator = add(tx, email, name, hashed, superuser=True, now=now)
    join(tx, operator, link.account_id, Role.OWNER, actor_of(operator, address), now)
    return operator


def set_by_link(
    tx: Tx, secret: str, name: str, hashed: str, *, pepper: bytes, address: str, now: int
) -> Operator:
    """Set a password by a link; all sessions end. Raises NOT_FOUND for one that does not open."""
    link = _use(tx, secret, Purpose.PASSWORD, pepper, now)
    operator = None if link.operator_id is None else store.find(tx, link.operator_id)
    if operator is None:
        raise not_found(GONE)
    store.set_password(tx, operator.id, hashed, now)
    if name and name != operator.name:
        store.rename(tx, operator.id, name, now)
    sessions.end_all(tx, operator.id)
    note(tx, operator, actor_of(operator, address), "operator.password", now)
    return operator


def find_link(tx: Tx, secret: str, pepper: bytes, now: int) -> tuple[Link, Operator | None] | None:
    """Look at a link without using it up; None for one that does not open."""
    link = sessions.find_link(tx, crypto.digest(pepper, secret), now)
    if link is None or link.operator_id is None:
        usable = link is not None and not store.any_(tx)
        return (link, None) if link is not None and usable else None
    operator = store.find(tx, link.operator_id)
    return None if operator is None or not operator.enabled else (link, operator)


def _use(tx: Tx, secret: str, purpose: Purpose, pepper: bytes, now: int) -> Link:
    digest = crypto.digest(pepper, secret)
    link = sessions.find_link(tx, digest, now)
    if link is None or link.purpose is not purpose or not sessions.use_link(tx, digest):
        raise not_found(GONE)
    return link


# Who there is


def add(
    tx: Tx, email: str, name: str, hashed: str | None, *, superuser: bool = False, now: int
) -> Operator:
    """Make an operator, who is no member yet; raises CONFLICT when the address is taken."""
    operator = Operator(
        id=OperatorId(ids.new()),
        email=email,
        name=name,
        superuser=superuser,
        created_at=now,
        has_password=hashed is not None,
    )
    store.append(tx, operator, hashed)
    return operator


def join(
    tx: Tx, operator: Operator, account_id: AccountId, role: Role, actor: Actor, now: int
) -> Membership:
    """Make somebody a member; raises CONFLICT for one already, NOT_FOUND (no such account)."""
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    membership = Membership(MembershipId(ids.new()), operator.id, account_id, role, now)
    store.join(tx, membership)
    target = (ids.show("operator", operator.id), operator.email)
    after = {"role": str(role)}
    audit.append(tx, account_id, actor, "operator.join", target, now=now, after=after)
    return membership


def set_enabled(tx: Tx, operator: Operator, *, enabled: bool, actor: Actor, now: int) -> Operator:
    """Let somebody sign in or not, wherever they are a member: who may not has no session and no
    link any more.
    """
    if operator.enabled is enabled:
        return operator
    store.set_enabled(tx, operator.id, enabled=enabled, now=now)
    if not enabled:
        sessions.end_all(tx, operator.id)
        sessions.drop_links(tx, operator.id)
    note(tx, operator, actor, "operator.enable" if enabled else "operator.disable", now)
    return msgspec.structs.replace(operator, enabled=enabled)


# Sessions


def sign_in(
    tx: Tx,
    operator: Operator,
    visitor: Visitor,
    *,
    pepper: bytes,
    now: int,
    passed: bool,
    before: SessionId | None = None,
) -> Opened:
    """Begin a session in the place of the one `before`: its secret is new in any case."""
    if before is not None:
        sessions.end(tx, operator.id, before)
    ends = model.session_end(now, now) if passed else now + model.WAITING_MS
    session = Session(
        id=SessionId(ids.new()),
        operator_id=operator.id,
        created_at=now,
        seen_at=now,
        expires_at=ends,
        address=visitor.address,
        agent=visitor.agent[: model.AGENT_MAX],
        passed=passed,
    )
    secret = new_secret()
    sessions.open_(tx, session, crypto.digest(pepper, secret))
    if passed:
        store.signed_in(tx, operator.id, now)
        note(tx, operator, actor_of(operator, visitor.address), "operator.sign-in", now)
    return Opened(session, secret)


def sign_out(tx: Tx, operator: Operator, session_id: SessionId, address: str, now: int) -> None:
    """End one's own session."""
    if sessions.end(tx, operator.id, session_id):
        note(tx, operator, actor_of(operator, address), "operator.sign-out", now)


def end_session(tx: Tx, operator: Operator, session_id: SessionId, actor: Actor, now: int) -> None:
    """End another session of an operator; raises NOT_FOUND."""
    if not sessions.end(tx, operator.id, session_id):
        raise not_found("session with this id")
    note(tx, operator, actor, "session.end", now)


def end_sessions(
    tx: Tx, operator: Operator, actor: Actor, now: int, but: SessionId | None = None
) -> int:
    """End all sessions of an operator, perhaps but one; returns how many."""
    count = sessions.end_all(tx, operator.id, but)
    note(tx, operator, actor, "session.end-all", now, after={"count": count})
    return count


def failed(tx: Tx, operator: Operator, visitor: Visitor, what: str, now: int) -> None:
    """Note that somebody could not prove to be an operator."""
    actor = Actor("system", "", "sign-in", visitor.address or None)
    note(tx, operator, actor, "operator.refused", now, after={"why": what})


# One's own


def rename(tx: Tx, operator: Operator, name: str, address: str, now: int) -> None:
    """Change one's name; raises INVALID."""
    wanted = model.read_name(name)
    store.rename(tx, operator.id, wanted, now)
    before, after = {"name": operator.name}, {"name": wanted}
    actor = actor_of(operator, address)
    note(tx, operator, actor, "operator.update", now, before=before, after=after)


def change_password(
    tx: Tx, operator: Operator, hashed: str, session_id: SessionId, address: str, now: int
) -> None:
    """Change one's password: other sessions end, and links do not open any more."""
    store.set_password(tx, operator.id, hashed, now)
    sessions.end_all(tx, operator.id, session_id)
    sessions.drop_links(tx, operator.id)
    note(tx, operator, actor_of(operator, address), "operator.password", now)


def switch_on(
    tx: Tx, operator: Operator, secret: str, step: int, *, pepper: bytes, address: str, now: int
) -> list[str]:
    """Ask for a second factor from now on; returns the recovery codes, which are known here and
    nowhere else.
    """
    sealed = Vault(pepper, SECOND_FACTORS).seal(secret, operator.id)
    store.set_totp(tx, operator.id, sealed, step, now)
    note(tx, operator, actor_of(operator, address), "second-factor.on", now)
    return _new_codes(tx, operator, pepper)


def switch_off(tx: Tx, operator: Operator, actor: Actor, now: int) -> None:
    """Ask for no second factor any more."""
    store.set_totp(tx, operator.id, None, 0, now)
    store.set_codes(tx, operator.id, [])
    note(tx, operator, actor, "second-factor.off", now)


def renew_codes(tx: Tx, operator: Operator, *, pepper: bytes, address: str, now: int) -> list[str]:
    """Make new recovery codes in the place of those there are."""
    note(tx, operator, actor_of(operator, address), "second-factor.codes", now)
    return _new_codes(tx, operator, pepper)


def second_factor(tx: Tx, operator_id: OperatorId, pepper: bytes) -> str | None:
    """The secret of an operator's second factor; None where there is none."""
    sealed = store.totp(tx, operator_id)
    return None if sealed is None else Vault(pepper, SECOND_FACTORS).open(sealed, operator_id)


def use_recovery_code(tx: Tx, operator: Operator, code: str, pepper: bytes) -> bool:
    """Use a recovery code up; whether it was one."""
    return store.use_code(tx, operator.id, _digest(operator, code, pepper))


def _new_codes(tx: Tx, operator: Operator, pepper: bytes) -> list[str]:
    codes = [_code() for _ in range(CODES)]
    store.set_codes(tx, operator.id, [_digest(operator, one, pepper) for one in codes])
    return codes


def _code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARS))
    return f"{letters[: CODE_CHARS // 2]}-{letters[CODE_CHARS // 2 :]}"


def _digest(operator: Operator, code: str, pepper: bytes) -> bytes:
    plain = "".join(one for one in code.lower() if one in ALPHABET)
    return crypto.digest(pepper, f"recovery {operator.id.hex()} {plain}")
