"""Keys in the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, KeyId, ProjectId
from gatepost.domains.keys.model import Format, Key
from gatepost.domains.keys.tables import key_secrets, keys
from gatepost.limiter.contract import Window
from gatepost.storage import sql
from gatepost.storage.db import Tx

_live = keys.c.deleted_at.is_(None)


class Match(NamedTuple):
    """A key found by a secret; that secret works until `valid_until` (ms), None: no end."""

    key: Key
    valid_until: int | None


def find_by_digest(tx: Tx, digest: bytes) -> Match | None:
    """Find the living key a secret belongs to, usable or not: the gate decides."""
    secret = tx.run(sa.select(key_secrets).where(key_secrets.c.digest == digest)).first()
    if secret is None:
        return None
    key = find(tx, AccountId(secret.account_id), KeyId(secret.key_id))
    return Match(key, secret.valid_until) if key else None


def find(tx: Tx, account_id: AccountId, key_id: KeyId) -> Key | None:
    """Look a living key of the account up."""
    where = (keys.c.account_id == account_id, keys.c.id == key_id, _live)
    row = tx.run(sa.select(keys).where(*where)).first()
    return _key(row) if row else None


def get(tx: Tx, account_id: AccountId, key_id: KeyId) -> Key:
    """Look a living key of the account up; raises NOT_FOUND."""
    key = find(tx, account_id, key_id)
    if key is None:
        raise not_found("key with this id")
    return key


def find_by_name(tx: Tx, account_id: AccountId, name: str) -> Key | None:
    """Look a living key up by its name."""
    where = (keys.c.account_id == account_id, keys.c.name == name, _live)
    row = tx.run(sa.select(keys).where(*where)).first()
    return _key(row) if row else None


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    before: bytes | None = None,
    limit: int | None,
) -> list[Key]:
    """Living keys of the account (of one project, if given), newest first."""
    query = sa.select(keys).where(keys.c.account_id == account_id, _live)
    if project_id is not None:
        query = query.where(keys.c.project_id == project_id)
    if before is not None:
        query = query.where(keys.c.id < before)
    return [_key(row) for row in tx.run(query.order_by(keys.c.id.desc()).limit(limit))]


def append(tx: Tx, key: Key, digest: bytes) -> None:
    """Store a new key and its secret's digest.

    Raises CONFLICT (with the `existing` key in `extra`) when the name is taken, and when the
    secret was ever used before.
    """
    _check_name(tx, key)
    tx.run(sa.insert(keys).values(_values(key) | {"account_id": key.account_id, "id": key.id}))
    add_secret(tx, key, digest, key.created_at)


def save(tx: Tx, key: Key) -> None:
    """Write a key back; raises CONFLICT when another one has its name."""
    _check_name(tx, key)
    where = (keys.c.account_id == key.account_id, keys.c.id == key.id)
    tx.run(sa.update(keys).where(*where).values(_values(key)))


def add_secret(tx: Tx, key: Key, digest: bytes, now: int) -> None:
    """Give a key one more secret; raises CONFLICT when it was ever used before."""
    values = {
        "digest": digest,
        "account_id": key.account_id,
        "key_id": key.id,
        "created_at": now,
        "valid_until": None,
    }
    if not sql.insert_new(tx, key_secrets, values, ["digest"]):
        raise AppError(Code.CONFLICT, "This secret is, or was, in use")


def end_secrets(tx: Tx, key: Key, newest_until: int, now: int) -> None:
    """Let a key's newest secret work until a moment; older ones end now."""
    mine = (key_secrets.c.account_id == key.account_id, key_secrets.c.key_id == key.id)
    older = (key_secrets.c.valid_until.is_not(None), key_secrets.c.valid_until > now)
    tx.run(sa.update(key_secrets).where(*mine, *older).values(valid_until=now))
    newest = key_secrets.c.valid_until.is_(None)
    tx.run(sa.update(key_secrets).where(*mine, newest).values(valid_until=newest_until))


def remove(tx: Tx, key: Key, now: int) -> None:
    """End a key. A tombstone stays, so that its secret can never be used again."""
    where = (keys.c.account_id == key.account_id, keys.c.id == key.id)
    tx.run(sa.update(keys).where(*where).values(deleted_at=now, updated_at=now, enabled=False))
    end_secrets(tx, key, now, now)


def touch(tx: Tx, used: Mapping[tuple[AccountId, KeyId], int]) -> None:
    """Note when keys were last used; never backwards."""
    for (account_id, key_id), at in sorted(used.items()):
        tx.run(
            sa.update(keys)
            .where(keys.c.account_id == account_id, keys.c.id == key_id)
            .where(sa.or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < at))
            .values(last_used_at=at)
        )


def _check_name(tx: Tx, key: Key) -> None:
    other = find_by_name(tx, key.account_id, key.name)
    if other is not None and other.id != key.id:
        raise AppError(
            Code.CONFLICT, f"A key named {key.name!r} exists already", extra={"existing": other}
        )


def _values(key: Key) -> dict[str, Any]:
    return {
        "project_id": key.project_id,
        "name": key.name,
        "format": key.format,
        "scopes": _json(key.scopes),
        "sending_domain": key.sending_domain,
        "limits": None if key.limits is None else _json(key.limits),
        "enabled": key.enabled,
        "expires_at": key.expires_at,
        "allow_from": _json(key.allow_from),
        "metadata": _json(key.metadata),
        "start": key.start,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _key(row: Any) -> Key:
    limits = row.limits
    return Key(
        id=KeyId(row.id),
        account_id=AccountId(row.account_id),
        project_id=ProjectId(row.project_id) if row.project_id else None,
        name=row.name,
        format=Format(row.format),
        scopes=msgspec.json.decode(row.scopes, type=tuple[str, ...]),
        sending_domain=row.sending_domain,
        limits=None if limits is None else msgspec.json.decode(limits, type=tuple[Window, ...]),
        enabled=bool(row.enabled),
        expires_at=row.expires_at,
        allow_from=msgspec.json.decode(row.allow_from, type=tuple[str, ...]),
        metadata=msgspec.json.decode(row.metadata),
        start=row.start,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
    )
