"""The members of an account, and who is invited."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.routes import Section, action, page
from gatepost.dashboard.visit import Visit
from gatepost.domains.operators.model import Role
from gatepost.gate.scopes import Scope

PAGE = 100
ROLES = {
    Role.VIEWER: "Viewer: reads everything",
    Role.MEMBER: "Member: also sends, and changes what is sent",
    Role.ADMIN: "Admin: everything but owners and admins",
    Role.OWNER: "Owner: everything",
}


async def show(visit: Visit) -> Response:
    """Show who there is."""
    return await _page(visit, Form.starting({"role": Role.MEMBER}))


async def invite(visit: Visit) -> Response:
    """Invite somebody; the page that follows has the link."""
    form = visit.form
    wanted = {"email": form.get("email"), "role": form.get("role")}
    try:
        made = await visit.api.send("POST", "/v1/invitations", wanted, once=form.once)
    except Refused as why:
        return await _page(visit, form.refused(why), status=why.status)
    return await _page(visit, Form.starting({"role": Role.MEMBER}), made)


async def resend(visit: Visit) -> Response:
    """Invite somebody once more."""
    where = at("/v1/invitations", visit.form.get("id"), "resend")
    try:
        made = await visit.api.send("POST", where, once=visit.form.once)
    except Refused as why:
        return visit.redirect(visit.url("members"), why.detail, "problem")
    return await _page(visit, Form.starting({"role": Role.MEMBER}), made)


async def withdraw(visit: Visit) -> Response:
    """Take an invitation back."""
    where = at("/v1/invitations", visit.form.get("id"))
    return await _done(visit, "DELETE", where, None, "The invitation is withdrawn.")


async def change(visit: Visit) -> Response:
    """Change a role."""
    where, role = at("/v1/operators", visit.form.get("id")), visit.form.get("role")
    return await _done(visit, "PATCH", where, {"role": role}, "The role is changed.")


async def remove(visit: Visit) -> Response:
    """End a membership."""
    where = at("/v1/operators", visit.form.get("id"))
    return await _done(visit, "DELETE", where, None, "They are no member any more.")


async def _done(visit: Visit, method: str, where: str, body: object, words: str) -> Response:
    try:
        await visit.api.send(method, where, body, once=visit.form.once)
    except Refused as why:
        return visit.redirect(visit.url("members"), why.detail, "problem")
    return visit.redirect(visit.url("members"), words)


async def _page(
    visit: Visit, form: Form, made: dict[str, object] | None = None, status: int = 200
) -> Response:
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    people, invited = await asyncio.gather(
        visit.api.page("/v1/operators", "operators", query),
        visit.api.page("/v1/invitations", "invitations", {"limit": PAGE}),
    )
    mine = Role(visit.account.role)
    below = [role for role in Role if mine is Role.OWNER or role.rank < Role.ADMIN.rank]
    return visit.page(
        "access/members.html",
        status,
        people=people,
        invited=invited.items,
        form=form,
        made=made,
        roles=[(role.value, ROLES[role]) for role in below],
        grants=[role.value for role in below],
        may_change=visit.api.may(Scope.OPERATORS_WRITE),
    )


SECTION = Section(
    name="members",
    title="Members",
    icon="people",
    shortcut="m",
    scope=Scope.OPERATORS_READ,
    routes=(
        page("/members", show),
        action("/members/invite", invite),
        action("/members/resend", resend),
        action("/members/withdraw", withdraw),
        action("/members/role", change),
        action("/members/remove", remove),
    ),
)
