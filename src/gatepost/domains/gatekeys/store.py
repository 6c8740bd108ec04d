"""Gate keys in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, CustomerId, GateKeyId, ProjectId
from gatepost.domains.gatekeys.model import GateKey, GateQuota
from gatepost.domains.gatekeys.tables import gate_key_secrets, gate_keys
from gatepost.limiter.contract import Window
from gatepost.storage import sql
from gatepost.storage.db import Tx

_live = gate_keys.c.deleted_at.is_(None)


class Match(NamedTuple):
    """A key found by a secret; that secret works until `valid_until` (ms), None: no end."""

    key: GateKey
    valid_until: int | None


def find_by_digests(tx: Tx, digests: Collection[bytes]) -> dict[bytes, Match]:
    """Find the living keys some secrets belong to, usable or not: the gate decides."""
    secrets = gate_key_secrets.c
    same = (gate_keys.c.account_id == secrets.account_id) & (gate_keys.c.id == secrets.key_id)
    query = (
        sa.select(gate_keys, secrets.digest, secrets.valid_until)
        .join(gate_key_secrets, same)
        .where(secrets.digest.in_(digests), _live)
    )
    return {bytes(row.digest): Match(_key(row), row.valid_until) for row in tx.run(query)}


def find(tx: Tx, account_id: AccountId, key_id: GateKeyId) -> GateKey | None:
    """Look a living key of the account up."""
    row = tx.run(sa.select(gate_keys).where(*_mine(account_id, key_id), _live)).first()
    return _key(row) if row else None


def get(tx: Tx, account_id: AccountId, key_id: GateKeyId) -> GateKey:
    """Look a living key of the account up; raises NOT_FOUND."""
    key = find(tx, account_id, key_id)
    if key is None:
        raise not_found("gate key with this id")
    return key


def named(
    tx: Tx, account_id: AccountId, wanted: Collection[GateKeyId]
) -> dict[GateKeyId, tuple[str, int | None]]:
    """The names of those that are the account's gate keys, deleted ones too, and when (ms)."""
    mine, columns = ("account_id", account_id), ("id", "name", "deleted_at")
    rows = sql.lookup(tx, gate_keys, columns, mine, "id", list(wanted))
    return {GateKeyId(raw): (name, deleted_at) for raw, name, deleted_at in rows}


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    customer_id: CustomerId | None = None,
    name: str | None = None,
    before: bytes | None = None,
    limit: int | None = None,
) -> list[GateKey]:
    """Living keys of the account (of one project, customer or name), newest first."""
    query = sa.select(gate_keys).where(gate_keys.c.account_id == account_id, _live)
    if project_id is not None:
        query = query.where(gate_keys.c.project_id == project_id)
    if customer_id is not None:
        query = query.where(gate_keys.c.customer_id == customer_id)
    if name is not None:
        query = query.where(gate_keys.c.name == name)
    if before is not None:
        query = query.where(gate_keys.c.id < before)
    return [_key(row) for row in tx.run(query.order_by(gate_keys.c.id.desc()).limit(limit))]


def append(tx: Tx, key: GateKey, digest: bytes) -> None:
    """Store a new key and its secret's digest."""
    mine = {"account_id": key.account_id, "id": key.id}
    tx.run(sa.insert(gate_keys).values(_values(key) | mine))
    add_secret(tx, key, digest, key.created_at)


def save(tx: Tx, key: GateKey) -> None:
    """Write a key back."""
    mine = _mine(key.account_id, key.id)
    tx.run(sa.update(gate_keys).where(*mine).values(_values(key)))


def add_secret(tx: Tx, key: GateKey, digest: bytes, now: int) -> None:
    """Give a key one more secret."""
    values = {"digest": digest, "account_id": key.account_id, "key_id": key.id}
    tx.run(sa.insert(gate_key_secrets).values({**values, "created_at": now, "valid_until": None}))


def end_secrets(tx: Tx, key: GateKey, newest_until: int, now: int) -> None:
    """Let a key's newest secret work until a moment; older ones end now."""
    secrets = gate_key_secrets.c
    mine = (secrets.account_id == key.account_id, secrets.key_id == key.id)
    older = (secrets.valid_until.is_not(None), secrets.valid_until > now)
    tx.run(sa.update(gate_key_secrets).where(*mine, *older).values(valid_until=now))
    newest = secrets.valid_until.is_(None)
    tx.run(sa.update(gate_key_secrets).where(*mine, newest).values(valid_until=newest_until))


def remove(tx: Tx, key: GateKey, now: int) -> None:
    """End a key; what it has used still names it."""
    mine = _mine(key.account_id, key.id)
    tx.run(sa.update(gate_keys).where(*mine).values(deleted_at=now, updated_at=now, enabled=False))
    end_secrets(tx, key, now, now)


def has_ended_secrets(tx: Tx, account_id: AccountId, before: int) -> bool:
    """Whether any of the account's secrets has ended before a moment (ms)."""
    return tx.run(_ended(account_id, before, 1)).first() is not None


def drop_ended_secrets(tx: Tx, account_id: AccountId, before: int, limit: int) -> int:
    """Forget secrets that have ended before a moment (ms); returns how many."""
    old = gate_key_secrets.c.digest.in_(_ended(account_id, before, limit))
    return tx.run(sa.delete(gate_key_secrets).where(old)).rowcount


def _ended(account_id: AccountId, before: int, limit: int) -> sa.Select[Any]:
    secrets = gate_key_secrets.c
    mine = (secrets.account_id == account_id, secrets.valid_until < before)
    return sa.select(secrets.digest).where(*mine).limit(limit)


def touch(tx: Tx, used: Mapping[tuple[AccountId, GateKeyId], int]) -> None:
    """Note when keys were last used; never backwards."""
    for (account_id, key_id), at in sorted(used.items()):
        last = gate_keys.c.last_used_at
        older = sa.or_(last.is_(None), last < at)
        mine = _mine(account_id, key_id)
        tx.run(sa.update(gate_keys).where(*mine, older).values(last_used_at=at))


def _mine(account_id: AccountId, key_id: GateKeyId) -> tuple[Any, Any]:
    return (gate_keys.c.account_id == account_id, gate_keys.c.id == key_id)


def _values(key: GateKey) -> dict[str, Any]:
    return {
        "project_id": key.project_id,
        "name": key.name,
        "prefix": key.prefix,
        "start": key.start,
        "scopes": _json(key.scopes),
        "limits": _json(key.limits),
        "quota": None if key.quota is None else _json(key.quota),
        "metadata": _json(key.metadata),
        "customer_id": key.customer_id,
        "enabled": key.enabled,
        "expires_at": key.expires_at,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _key(row: Any) -> GateKey:
    return GateKey(
        id=GateKeyId(row.id),
        account_id=AccountId(row.account_id),
        project_id=ProjectId(row.project_id),
        name=row.name,
        prefix=row.prefix,
        start=row.start,
        scopes=msgspec.json.decode(row.scopes, type=tuple[str, ...]),
        limits=msgspec.json.decode(row.limits, type=tuple[Window, ...]),
        quota=None if row.quota is None else msgspec.json.decode(row.quota, type=GateQuota),
        metadata=msgspec.json.decode(row.metadata),
        customer_id=CustomerId(row.customer_id) if row.customer_id else None,
        enabled=bool(row.enabled),
        expires_at=row.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
    )
