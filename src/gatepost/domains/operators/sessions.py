"""Sessions and one-time links in the database; their secrets as digests alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gatepost.base.ids import AccountId, OperatorId, SessionId
from gatepost.domains.operators.model import Link, Purpose, Session
from gatepost.domains.operators.tables import operator_links, operator_sessions
from gatepost.storage.db import Tx

_at = operator_sessions.c
_TABLES = (operator_sessions, operator_links)


def open_(tx: Tx, session: Session, digest: bytes) -> None:
    """Store a new session."""
    tx.run(
        sa.insert(operator_sessions).values(
            digest=digest,
            id=session.id,
            operator_id=session.operator_id,
            created_at=session.created_at,
            seen_at=session.seen_at,
            expires_at=session.expires_at,
            address=session.address,
            agent=session.agent,
            passed=session.passed,
        )
    )


def find(tx: Tx, digest: bytes) -> Session | None:
    """Look a session up by its secret, ended or not."""
    row = tx.run(sa.select(operator_sessions).where(_at.digest == digest)).first()
    return _session(row) if row else None


def list_(tx: Tx, operator_id: OperatorId, now: int) -> list[Session]:
    """Sessions of an operator that are signed in, newest first."""
    mine = (_at.operator_id == operator_id, _at.expires_at > now, _at.passed.is_(True))
    query = sa.select(operator_sessions).where(*mine).order_by(_at.id.desc())
    return [_session(row) for row in tx.run(query)]


def see(tx: Tx, session_id: SessionId, operator_id: OperatorId, now: int, until: int) -> None:
    """Note that a session is used, and lasts."""
    mine = (_at.operator_id == operator_id, _at.id == session_id)
    tx.run(sa.update(operator_sessions).where(*mine).values(seen_at=now, expires_at=until))


def end(tx: Tx, operator_id: OperatorId, session_id: SessionId) -> bool:
    """End one session; whether there was one."""
    mine = (_at.operator_id == operator_id, _at.id == session_id)
    return tx.run(sa.delete(operator_sessions).where(*mine)).rowcount == 1


def end_all(tx: Tx, operator_id: OperatorId, but: SessionId | None = None) -> int:
    """End an operator's sessions, perhaps all but one; returns how many."""
    statement = sa.delete(operator_sessions).where(_at.operator_id == operator_id)
    if but is not None:
        statement = statement.where(_at.id != but)
    return tx.run(statement).rowcount


def add_link(tx: Tx, link: Link, digest: bytes) -> None:
    """Store a one-time link; those before it for the same do not open any more."""
    same = (
        operator_links.c.purpose == link.purpose,
        operator_links.c.operator_id == link.operator_id
        if link.operator_id is not None
        else operator_links.c.operator_id.is_(None),
    )
    tx.run(sa.delete(operator_links).where(*same))
    tx.run(
        sa.insert(operator_links).values(
            digest=digest,
            purpose=link.purpose,
            operator_id=link.operator_id,
            account_id=link.account_id,
            created_at=link.created_at,
            expires_at=link.expires_at,
        )
    )


def find_link(tx: Tx, digest: bytes, now: int) -> Link | None:
    """Look a link up that still opens."""
    mine = (operator_links.c.digest == digest, operator_links.c.expires_at > now)
    row = tx.run(sa.select(operator_links).where(*mine)).first()
    if row is None:
        return None
    return Link(
        purpose=Purpose(row.purpose),
        operator_id=OperatorId(row.operator_id) if row.operator_id else None,
        account_id=AccountId(row.account_id) if row.account_id else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def use_link(tx: Tx, digest: bytes) -> bool:
    """Use a link up; whether there was one."""
    return tx.run(sa.delete(operator_links).where(operator_links.c.digest == digest)).rowcount == 1


def drop_links(tx: Tx, operator_id: OperatorId) -> None:
    """End all links of an operator."""
    tx.run(sa.delete(operator_links).where(operator_links.c.operator_id == operator_id))


def any_ended(tx: Tx, now: int) -> bool:
    """Whether there are sessions or links past their time."""
    asked = (sa.select(table.c.digest).where(table.c.expires_at <= now) for table in _TABLES)
    return any(tx.run(query.limit(1)).first() is not None for query in asked)


def expire(tx: Tx, now: int) -> int:
    """Delete sessions and links past their time; returns how many."""
    gone = tx.run(sa.delete(operator_sessions).where(_at.expires_at <= now)).rowcount
    return (
        gone + tx.run(sa.delete(operator_links).where(operator_links.c.expires_at <= now)).rowcount
    )


def _session(row: Any) -> Session:
    return Session(
        id=SessionId(row.id),
        operator_id=OperatorId(row.operator_id),
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        address=row.address,
        agent=row.agent,
        passed=bool(row.passed),
    )
