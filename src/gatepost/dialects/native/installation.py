"""`/v1/operations/accounts` and `…/operators`: all there are of an installation, for superusers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, OperatorId
from gatepost.dialects.native import admin
from gatepost.dialects.native.admin import PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.operations import FORBIDDEN, check
from gatepost.dialects.native.operatorwire import Email, Name, RoleOf
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import NAME_MAX, Account, Status
from gatepost.domains.operators import store as operators
from gatepost.domains.operators.model import Operator, Role
from gatepost.domains.plans import store as plans
from gatepost.engine import access, tenancy
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

AccountName = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, examples=["Acme"])]
PlanName = Annotated[str, Meta(max_length=64, description="A plan's name.", examples=["default"])]
StatusOf = Annotated[
    Literal["active", "inactive", "deleted"],
    Meta(description="Keys and operators of `active` accounts alone may do anything."),
]
SWITCHED = "You act from this account: open another one to switch it off"
MYSELF = "You cannot switch yourself off"


class NewAccountIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """An account to be."""

    name: AccountName
    plan: PlanName = "default"


class AccountChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change of an account; members left out stay as they are."""

    plan: PlanName | UnsetType = UNSET
    status: StatusOf | UnsetType = UNSET


class TenantOut(msgspec.Struct, rename="camel"):
    """An account of the installation."""

    id: str
    name: AccountName
    status: StatusOf
    plan: PlanName
    created_at: str


class TenantsOut(msgspec.Struct, rename="camel"):
    """A page of accounts, and the plans that one can be on; `next_cursor` is null on the last."""

    accounts: list[TenantOut]
    plans: list[PlanName]
    next_cursor: str | None


class WorksForOut(msgspec.Struct, rename="camel"):
    """An account that an operator works for."""

    account_id: str
    name: str
    role: RoleOf


class OperatorOut(msgspec.Struct, rename="camel"):
    """An operator of the installation."""

    id: str
    email: Email
    name: Name
    superuser: bool
    enabled: Annotated[bool, Meta(description="Whether they may sign in.")]
    second_factor: bool
    accounts: list[WorksForOut]
    created_at: str
    last_signed_in_at: str | None


class OperatorsOut(msgspec.Struct, rename="camel"):
    """A page of operators; `next_cursor` is null on the last one."""

    operators: list[OperatorOut]
    next_cursor: str | None


class OperatorChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change of an operator."""

    enabled: Annotated[bool, Meta(description="Whether they may sign in.")]


class ChangeAccount(msgspec.Struct, frozen=True):
    """What to change of which account."""

    account_id: AccountId
    changes: AccountChangesIn


class ChangeOperator(msgspec.Struct, frozen=True):
    """What to change of which operator."""

    operator_id: OperatorId
    changes: OperatorChangesIn


_account_body = Body(NewAccountIn)
_changes_body = Body(AccountChangesIn)
_operator_body = Body(OperatorChangesIn)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID, and FORBIDDEN."""
    check(call)
    return admin.read_page(call)


