"""Govern: rules made, changed, muted and ended. Every change is audited with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId, EndpointId, ProjectId, RuleId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.rules import model, store
from gatepost.domains.rules.model import Destination, Problem, Rule, Spec, Step, Way
from gatepost.engine import watch
from gatepost.engine.ways import Means
from gatepost.storage.db import Tx

RULES_MAX = 1000


class NewRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to be. `match` is JSON of a condition on events, empty for all of them."""

    project_id: ProjectId
    name: str
    way: Way
    enabled: bool = True
    match: str = ""
    spec: Spec = Spec()
    muted_until: int | None = None


class RuleChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a rule; what is UNSET stays. `spec` names members of it."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    match: str | UnsetType = UNSET
    muted_until: int | UnsetType | None = UNSET
    spec: dict[str, Any] = {}
    to: tuple[Destination, ...] | UnsetType = UNSET
    escalate: tuple[Step, ...] | UnsetType = UNSET


def create(
    tx: Tx, account_id: AccountId, new: NewRule, means: Means, actor: Actor, now: int
) -> Rule:
    """Make a rule; raises INVALID, or CONFLICT where there are too many."""
    accounts.hold(tx, account_id)
    watch.hold(tx)
    if store.count(tx, account_id) >= RULES_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {RULES_MAX:,} rules")
    made = draft(tx, account_id, new, means, now)
    store.add(tx, made)
    watch.follow(tx, None, made, now)
    _note(tx, actor, "rule.create", made, now, after=model.describe(made))
    return made


def draft(tx: Tx, account_id: AccountId, new: NewRule, means: Means, now: int) -> Rule:
    """Check a rule to be without keeping it; raises INVALID."""
    rule_id = RuleId(ids.new())
    made = Rule(
        account_id=account_id,
        id=rule_id,
        project_id=new.project_id,
        name=new.name,
        enabled=new.enabled,
        match=new.match,
        spec=new.spec,
        way=means.ways.seal(new.way, rule_id),
        muted_until=new.muted_until,
        created_at=now,
        updated_at=now,
    )
    _check(tx, made, new.way)
    return made


def change(
    tx: Tx,
    account_id: AccountId,
    rule_id: RuleId,
    changes: RuleChanges,
    means: Means,
    actor: Actor,
    now: int,
) -> Rule:
    """Change one; raises NOT_FOUND and INVALID. What went wrong with it is forgotten."""
    accounts.hold(tx, account_id)
    watch.hold(tx)
    before = store.get(tx, account_id, rule_id)
    spec = msgspec.structs.replace(before.spec, **changes.spec)
    plain = {
        name: value
        for name in ("name", "enabled", "match", "muted_until")
        if (value := getattr(changes, name)) is not UNSET
    }
    after = msgspec.structs.replace(
        before, **plain, spec=spec, error=None, failed_at=None, updated_at=now
    )
    way = _changed(before, changes, means)
    if way is not None:
        after = msgspec.structs.replace(after, way=means.ways.seal(way, rule_id))
    _check(tx, after, way)
    store.save(tx, after)
    watch.follow(tx, before, after, now)
    _note_change(tx, actor, "rule.update", before, after, now, elsewhere=way is not None)
    return after


def mute(
    tx: Tx, account_id: AccountId, rule_id: RuleId, until: int | None, actor: Actor, now: int
) -> Rule:
    """Let one tell nothing until a moment (ms), None for: from now on as usual. Raises
    NOT_FOUND.
    """
    accounts.hold(tx, account_id)
    watch.hold(tx)
    before = store.get(tx, account_id, rule_id)
    after = msgspec.structs.replace(before, muted_until=until, updated_at=now)
    store.save(tx, after)
    watch.follow(tx, before, after, now)
    _note_change(tx, actor, "rule.unmute" if until is None else "rule.mute", before, after, now)
    return after


def end(tx: Tx, account_id: AccountId, rule_id: RuleId, actor: Actor, now: int) -> Rule:
    """Delete one; raises NOT_FOUND. What it has told already is still delivered."""
    accounts.hold(tx, account_id)
    watch.hold(tx)
    before = store.get(tx, account_id, rule_id)
    ended = msgspec.structs.replace(before, updated_at=now, deleted_at=now)
    store.save(tx, ended)
    watch.follow(tx, before, None, now)
    _note(tx, actor, "rule.delete", ended, now, before=model.describe(before))
    return ended


def _changed(before: Rule, changes: RuleChanges, means: Means) -> Way | None:
    """Where it leads from now on, None if that stays."""
    if changes.to is UNSET and changes.escalate is UNSET:
        return None
    if changes.to is not UNSET and changes.escalate is not UNSET:
        return Way(changes.to, changes.escalate)  # the former one need not be readable
    former = means.ways.open(before)
    if changes.to is not UNSET:
        return msgspec.structs.replace(former, to=changes.to)
    return msgspec.structs.replace(former, escalate=changes.escalate)


def _check(tx: Tx, rule: Rule, way: Way | None) -> None:
    problems = [*model.check(rule.spec)]
    if way is not None:
        problems += model.check_way(way)
        problems += _of_endpoints(tx, rule, way)
    if problems:
        raise invalid(*problems)


def _of_endpoints(tx: Tx, rule: Rule, way: Way) -> Iterator[Problem]:
    """Which endpoints there are not in the rule's project."""
    named = list(_endpoints(way))
    if not named:
        return
    known = endpoints.some(tx, rule.account_id, {one for _, one in named if one is not None})
    for path, one in named:
        found = None if one is None else known.get(one)
        if found is None or found.project_id != rule.project_id:
            yield [*path, "endpoint"], "No endpoint with this id in the rule's project"


def _endpoints(way: Way) -> Iterator[tuple[Sequence[str | int], EndpointId | None]]:
    for path, one in destinations(way):
        if one.endpoint is not None:
            try:
                yield path, EndpointId(ids.parse("endpoint", one.endpoint))
            except AppError:
                yield path, None


def destinations(way: Way) -> Iterator[tuple[Sequence[str | int], Destination]]:
    """All that a rule leads to, each with its path in the rule."""
    for index, one in enumerate(way.to):
        yield ["to", index], one
    for number, step in enumerate(way.escalate):
        for index, one in enumerate(step.to):
            yield ["escalate", number, "to", index], one


def _note_change(
    tx: Tx,
    actor: Actor,
    action: str,
    before: Rule,
    after: Rule,
    now: int,
    *,
    elsewhere: bool = False,
) -> None:
    old, new = model.describe(before), model.describe(after)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    was, is_ = ({name: one.get(name) for name in names} for one in (old, new))
    if elsewhere:
        is_["to"] = "changed"
    _note(tx, actor, action, after, now, before=was, after=is_)


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    rule: Rule,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("rule", rule.id), rule.name, rule.project_id)
    audit.append(tx, rule.account_id, actor, action, target, now=now, before=before, after=after)
