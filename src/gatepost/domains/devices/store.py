"""Devices and push keys in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, DeviceId, ProjectId
from gatepost.domains.devices.model import Audience, Device, PushKey, Reach
from gatepost.domains.devices.tables import devices, push_keys
from gatepost.storage import sql
from gatepost.storage.db import Tx


def add(tx: Tx, device: Device) -> None:
    """Keep a new one."""
    tx.run(sa.insert(devices).values(_values(device)))


def save(tx: Tx, device: Device) -> None:
    """Write one back."""
    mine = (devices.c.account_id == device.account_id, devices.c.id == device.id)
    tx.run(sa.update(devices).where(*mine).values(_values(device)))


def find(tx: Tx, account_id: AccountId, device_id: DeviceId) -> Device | None:
    """Look one of the account's up."""
    return _first(tx, devices.c.account_id == account_id, devices.c.id == device_id)


def get(tx: Tx, account_id: AccountId, device_id: DeviceId) -> Device:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, device_id)
    if found is None:
        raise not_found("device with this id")
    return found


def find_digest(tx: Tx, account_id: AccountId, digest: bytes) -> Device | None:
    """Look one up by what tells it from others."""
    return _first(tx, devices.c.account_id == account_id, devices.c.digest == digest)


def number(tx: Tx, account_id: AccountId) -> int:
    """How many the account has."""
    query = sa.select(sa.func.count()).where(devices.c.account_id == account_id)
    return int(tx.run(query).scalar_one())


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    user_id: str | None = None,
    after: DeviceId | None = None,
    limit: int,
) -> list[Device]:
    """The account's, oldest first."""
    query = sa.select(devices).where(devices.c.account_id == account_id)
    if project_id is not None:
        query = query.where(devices.c.project_id == project_id)
    if user_id is not None:
        query = query.where(devices.c.user_id == user_id)
    if after is not None:
        query = query.where(devices.c.id > after)
    return [_device(row) for row in tx.run(query.order_by(devices.c.id).limit(limit)).mappings()]


def reached(
    tx: Tx, account_id: AccountId, project_id: ProjectId, audience: Audience
) -> list[Device]:
    """Those that a message of a project is for, oldest first."""
    where = (devices.c.account_id == account_id, _meant(project_id, audience))
    query = sa.select(devices).where(*where).order_by(devices.c.id)
    return [_device(row) for row in tx.run(query).mappings()]


def remove(tx: Tx, account_id: AccountId, device_id: DeviceId) -> None:
    """Forget one."""
    mine = (devices.c.account_id == account_id, devices.c.id == device_id)
    tx.run(sa.delete(devices).where(*mine))


def remove_same(tx: Tx, device: Device) -> None:
    """Forget one, unless it has been registered anew since it was read."""
    mine = (devices.c.account_id == device.account_id, devices.c.id == device.id)
    tx.run(sa.delete(devices).where(*mine, devices.c.updated_at == device.updated_at))


def forget_users(tx: Tx, account_id: AccountId, user_ids: Sequence[str]) -> int:
    """Forget all devices of users; returns how many there were."""
    mine = (devices.c.account_id == account_id, devices.c.user_id.in_(list(user_ids)))
    return tx.run(sa.delete(devices).where(*mine)).rowcount


def find_key(tx: Tx, account_id: AccountId) -> PushKey | None:
    """The account's key, None before anybody has asked for it."""
    query = sa.select(push_keys).where(push_keys.c.account_id == account_id)
    row = tx.run(query).mappings().first()
    if row is None:
        return None
    return PushKey(**(dict(row) | {"account_id": AccountId(row["account_id"])}))


def save_key(tx: Tx, key: PushKey) -> None:
    """Keep the account's key, in place of a former one."""
    sql.upsert(tx, push_keys, msgspec.structs.asdict(key), ["account_id"])


def _meant(project_id: ProjectId, audience: Audience) -> ColumnElement[bool]:
    mine = devices.c.project_id == project_id
    if audience.device_id is not None:
        here = mine | (devices.c.reach == Reach.ALL.value)
        return here & (devices.c.id == audience.device_id)
    if audience.user_id is not None:
        return devices.c.user_id == audience.user_id
    wide = (devices.c.reach == Reach.ALL.value) | (mine & (devices.c.reach == Reach.PROJECT.value))
    if audience.channel is None:
        return wide
    return wide | (mine & (devices.c.channel == audience.channel))


def _first(tx: Tx, *where: ColumnElement[bool]) -> Device | None:
    row = tx.run(sa.select(devices).where(*where)).mappings().first()
    return None if row is None else _device(row)


def _values(device: Device) -> dict[str, Any]:
    return {**msgspec.structs.asdict(device), "reach": device.reach.value}


def _device(row: RowMapping) -> Device:
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": DeviceId(row["id"]),
        "project_id": ProjectId(row["project_id"]),
        "reach": Reach(row["reach"]),
    }
    return Device(**(dict(row) | read))
