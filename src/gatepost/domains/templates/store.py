"""Templates in the database."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base import ids
from gatepost.base.errors import AppError, not_found
from gatepost.base.ids import AccountId, TemplateId
from gatepost.domains.templates.model import Template
from gatepost.domains.templates.tables import templates
from gatepost.storage.db import Tx

NOUN = "template"
_living = templates.c.deleted_at.is_(None)
_published = templates.c.published_at.is_not(None)
_TEXTS = ("html", "text")
_OUTLINE = [sa.null().label(one.name) if one.name in _TEXTS else one for one in templates.c]


def add(tx: Tx, template: Template) -> None:
    """Keep a new version."""
    tx.run(sa.insert(templates).values(msgspec.structs.asdict(template)))


def save(tx: Tx, template: Template) -> None:
    """Write a version back."""
    mine = (templates.c.account_id == template.account_id, templates.c.id == template.id)
    tx.run(sa.update(templates).where(*mine).values(msgspec.structs.asdict(template)))


def find(tx: Tx, account_id: AccountId, template_id: TemplateId) -> Template | None:
    """Look a version of the account's up."""
    return _first(tx, account_id, templates.c.id == template_id)


def get(tx: Tx, account_id: AccountId, template_id: TemplateId) -> Template:
    """Look a version of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, template_id)
    if found is None:
        raise not_found("template with this id")
    return found


def published(tx: Tx, account_id: AccountId, alias: str) -> Template | None:
    """The version of an alias that is published."""
    return _first(tx, account_id, templates.c.alias == alias, _published)


def named(tx: Tx, account_id: AccountId, text: str) -> Template | None:
    """What somebody means by a template: an alias's published version, or exactly the version
    of an id (`template_…`), published or not.
    """
    found = published(tx, account_id, text)
    if found is None:
        try:
            found = find(tx, account_id, TemplateId(ids.parse(NOUN, text)))
        except AppError:
            return None
    return found


def versions(tx: Tx, account_id: AccountId, alias: str) -> list[Template]:
    """All living versions of an alias, newest first."""
    where = (templates.c.account_id == account_id, templates.c.alias == alias, _living)
    query = sa.select(templates).where(*where).order_by(templates.c.version.desc())
    return [_template(row) for row in tx.run(query).mappings()]


def next_version(tx: Tx, account_id: AccountId, alias: str) -> int:
    """The number of an alias's next version."""
    where = (templates.c.account_id == account_id, templates.c.alias == alias)
    last = tx.run(sa.select(sa.func.max(templates.c.version)).where(*where)).scalar()
    return int(last or 0) + 1


def count(tx: Tx, account_id: AccountId) -> int:
    """How many versions an account has."""
    where = (templates.c.account_id == account_id, _living)
    found = tx.run(sa.select(sa.func.count()).select_from(templates).where(*where)).scalar()
    return int(found or 0)


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    alias: str | None = None,
    only_published: bool = False,
    after: TemplateId | None = None,
    limit: int | None = None,
    texts: bool = True,
) -> list[Template]:
    """Versions of the account's templates, oldest first; without `texts` neither html nor text."""
    columns = templates.c if texts else _OUTLINE
    query = sa.select(*columns).where(templates.c.account_id == account_id, _living)
    if alias is not None:
        query = query.where(templates.c.alias == alias)
    if only_published:
        query = query.where(_published)
    if after is not None:
        query = query.where(templates.c.id > after)
    rows = tx.run(query.order_by(templates.c.id).limit(limit)).mappings()
    return [_template(row) for row in rows]


def _first(tx: Tx, account_id: AccountId, *which: Any) -> Template | None:
    where = (templates.c.account_id == account_id, *which, _living)
    row = tx.run(sa.select(templates).where(*where)).mappings().first()
    return _template(row) if row else None


def _template(row: RowMapping) -> Template:
    read = {"account_id": AccountId(row["account_id"]), "id": TemplateId(row["id"])}
    return Template(**(dict(row) | read))
