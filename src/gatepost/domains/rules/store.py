"""Rules in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base.errors import not_found
from gatepost.base.ids import AccountId, ProjectId, RuleId
from gatepost.domains.rules.model import ERROR_MAX, Rule, Spec, kind_of
from gatepost.domains.rules.tables import rule_versions, rules
from gatepost.storage import sql
from gatepost.storage.db import Tx

_living = rules.c.deleted_at.is_(None)
_decode_spec = msgspec.json.Decoder(Spec).decode


class Version(NamedTuple):
    """How often the rules of an account's project have changed, and how many of them are on."""

    account_id: AccountId
    version: int
    active: int


def add(tx: Tx, rule: Rule) -> None:
    """Keep a new one."""
    tx.run(sa.insert(rules).values(_values(rule)))
    _changed(tx, rule)


def save(tx: Tx, rule: Rule) -> None:
    """Write one back."""
    mine = (rules.c.account_id == rule.account_id, rules.c.id == rule.id)
    tx.run(sa.update(rules).where(*mine).values(_values(rule)))
    _changed(tx, rule)


def note_error(tx: Tx, account_id: AccountId, rule_id: RuleId, error: str, now: int) -> None:
    """Note what went wrong with a rule."""
    mine = (rules.c.account_id == account_id, rules.c.id == rule_id)
    noted = {"error": error[:ERROR_MAX], "failed_at": now}
    tx.run(sa.update(rules).where(*mine).values(noted))


def find(tx: Tx, account_id: AccountId, rule_id: RuleId) -> Rule | None:
    """Look one of the account's up."""
    where = (rules.c.account_id == account_id, rules.c.id == rule_id, _living)
    row = tx.run(sa.select(rules).where(*where)).mappings().first()
    return _rule(row) if row else None


def get(tx: Tx, account_id: AccountId, rule_id: RuleId) -> Rule:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, rule_id)
    if found is None:
        raise not_found("rule with this id")
    return found


def some(tx: Tx, account_id: AccountId, ids: Collection[RuleId]) -> dict[RuleId, Rule]:
    """Several of the account's."""
    where = (rules.c.account_id == account_id, rules.c.id.in_(sorted(ids)), _living)
    found = (_rule(row) for row in tx.run(sa.select(rules).where(*where)).mappings())
    return {one.id: one for one in found}


def list_(
    tx: Tx,
    account_id: AccountId,
    *,
    project_id: ProjectId | None = None,
    after: RuleId | None = None,
    limit: int | None = None,
) -> list[Rule]:
    """The account's rules, oldest first."""
    query = sa.select(rules).where(rules.c.account_id == account_id, _living)
    if project_id is not None:
        query = query.where(rules.c.project_id == project_id)
    if after is not None:
        query = query.where(rules.c.id > after)
    return [_rule(row) for row in tx.run(query.order_by(rules.c.id).limit(limit)).mappings()]


def count(tx: Tx, account_id: AccountId) -> int:
    """How many the account has."""
    mine = sa.select(sa.func.count()).where(rules.c.account_id == account_id, _living)
    return tx.run(mine).scalar() or 0


def active(tx: Tx, project_id: ProjectId, kinds: Collection[str] = ()) -> list[Rule]:
    """The rules of a project that are on, oldest first; those of some kinds alone, if named."""
    query = sa.select(rules).where(rules.c.project_id == project_id, _living, rules.c.enabled)
    if kinds:
        query = query.where(rules.c.kind.in_(sorted(kinds)))
    return [_rule(row) for row in tx.run(query.order_by(rules.c.id)).mappings()]


def versions(tx: Tx) -> dict[ProjectId, Version]:
    """The projects that have rules which are on, of all accounts."""
    some_on = rule_versions.c.active > 0
    return {
        ProjectId(row.project_id): Version(AccountId(row.account_id), row.version, row.active)
        for row in tx.run(sa.select(rule_versions).where(some_on))
    }


def _changed(tx: Tx, rule: Rule) -> None:
    """Count a change of a project's rules; the rule's row is locked by then."""
    place = {"account_id": rule.account_id, "project_id": rule.project_id}
    on = sa.select(sa.func.count()).where(
        rules.c.project_id == rule.project_id, _living, rules.c.enabled
    )
    sql.insert_new(tx, rule_versions, {**place, "version": 0, "active": 0}, list(place))
    here = [rule_versions.c[name] == value for name, value in place.items()]
    counted = {"version": rule_versions.c.version + 1, "active": on.scalar_subquery()}
    tx.run(sa.update(rule_versions).where(*here).values(counted))


def _values(rule: Rule) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(rule),
        "kind": kind_of(rule.spec.when),
        "spec": msgspec.json.encode(rule.spec).decode(),
    }


def _rule(row: RowMapping) -> Rule:
    read: dict[str, Any] = {
        "account_id": AccountId(row["account_id"]),
        "id": RuleId(row["id"]),
        "project_id": ProjectId(row["project_id"]),
        "enabled": bool(row["enabled"]),
        "spec": _decode_spec(row["spec"]),
    }
    return Rule(**{name: read.get(name, row[name]) for name in Rule.__struct_fields__})
