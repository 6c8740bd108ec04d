"""Tenancy: make and change accounts, projects and plans. Every change is audited with it.

A plan belongs to no account: a change of one is audited for the installation, and for each
account on it, whose limits it changes. After any of these a process has to forget its cached
callers.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, invalid
from gatepost.base.ids import AccountId, AuditId, ProjectId
from gatepost.domains.accounts import model as account_model
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import INSTALLATION, Actor, Entry, Target
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.gatekeys import store as gatekeys
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import check_limits
from gatepost.domains.outbox import byhand, queues
from gatepost.domains.plans import store as plans
from gatepost.domains.plans.model import Plan, show_limits
from gatepost.domains.projects import model as project_model
from gatepost.domains.projects import store as projects
from gatepost.domains.projects.model import IdentifyMode, Project
from gatepost.domains.rules import store as rules
from gatepost.engine import enlist, govern, keyring, mint
from gatepost.storage.db import Tx

PLAN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
QUOTAS_MAX = 20


class ProjectChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a project; UNSET stays as it is."""

    name: str | UnsetType = UNSET
    identify_mode: IdentifyMode | UnsetType = UNSET
    counting: bool | UnsetType = UNSET


def create_account(tx: Tx, name: str, plan: str, actor: Actor, now: int) -> Account:
    """Make an active account; raises INVALID, NOT_FOUND (no such plan) and CONFLICT."""
    _check_name(name, account_model.NAME_MAX)
    plans.get(tx, plan)
    account = accounts.create(tx, name, plan, now)
    _note_account(tx, actor, "account.create", account, now, after={"name": name, "plan": plan})
    return account


def set_account_status(
    tx: Tx, account_id: AccountId, status: Status, actor: Actor, now: int
) -> Account:
    """Switch an account on or off, or delete it: its keys are refused at once, and nothing more is
    sent for it. What waits to be sent goes on when it is on again; a deletion ends it.
    """
    accounts.hold(tx, account_id)
    before = accounts.get(tx, account_id)
    account = msgspec.structs.replace(before, status=status, updated_at=now)
    accounts.save(tx, account)
    if status is Status.DELETED:
        byhand.cancel_open(tx, account_id, now)
    elif status is Status.ACTIVE:
        queues.wake(tx, account_id, now)
    was, is_ = {"status": str(before.status)}, {"status": str(status)}
    _note_account(tx, actor, "account.status", account, now, before=was, after=is_)
    return account


