"""Signing in with address and password, and signing out."""

from __future__ import annotations

from typing import NamedTuple

from starlette.background import BackgroundTask
from starlette.responses import Response

from gatepost.base.errors import AppError
from gatepost.dashboard import session
from gatepost.dashboard.access import common
from gatepost.dashboard.access.common import BY_EMAIL, BY_PAIR
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.domains.operators import model, store
from gatepost.domains.operators.model import Operator
from gatepost.engine import access
from gatepost.storage.db import Tx

WRONG = "No operator has this address and password."
REFUSED = 401


class Found(NamedTuple):
    """Whom an address belongs to, and the hash of their password."""

    operator: Operator
    hashed: str | None


async def show(visit: Visit) -> Response:
    """Show the form; whoever is signed in already goes on."""
    where = session.safe_next(visit.query.get("next"))
    if visit.signed_in is not None and visit.signed_in.passed:
        return visit.redirect(where)
    return _page(visit, Form.starting({"next": where}))


async def submit(visit: Visit) -> Response:
    """Compare address and password. Whatever is wrong, the answer and its time are the same."""
    form, services = visit.form, visit.services
    try:
        email = await _charged(visit, form.get("email"))
        found = await services.database.read(lambda tx: _find(tx, email))
        hashed = None if found is None else found.hashed
        right = await services.operators.passwords.matches(form.get("password"), hashed)
    except AppError as why:
        return _page(visit, common.refused(form, why), common.status_of(why))
    if found is None or not right or not found.operator.enabled:
        page = _page(visit, form.refuse(WRONG), REFUSED)
        return common.later(page, BackgroundTask(_note, visit, found))
    passed, where = not found.operator.has_second_factor, session.safe_next(form.get("next"))
    return await common.enter(visit, found.operator, passed=passed, where=where)


async def leave(visit: Visit) -> Response:
    """End this session."""
    services, signed_in = visit.services, visit.operator
    who, now = common.visitor(visit), services.clock()
    operator, session_id = signed_in.operator, signed_in.session_id
    await services.database.write(
        lambda tx: access.sign_out(tx, operator, session_id, who.address, now)
    )
    services.revoked()
    response = visit.redirect(session.SIGN_IN, "You are signed out.")
    common.drop_cookie(visit, response)
    return response


async def _charged(visit: Visit, text: str) -> str:
    """The address in normal form, "" for none; raises THROTTLED."""
    await common.limit_address(visit, "sign-in")
    try:
        email = model.read_email(text)
    except AppError:
        return ""
    who = common.visitor(visit)
    await common.limit(visit, f"sign-in:{email}:{who.address}", BY_PAIR)
    await common.limit(visit, f"sign-in:{email}", BY_EMAIL)
    return email


def _find(tx: Tx, email: str) -> Found | None:
    operator = store.find_by_email(tx, email)
    return None if operator is None else Found(operator, store.password(tx, operator.id))


async def _note(visit: Visit, found: Found | None) -> None:
    """Tell the accounts of whoever it was not; nobody waits for that."""
    if found is None:
        return
    who, now, operator = common.visitor(visit), visit.services.clock(), found.operator
    await visit.services.database.write(
        lambda tx: access.failed(tx, operator, who, "password", now)
    )


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    provider = visit.services.settings.oidc_name if visit.services.settings.oidc_issuer else ""
    return visit.page("access/sign_in.html", status, form=form, provider=provider)
