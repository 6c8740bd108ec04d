"""Endpoints in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, EndpointId, ProjectId
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus, Shape
from gatepost.domains.endpoints.tables import endpoint_versions, endpoints
from gatepost.storage import sql
from gatepost.storage.db import Tx

COLUMNS = tuple(endpoints.c.keys())
_living = endpoints.c.deleted_at.is_(None)
_decode_types = msgspec.json.Decoder(tuple[str, ...]).decode


def add(tx: Tx, endpoint: Endpoint) -> None:
    """Keep a new one."""
    tx.run(sa.insert(endpoints).values(_values(endpoint)))
    _changed(tx, endpoint.project_id)


def save(tx: Tx, endpoint: Endpoint) -> None:
    """Write one back."""
    mine = (endpoints.c.account_id == endpoint.account_id, endpoints.c.id == endpoint.id)
    tx.run(sa.update(endpoints).where(*mine).values(_values(endpoint)))
    _changed(tx, endpoint.project_id)


def find(tx: Tx, account_id: AccountId, endpoint_id: EndpointId) -> Endpoint | None:
    """Look one of the account's up."""
    where = (endpoints.c.account_id == account_id, endpoints.c.id == endpoint_id, _living)
    row = tx.run(sa.select(endpoints).where(*where)).mappings().first()
    return _endpoint(row) if row else None


def get(tx: Tx, account_id: AccountId, endpoint_id: EndpointId) -> Endpoint:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, endpoint_id)
    if found is None:
        raise not_found("endpoint with this id")
    return found


def some(tx: Tx, account_id: AccountId, ids: Collection[EndpointId]) -> dict[EndpointId, Endpoint]:
    """Several of the account's."""
    asked = [bytearray(one) for one in ids]
    rows = sql.lookup(tx, endpoints, COLUMNS, ("account_id", account_id), "id", asked)
    found = (_endpoint(dict(zip(COLUMNS, row, strict=True))) for row in rows)
    return {one.id: one for one in found if one.deleted_at is None}


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    after: EndpointId | None = None,
    limit: int | None = None,
) -> list[Endpoint]:
    """The account's endpoints, oldest first."""
    query = sa.select(endpoints).where(endpoints.c.account_id == account_id, _living)
    if project_id is not None:
        query = query.where(endpoints.c.project_id == project_id)
    if after is not None:
        query = query.where(endpoints.c.id > after)
    return [
        _endpoint(row) for row in tx.run(query.order_by(endpoints.c.id).limit(limit)).mappings()
    ]


def listening(
    tx: Tx, project_ids: Collection[ProjectId], *, missed_since: int | None = None
) -> dict[ProjectId, list[Endpoint]]:
    """The enabled endpoints of several projects, and those whose failures ended them after a
    moment (ms): what they miss is kept.
    """
    on: sa.ColumnElement[bool] = endpoints.c.status == EndpointStatus.ENABLED.value
    if missed_since is not None:
        ended = endpoints.c.status.in_([EndpointStatus.FAILED.value, EndpointStatus.GONE.value])
        on = sa.or_(on, sa.and_(ended, endpoints.c.disabled_at > missed_since))
    where = (endpoints.c.project_id.in_(sorted(project_ids)), on, _living)
    found: dict[ProjectId, list[Endpoint]] = {}
    query = sa.select(endpoints).where(*where).order_by(endpoints.c.id)
    for row in tx.run(query).mappings():
        one = _endpoint(row)
        found.setdefault(one.project_id, []).append(one)
    return found


def versions(tx: Tx, project_ids: Collection[ProjectId]) -> dict[ProjectId, int]:
    """How often the endpoints of some projects have changed, of those that ever had any."""
    where = endpoint_versions.c.project_id.in_(sorted(project_ids))
    return {
        ProjectId(row.project_id): row.version
        for row in tx.run(sa.select(endpoint_versions).where(where))
    }


def any_listens(tx: Tx) -> bool:
    """Whether there is an endpoint, in any project, that is told things or that misses them."""
    on = endpoints.c.status != EndpointStatus.DISABLED.value
    return (
        tx.run(sa.select(sa.literal(1)).select_from(endpoints).where(on, _living).limit(1)).first()
        is not None
    )


def hearing(tx: Tx, project_ids: Collection[ProjectId], words: Collection[str]) -> set[ProjectId]:
    """Which of some projects have an enabled endpoint whose types hold one of these words: it may
    want what they name.
    """
    said = sa.or_(*(endpoints.c.types.contains(f'"{one}', autoescape=True) for one in words))
    on = endpoints.c.status == EndpointStatus.ENABLED.value
    where = (endpoints.c.project_id.in_(sorted(project_ids)), on, _living, said)
    query = sa.select(endpoints.c.project_id).distinct().where(*where)
    return {ProjectId(raw) for raw in tx.run(query).scalars()}


def _changed(tx: Tx, project_id: ProjectId) -> None:
    """Count a change of a project's endpoints."""
    new = tx.engine.insert(endpoint_versions).values(project_id=project_id, version=1)
    more = {"version": endpoint_versions.c.version + 1}
    tx.run(new.on_conflict_do_update(index_elements=["project_id"], set_=more))


def _values(endpoint: Endpoint) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(endpoint),
        "types": msgspec.json.encode(endpoint.types).decode(),
    }


def _endpoint(row: Mapping[str, Any] | RowMapping) -> Endpoint:
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": EndpointId(row["id"]),
        "project_id": ProjectId(row["project_id"]),
        "types": _decode_types(row["types"]),
        "shape": Shape(row["shape"]),
        "status": EndpointStatus(row["status"]),
        "array": bool(row["array"]),
    }
    return Endpoint(**(dict(row) | read))