def set_account_plan(tx: Tx, account_id: AccountId, plan: str, actor: Actor, now: int) -> Account:
    """Put an account on another plan; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = accounts.get(tx, account_id)
    plans.get(tx, plan)
    account = msgspec.structs.replace(before, plan=plan, updated_at=now)
    accounts.save(tx, account)
    was, is_ = {"plan": before.plan}, {"plan": plan}
    _note_account(tx, actor, "account.plan", account, now, before=was, after=is_)
    return account


def create_project(
    tx: Tx,
    account_id: AccountId,
    name: str,
    actor: Actor,
    now: int,
    identify_mode: IdentifyMode = IdentifyMode.REPLACE,
    *,
    counting: bool = False,
) -> Project:
    """Make a project; raises INVALID, NOT_FOUND (no such account) and CONFLICT."""
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    _check_name(name, project_model.NAME_MAX)
    with _Named():
        project = projects.create(tx, account_id, name, now)
    wanted = msgspec.structs.replace(project, identify_mode=identify_mode, counting=counting)
    if wanted != project:
        project = wanted
        projects.save(tx, project)
    _note_project(tx, actor, "project.create", project, now, after=_describe(project))
    return project


def update_project(
    tx: Tx,
    account_id: AccountId,
    project_id: ProjectId,
    changes: ProjectChanges,
    actor: Actor,
    now: int,
) -> Project:
    """Rename a project, or change what identify does; raises INVALID, NOT_FOUND, CONFLICT."""
    accounts.hold(tx, account_id)
    before = projects.get(tx, account_id, project_id)
    project = msgspec.structs.replace(
        before,
        name=before.name if changes.name is UNSET else changes.name,
        identify_mode=before.identify_mode
        if changes.identify_mode is UNSET
        else changes.identify_mode,
        counting=before.counting if changes.counting is UNSET else changes.counting,
        updated_at=now,
    )
    _check_name(project.name, project_model.NAME_MAX)
    with _Named():
        projects.save(tx, project)
    was, is_ = _describe(before), _describe(project)
    _note_project(tx, actor, "project.update", project, now, before=was, after=is_)
    return project


def delete_project(
    tx: Tx, account_id: AccountId, project_id: ProjectId, actor: Actor, now: int
) -> Project:
    """End a project, every key bound to it, its gate keys, endpoints and rules, and what waits to
    be sent of it; raises NOT_FOUND.
    """
    accounts.hold(tx, account_id)
    before = projects.get(tx, account_id, project_id)
    for key in keys.list_(tx, account_id, project_id=project_id, limit=None):
        keyring.end(tx, key, actor=actor, now=now)
    for gate_key in gatekeys.list_(tx, account_id, project_id=project_id):
        mint.end(tx, gate_key, actor=actor, now=now)
    for endpoint in endpoints.list_(tx, account_id, project_id=project_id):
        enlist.end(tx, account_id, endpoint.id, actor, now)
    for rule in rules.list_(tx, account_id, project_id=project_id):
        govern.end(tx, account_id, rule.id, actor, now)
    byhand.cancel_open(tx, account_id, now, project_id)
    project = msgspec.structs.replace(before, updated_at=now, deleted_at=now)
    projects.save(tx, project)
    _note_project(tx, actor, "project.delete", project, now, before=_describe(before))
    return project


def save_plan(tx: Tx, plan: Plan, actor: Actor, now: int) -> Plan:
    """Make a plan or change one, a preset too; raises INVALID."""
    _check_plan(plan)
    plans.hold(tx, plan.name)
    before = plans.find(tx, plan.name)
    plans.save(tx, plan, now)
    action = "plan.update" if before else "plan.create"
    entries = [
        Entry(
            id=AuditId(ids.new()),
            account_id=account_id,
            at=now,
            actor=actor,
            action=action,
            object=f"plan_{plan.name}",
            object_name=plan.title or plan.name,
            before=describe_plan(before) if before else None,
            after=describe_plan(plan),
        )
        for account_id in (INSTALLATION, *accounts.on_plan(tx, plan.name))
    ]
    audit.append_all(tx, entries)
    return plan


def describe_plan(plan: Plan) -> dict[str, Any]:
    """A plan as the audit log keeps it."""
    return {
        "title": plan.title,
        "keyLimits": show_limits(plan.key_limits),
        "accountLimits": show_limits(plan.account_limits),
        "mailLimits": show_limits(plan.mail_limits),
        "quotas": msgspec.to_builtins(plan.quotas),
    }


def _check_plan(plan: Plan) -> None:
    problems: list[tuple[list[str | int], str]] = []
    if not PLAN_NAME.fullmatch(plan.name):
        problems.append((["name"], "Lower-case letters, digits, dots and dashes, at most 64"))
    limits = {
        "keyLimits": plan.key_limits,
        "accountLimits": plan.account_limits,
        "mailLimits": plan.mail_limits,
    }
    for member, windows in limits.items():
        try:
            check_limits(windows)
        except ValueError as error:
            problems.append(([member], str(error)))
    names = [quota.name for quota in plan.quotas]
    if len(set(names)) < len(names) or len(names) > QUOTAS_MAX:
        problems.append((["quotas"], f"At most {QUOTAS_MAX}, each with a name of its own"))
    problems += [
        (["quotas", index], "A quota needs a name, a limit of at least 0 and what it counts")
        for index, quota in enumerate(plan.quotas)
        if quota.limit < 0 or not quota.name or not quota.counts
    ]
    if problems:
        raise invalid(*problems)


def _check_name(name: str, length_max: int) -> None:
    if not name.strip() or len(name) > length_max:
        raise invalid((["name"], f"Must have 1 to {length_max} characters"))


class _Named:
    """Within: a conflict of names tells which project has it, in a form for the outside."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        other = error.extra.get("existing") if isinstance(error, AppError) else None
        if isinstance(error, AppError) and isinstance(other, Project):
            error.extra["existing"] = {"id": ids.show("project", other.id), "name": other.name}


def _describe(project: Project) -> dict[str, Any]:
    return {
        "name": project.name,
        "identifyMode": str(project.identify_mode),
        "counting": project.counting,
    }


def _note_account(
    tx: Tx,
    actor: Actor,
    action: str,
    account: Account,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = (ids.show("account", account.id), account.name)
    audit.append(tx, account.id, actor, action, target, now=now, before=before, after=after)


def _note_project(
    tx: Tx,
    actor: Actor,
    action: str,
    project: Project,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show("project", project.id), project.name, project.id)
    audit.append(tx, project.account_id, actor, action, target, now=now, before=before, after=after)
