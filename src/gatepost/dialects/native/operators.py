"""`/v1/operators` and `/v1/invitations`: who signs in to the dashboard for an account."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import InvitationId, OperatorId
from gatepost.dialects.native import admin, installation
from gatepost.dialects.native.admin import DeletedOut, PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.operatorwire import (
    InvitationOut,
    InvitationsOut,
    InvitedOut,
    MemberChangesIn,
    MemberOut,
    MembersOut,
    NewInvitationIn,
    show,
    show_invitation,
    show_invited,
)
from gatepost.domains.operators import invitations, model, store
from gatepost.domains.operators.model import Member, Role
from gatepost.engine import letters, members
from gatepost.engine.members import By, Invited
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body

_invitation_body = Body(NewInvitationIn)
_changes_body = Body(MemberChangesIn)


class Change(msgspec.Struct, frozen=True):
    """What to change of which operator."""

    operator_id: OperatorId
    changes: MemberChangesIn


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID, and FORBIDDEN for a key that is bound."""
    _check_unbound(call)
    return admin.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's operators."""
    before, limit = command
    found = store.members(tx, call.caller.account_id, before=before, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.membership.id)
    return ok(call, MembersOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> OperatorId:
    """Read the id in the path; raises NOT_FOUND."""
    _check_unbound(call)
    return OperatorId(ids.parse("operator", call.params["id"]))


def get(tx: Tx, call: Call, operator_id: OperatorId) -> Reply:
    """Read one operator."""
    return ok(call, show(store.member(tx, call.caller.account_id, operator_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    return Change(parse_id(call, body), _changes_body.decode(body))


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change an operator's role, or whether they may sign in."""
    by, account_id, wanted = _by(tx, call), call.caller.account_id, command.changes
    one = store.member(tx, account_id, command.operator_id)
    if wanted.enabled is not UNSET:
        changed = installation.set_enabled(tx, call, one.operator, enabled=bool(wanted.enabled))
        one = Member(one.membership, changed)
    if isinstance(wanted.role, Role):
        one = members.set_role(tx, account_id, command.operator_id, wanted.role, by)
    admin.changed(tx, call)
    return ok(call, show(one))


def delete(tx: Tx, call: Call, operator_id: OperatorId) -> Reply:
    """End a membership."""
    gone = members.remove(tx, call.caller.account_id, operator_id, _by(tx, call))
    admin.changed(tx, call)
    return ok(call, DeletedOut(ids.show("operator", operator_id), gone.operator.name))


def list_invitations(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the account's invitations."""
    before, limit = command
    found = invitations.list_(tx, call.caller.account_id, before=before, limit=limit + 1)
    page = paging.page(found, limit, lambda one: one.id)
    shown = [show_invitation(one, call.now) for one in page.rows]
    return ok(call, InvitationsOut(shown, page.next_cursor))


def parse_new(call: Call, body: bytes) -> NewInvitationIn:
    """Read whom to invite; raises INVALID."""
    _check_unbound(call)
    given: NewInvitationIn = _invitation_body.decode(body)
    model.read_email(given.email)
    return given


def create(tx: Tx, call: Call, command: NewInvitationIn) -> Reply:
    """Invite somebody."""
    account_id, by = call.caller.account_id, _by(tx, call)
    return _invited(tx, call, members.invite(tx, account_id, command.email, command.role, by), 201)


def parse_invitation(call: Call, _body: bytes) -> InvitationId:
    """Read the id in the path; raises NOT_FOUND."""
    _check_unbound(call)
    return InvitationId(ids.parse("invitation", call.params["id"]))


def get_invitation(tx: Tx, call: Call, invitation_id: InvitationId) -> Reply:
    """Read one invitation."""
    found = invitations.get(tx, call.caller.account_id, invitation_id)
    return ok(call, show_invitation(found, call.now))


def resend(tx: Tx, call: Call, invitation_id: InvitationId) -> Reply:
    """Invite somebody once more."""
    by = _by(tx, call)
    return _invited(tx, call, members.resend(tx, call.caller.account_id, invitation_id, by), 200)


def withdraw(tx: Tx, call: Call, invitation_id: InvitationId) -> Reply:
    """Take an invitation back."""
    by = _by(tx, call)
    gone = members.withdraw(tx, call.caller.account_id, invitation_id, by)
    return ok(call, DeletedOut(ids.show("invitation", gone.id), gone.email))


def _invited(tx: Tx, call: Call, made: Invited, status: int) -> Reply:
    tx.after_commit(call.services.due)
    settings = call.services.settings
    link = None if settings.smtp_url else letters.link(settings, made.secret)
    shown = show_invited(made.invitation, link, call.now)
    return ok(call, shown, status, secret=True, about=shown.id)


def _by(tx: Tx, call: Call) -> By:
    services = call.services
    grantor = admin.grantor(tx, call)
    return By(call.actor, grantor, call.now, services.settings, services.pepper)


def _check_unbound(call: Call) -> None:
    """Raise FORBIDDEN for a key that is bound to a part of the account: operators are of all."""
    call.check_unbound()
    if call.caller.project_id is not None:
        raise AppError(Code.FORBIDDEN, "This key belongs to one project, operators to all of them")


_endpoint = admin.managing("Operators", Scope.OPERATORS_READ, Scope.OPERATORS_WRITE)

ENDPOINTS = (
    _endpoint(
        "listOperators",
        "GET",
        "/v1/operators",
        summary="List operators",
        description="People who sign in to the dashboard for this account, latest first.",
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=MembersOut,
    ),
    _endpoint(
        "getOperator",
        "GET",
        "/v1/operators/{id}",
        summary="Read an operator",
        parse=parse_id,
        run=get,
        response=MemberOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateOperator",
        "PATCH",
        "/v1/operators/{id}",
        summary="Change an operator",
        description="The role: keys change it as admins do, of members and viewers. The last owner "
        "stays one. And whether they may sign in.",
        parse=parse_changes,
        run=update,
        request=MemberChangesIn,
        response=MemberOut,
        example={"role": "member"},
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteOperator",
        "DELETE",
        "/v1/operators/{id}",
        summary="Remove an operator",
        description="Ends the membership of this account, at once. The last owner stays.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "createInvitation",
        "POST",
        "/v1/invitations",
        summary="Invite an operator",
        description="Sends a mail with a link that opens once, within seven days. The reply has "
        "the link as well, this once, where no mail server is set.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewInvitationIn,
        response=InvitedOut,
        example={"email": "jane@example.com", "role": "member"},
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listInvitations",
        "GET",
        "/v1/invitations",
        summary="List invitations",
        description="Those that were not accepted, newest first.",
        parse=parse_page,
        run=list_invitations,
        query=PageQuery,
        response=InvitationsOut,
    ),
    _endpoint(
        "getInvitation",
        "GET",
        "/v1/invitations/{id}",
        summary="Read an invitation",
        parse=parse_invitation,
        run=get_invitation,
        response=InvitationOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "resendInvitation",
        "POST",
        "/v1/invitations/{id}/resend",
        summary="Invite once more",
        description="Sends a new link for another seven days; the one before does not open any "
        "more.",
        parse=parse_invitation,
        run=resend,
        response=InvitedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteInvitation",
        "DELETE",
        "/v1/invitations/{id}",
        summary="Withdraw an invitation",
        parse=parse_invitation,
        run=withdraw,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
