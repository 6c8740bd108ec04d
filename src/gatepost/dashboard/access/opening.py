"""Links that open once: the first operator's, those for a new password, invitations."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from starlette.responses import Response

from gatepost.base.errors import AppError, Code
from gatepost.dashboard.access import common
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.domains.accounts import store as accounts
from gatepost.domains.operators import model, store
from gatepost.domains.operators.model import Invitation, Link, Operator, Purpose
from gatepost.engine import access, members
from gatepost.storage.db import Tx


class Opened(msgspec.Struct, frozen=True):
    """What a link is for. `operator` is whose it is, where there is one already."""

    link: Link | None
    invitation: Invitation | None
    operator: Operator | None
    account: str

    @property
    def founds(self) -> bool:
        """Whether it makes the first operator."""
        return self.link is not None and self.link.purpose is Purpose.FOUND

    @property
    def email(self) -> str:
        """Whose it is; "" where that is not said."""
        if self.invitation is not None:
            return self.invitation.email
        return "" if self.operator is None else self.operator.email


class _Given(NamedTuple):
    """Who it is, as far as the form says so, with the password's hash."""

    email: str
    name: str
    hashed: str


async def show(visit: Visit) -> Response:
    """Show what it is for; looking at it does not use it up."""
    opened = await _look(visit)
    name = "" if opened.operator is None else opened.operator.name
    return _page(visit, opened, Form.starting({"name": name}))


async def submit(visit: Visit) -> Response:
    """Use it up."""
    opened, form = await _look(visit), visit.form
    try:
        if opened.invitation is not None and opened.operator is not None:
            return await _accept(visit, opened.operator)
        await common.limit_address(visit, "open")
        given = await _read(visit, opened)
        operator = await visit.services.database.write(lambda tx: _use(tx, visit, opened, given))
    except AppError as why:
        if why.code is Code.NOT_FOUND:
            raise
        return _page(visit, opened, common.refused(form, why), common.status_of(why))
    visit.services.revoked()
    passed = not operator.has_second_factor
    return await common.enter(visit, operator, passed=passed, where="/dashboard")


async def _accept(visit: Visit, operator: Operator) -> Response:
    """An operator who is signed in becomes a member."""
    signed_in = visit.signed_in
    if signed_in is None or not signed_in.passed or signed_in.operator.id != operator.id:
        raise AppError(Code.FORBIDDEN, "Sign in first, as whom the invitation is for.")
    services, who = visit.services, common.visitor(visit)
    pepper, now, secret = services.pepper, services.clock(), visit.path["token"]
    await services.database.write(
        lambda tx: members.accept(tx, secret, operator, pepper=pepper, address=who.address, now=now)
    )
    services.revoked()
    return visit.redirect("/dashboard", "Welcome: you are a member now.")


async def _look(visit: Visit) -> Opened:
    """What the link in the path opens; raises NOT_FOUND."""
    pepper, now, secret = visit.services.pepper, visit.services.clock(), visit.path["token"]
    found = await visit.services.database.read(lambda tx: _find(tx, secret, pepper, now))
    if found is None:
        raise AppError(Code.NOT_FOUND, access.GONE)
    return found


def _find(tx: Tx, secret: str, pepper: bytes, now: int) -> Opened | None:
    found = access.find_link(tx, secret, pepper, now)
    if found is not None:
        link, operator = found
        return Opened(link, None, operator, "")
    invitation = members.find_invitation(tx, secret, pepper, now)
    if invitation is None:
        return None
    account = accounts.get(tx, invitation.account_id)
    return Opened(None, invitation, store.find_by_email(tx, invitation.email), account.name)


async def _read(visit: Visit, opened: Opened) -> _Given:
    """Check what was typed, then hash the password; raises INVALID."""
    form = visit.form
    email = model.read_email(form.get("email")) if opened.founds else opened.email
    name = model.read_name(form.get("name"))
    password = form.get("password")
    model.check_password(password, email, name)
    return _Given(email, name, await visit.services.operators.passwords.hash(password))


def _use(tx: Tx, visit: Visit, opened: Opened, given: _Given) -> Operator:
    services, address = visit.services, common.visitor(visit).address
    pepper, now, secret = services.pepper, services.clock(), visit.path["token"]
    if opened.founds:
        return access.found(
            tx,
            secret,
            given.email,
            given.name,
            given.hashed,
            pepper=pepper,
            address=address,
            now=now,
        )
    if opened.invitation is None:
        return access.set_by_link(
            tx, secret, given.name, given.hashed, pepper=pepper, address=address, now=now
        )
    store.hold(tx)
    if store.find_by_email(tx, given.email) is not None:
        raise AppError(Code.NOT_FOUND, access.GONE)
    operator = access.add(tx, given.email, given.name, given.hashed, now=now)
    members.accept(tx, secret, operator, pepper=pepper, address=address, now=now)
    return operator


def _page(visit: Visit, opened: Opened, form: Form, status: int = 200) -> Response:
    signed_in = visit.signed_in
    here = signed_in.operator if signed_in is not None and signed_in.passed else None
    mine = here is not None and opened.operator is not None and here.id == opened.operator.id
    return visit.page("access/open.html", status, opened=opened, form=form, here=here, mine=mine)
