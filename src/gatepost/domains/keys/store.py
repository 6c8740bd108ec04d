"""Keys in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import AccountId, CustomerId, KeyId, ProjectId
from gatepost.domains.keys.model import LIVE, SANDBOX, Format, Key
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


def named(
    tx: Tx, account_id: AccountId, wanted: Collection[KeyId]
) -> dict[KeyId, tuple[str, int | None]]:
    """The names of those that are the account's keys, deleted ones too, and when (ms)."""
    mine, columns = ("account_id", account_id), ("id", "name", "deleted_at")
    rows = sql.lookup(tx, keys, columns, mine, "id", list(wanted))
    return {KeyId(raw): (name, deleted_at) for raw, name, deleted_at in rows}


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
    customer_id: CustomerId | None = None,
    search: str | None = None,
    before: bytes | None = None,
    offset: int = 0,
    limit: int | None,
) -> list[Key]:
    """Living keys of the account (of one project or customer, if given), newest first.

    `search` is a part of the name or of the secret's beginning, in any case of ASCII letters.
    """
    query = sa.select(keys).where(keys.c.account_id == account_id, _live)
    if project_id is not None:
        query = query.where(keys.c.project_id == project_id)
    if customer_id is not None:
        query = query.where(keys.c.customer_id == customer_id)
    if search is not None:
        parts = (keys.c.name, keys.c.start)
        query = query.where(sa.or_(*(one.icontains(search, autoescape=True) for one in parts)))
    if before is not None:
        query = query.where(keys.c.id < before)
    rows = tx.run(query.order_by(keys.c.id.desc()).offset(offset).limit(limit))
    return [_key(row) for row in rows]


def of_customer(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> list[Key]:
    """Living keys that are bound to a customer."""
    where = (keys.c.account_id == account_id, keys.c.customer_id == customer_id, _live)
    return [_key(row) for row in tx.run(sa.select(keys).where(*where).order_by(keys.c.id))]


def ending(tx: Tx, since: int, until: int, lead: int) -> list[Key]:
    """The keys of all accounts that end in a span of time (ms), past its begin up to its end; of
    those that were made at least `lead` ms before.
    """
    span = (keys.c.expires_at > since, keys.c.expires_at <= until)
    known = (keys.c.created_at <= keys.c.expires_at - lead, keys.c.enabled.is_(True), _live)
    query = sa.select(keys).where(keys.c.expires_at.is_not(None), *span, *known)
    return [_key(row) for row in tx.run(query.order_by(keys.c.expires_at))]


def append(tx: Tx, key: Key, digest: bytes) -> None:
    """Store a new key and its secret's digest.

    Raises CONFLICT (with the `existing` key in `extra`) when the name is taken, and when the
    secret was ever used before; INVALID where its format does not go with the account's keys.
    """
    _check_name(tx, key)
    _check_sandbox(tx, key)
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


def _check_sandbox(tx: Tx, key: Key) -> None:
    """A sandbox has data of its own, so it is an account of its own."""
    for some, others in ((SANDBOX, LIVE), (LIVE, SANDBOX)):
        if key.format in some:
            mine = (keys.c.account_id == key.account_id, keys.c.format.in_(others), _live)
            if tx.run(sa.select(keys.c.id).where(*mine).limit(1)).first() is not None:
                message = "Keys of a sandbox and live ones need accounts of their own"
                raise invalid((["format"], message))


def _values(key: Key) -> dict[str, Any]:
    return {
        "project_id": key.project_id,
        "name": key.name,
        "format": key.format,
        "scopes": _json(key.scopes),
        "sending_domain": key.sending_domain,
        "customer_id": key.customer_id,
        "limits": None if key.limits is None else _json(key.limits),
        "enabled": key.enabled,
        "hold_mails": key.hold_mails,
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
        customer_id=CustomerId(row.customer_id) if row.customer_id else None,
        limits=None if limits is None else msgspec.json.decode(limits, type=tuple[Window, ...]),
        enabled=bool(row.enabled),
        hold_mails=bool(row.hold_mails),
        expires_at=row.expires_at,
        allow_from=msgspec.json.decode(row.allow_from, type=tuple[str, ...]),
        metadata=msgspec.json.decode(row.metadata),
        start=row.start,
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
    )