def list_accounts(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of accounts."""
    after, limit = command
    found = accounts.list_(tx, after=after, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    names = [one.name for one in plans.list_(tx)]
    return ok(call, TenantsOut([show(one) for one in page.rows], names, page.next_cursor))


def parse_account(call: Call, body: bytes) -> NewAccountIn:
    """Read an account to be; raises INVALID, and FORBIDDEN."""
    check(call)
    given: NewAccountIn = _account_body.decode(body)
    return given


def create_account(tx: Tx, call: Call, command: NewAccountIn) -> Reply:
    """Make an account, whose first owner is whoever made it."""
    made = tenancy.create_account(tx, command.name, command.plan, call.actor, call.now)
    me = _me(tx, call)
    access.join(tx, me, made.id, Role.OWNER, call.actor, call.now)
    admin.changed(tx, call)
    return ok(call, show(made), 201)


def parse_account_changes(call: Call, body: bytes) -> ChangeAccount:
    """Read what to change; raises INVALID, NOT_FOUND and FORBIDDEN."""
    check(call)
    account_id = AccountId(ids.parse("account", call.params["id"]))
    return ChangeAccount(account_id, _changes_body.decode(body))


def update_account(tx: Tx, call: Call, command: ChangeAccount) -> Reply:
    """Change an account's plan, or switch it on or off."""
    _me(tx, call)
    account, wanted = accounts.get(tx, command.account_id), command.changes
    if isinstance(wanted.plan, str):
        account = tenancy.set_account_plan(tx, account.id, wanted.plan, call.actor, call.now)
    if isinstance(wanted.status, str):
        status = Status(wanted.status)
        if account.id == call.caller.account_id and status is not Status.ACTIVE:
            raise AppError(Code.CONFLICT, SWITCHED)
        account = tenancy.set_account_status(tx, account.id, status, call.actor, call.now)
    admin.changed(tx, call)
    return ok(call, show(account))


def list_operators(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of operators."""
    after, limit = command
    found = operators.list_(tx, after=after, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    return ok(call, OperatorsOut([show_operator(tx, one) for one in page.rows], page.next_cursor))


def parse_operator_changes(call: Call, body: bytes) -> ChangeOperator:
    """Read what to change; raises INVALID, NOT_FOUND and FORBIDDEN."""
    check(call)
    operator_id = OperatorId(ids.parse("operator", call.params["id"]))
    return ChangeOperator(operator_id, _operator_body.decode(body))


def update_operator(tx: Tx, call: Call, command: ChangeOperator) -> Reply:
    """Change whether an operator may sign in."""
    one = operators.find(tx, command.operator_id)
    if one is None:
        raise not_found("operator with this id")
    changed = set_enabled(tx, call, one, enabled=command.changes.enabled)
    return ok(call, show_operator(tx, changed))


def set_enabled(tx: Tx, call: Call, one: Operator, *, enabled: bool) -> Operator:
    """Let an operator sign in or not; raises FORBIDDEN, and CONFLICT for oneself."""
    check(call)
    if one.id == _me(tx, call).id and not enabled:
        raise AppError(Code.CONFLICT, MYSELF)
    admin.changed(tx, call)
    return access.set_enabled(tx, one, enabled=enabled, actor=call.actor, now=call.now)


def _me(tx: Tx, call: Call) -> Operator:
    """Who asks, as they stand in this transaction; raises FORBIDDEN."""
    acting = call.caller.operator
    me = None if acting is None else operators.find(tx, acting.id)
    if me is None or not me.superuser or not me.enabled:
        raise AppError(FORBIDDEN.code, FORBIDDEN.detail)
    return me


def show(one: Account) -> TenantOut:
    """Write an account for the wire."""
    id_ = ids.show("account", one.id)
    return TenantOut(id_, one.name, one.status.value, one.plan, clock.iso(one.created_at))


def show_operator(tx: Tx, one: Operator) -> OperatorOut:
    """Write an operator for the wire, with the accounts they work for."""
    mine = []
    for own in operators.memberships_of(tx, one.id):
        account = accounts.get(tx, own.account_id)
        mine.append(WorksForOut(ids.show("account", account.id), account.name, own.role))
    return OperatorOut(
        ids.show("operator", one.id),
        one.email,
        one.name,
        one.superuser,
        one.enabled,
        one.has_second_factor,
        mine,
        clock.iso(one.created_at),
        admin.moment(one.last_signed_in_at),
    )


def _words(text: str) -> str:
    return f"{text} For operators who are superusers, by the dashboard's session: no key may ask."


_of: Any = admin.managing("Operators", Scope.AUDIT_READ, Scope.ANY, samples=(FORBIDDEN,))

ENDPOINTS = (
    _of(
        "listAccounts",
        "GET",
        "/v1/operations/accounts",
        summary="List accounts",
        description=_words("All of the installation, oldest first."),
        parse=parse_page,
        run=list_accounts,
        query=PageQuery,
        response=TenantsOut,
    ),
    _of(
        "createAccount",
        "POST",
        "/v1/operations/accounts",
        summary="Make an account",
        description=_words("You become its owner, so that you can invite others."),
        parse=parse_account,
        run=create_account,
        status=201,
        request=NewAccountIn,
        response=TenantOut,
        example={"name": "Acme", "plan": "default"},
        errors=(Code.CONFLICT, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _of(
        "updateAccount",
        "PATCH",
        "/v1/operations/accounts/{id}",
        summary="Change an account",
        description=_words(
            "Its plan, or whether it is on: of one that is off, keys are refused "
            "and nothing is sent."
        ),
        parse=parse_account_changes,
        run=update_account,
        request=AccountChangesIn,
        response=TenantOut,
        example={"plan": "default"},
        errors=(Code.CONFLICT, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _of(
        "listAllOperators",
        "GET",
        "/v1/operations/operators",
        summary="List all operators",
        description=_words("All of the installation, oldest first, with what they work for."),
        parse=parse_page,
        run=list_operators,
        query=PageQuery,
        response=OperatorsOut,
    ),
    _of(
        "switchOperator",
        "PATCH",
        "/v1/operations/operators/{id}",
        summary="Let an operator sign in, or not",
        description=_words("Whoever may not has no session any more, in any account."),
        parse=parse_operator_changes,
        run=update_operator,
        request=OperatorChangesIn,
        response=OperatorOut,
        example={"enabled": False},
        errors=(Code.CONFLICT, Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
