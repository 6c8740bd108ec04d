"""Projects in the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.projects.model import IdentifyMode, Project
from gatepost.domains.projects.tables import projects
from gatepost.storage.db import Tx

_live = projects.c.deleted_at.is_(None)


def create(tx: Tx, account_id: AccountId, name: str, now: int) -> Project:
    """Make a project; raises CONFLICT when the account has one of that name."""
    _check_name(tx, account_id, name)
    project = Project(ProjectId(ids.new()), account_id, name, IdentifyMode.REPLACE, now, now)
    tx.run(
        sa.insert(projects).values(
            account_id=account_id,
            id=project.id,
            name=name,
            identify_mode=project.identify_mode,
            created_at=now,
            updated_at=now,
        )
    )
    return project


def find(tx: Tx, account_id: AccountId, project_id: ProjectId) -> Project | None:
    """Look a living project of the account up."""
    where = (projects.c.account_id == account_id, projects.c.id == project_id, _live)
    row = tx.run(sa.select(projects).where(*where)).first()
    return _project(row) if row else None


def get(tx: Tx, account_id: AccountId, project_id: ProjectId) -> Project:
    """Look a living project of the account up; raises NOT_FOUND."""
    project = find(tx, account_id, project_id)
    if project is None:
        raise not_found("project with this id")
    return project


def find_by_name(tx: Tx, account_id: AccountId, name: str) -> Project | None:
    """Look a living project up by its name."""
    where = (projects.c.account_id == account_id, projects.c.name == name, _live)
    row = tx.run(sa.select(projects).where(*where)).first()
    return _project(row) if row else None


def list_(
    tx: Tx, account_id: AccountId, *, after: bytes | None = None, limit: int | None = None
) -> list[Project]:
    """The account's living projects, oldest first."""
    query = sa.select(projects).where(projects.c.account_id == account_id, _live)
    if after is not None:
        query = query.where(projects.c.id > after)
    return [_project(row) for row in tx.run(query.order_by(projects.c.id).limit(limit))]


def all_ids(tx: Tx, account_id: AccountId) -> list[ProjectId]:
    """Ids of all the account's projects, deleted ones included."""
    query = sa.select(projects.c.id).where(projects.c.account_id == account_id)
    return [ProjectId(raw) for raw in tx.run(query).scalars()]


def save(tx: Tx, project: Project) -> None:
    """Write a project back; raises CONFLICT when another one has its name."""
    _check_name(tx, project.account_id, project.name, project.id)
    tx.run(
        sa.update(projects)
        .where(projects.c.account_id == project.account_id, projects.c.id == project.id)
        .values(
            name=project.name,
            identify_mode=project.identify_mode,
            updated_at=project.updated_at,
            deleted_at=project.deleted_at,
            counting=project.counting,
        )
    )


def _check_name(tx: Tx, account_id: AccountId, name: str, mine: ProjectId | None = None) -> None:
    other = find_by_name(tx, account_id, name)
    if other is not None and other.id != mine:
        raise AppError(
            Code.CONFLICT, f"A project named {name!r} exists already", extra={"existing": other}
        )


def _project(row: Any) -> Project:
    return Project(
        ProjectId(row.id),
        AccountId(row.account_id),
        row.name,
        IdentifyMode(row.identify_mode),
        row.created_at,
        row.updated_at,
        row.deleted_at,
        row.counting,
    )
