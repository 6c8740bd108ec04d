"""What operators do about themselves: name, password, sessions, accounts."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.base import clock, ids
from gatepost.base.errors import AppError, Code, invalid, not_found
from gatepost.base.ids import AccountId, SessionId
from gatepost.dashboard import session
from gatepost.dashboard.access import common
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.domains.operators import model, sessions, store
from gatepost.domains.operators.model import Session
from gatepost.engine import access, keyring, members
from gatepost.engine.members import By
from gatepost.storage.db import Tx

HERE = "/dashboard/you"


async def show(visit: Visit) -> Response:
    """Show all of it."""
    return await page(visit)


async def rename(visit: Visit) -> Response:
    """Change one's name."""
    services, operator, name = visit.services, visit.operator.operator, visit.form.get("name")
    address, now = common.visitor(visit).address, services.clock()
    try:
        await services.database.write(lambda tx: access.rename(tx, operator, name, address, now))
    except AppError as why:
        return await page(visit, common.status_of(why), name=common.refused(visit.form, why))
    services.revoked()
    return visit.redirect(HERE, "Your name is changed.")


async def password(visit: Visit) -> Response:
    """Change one's password with the one there is; other sessions end."""
    services, signed_in, form = visit.services, visit.operator, visit.form
    operator, new = signed_in.operator, form.get("password")
    address, now = common.visitor(visit).address, services.clock()
    try:
        await confirm(visit, form.get("current"))
        model.check_password(new, operator.email, operator.name)
        hashed = await services.operators.passwords.hash(new)
    except AppError as why:
        again = common.refused(form.clean("current", "password"), why)
        return await page(visit, common.status_of(why), password=again)
    await services.database.write(
        lambda tx: access.change_password(tx, operator, hashed, signed_in.session_id, address, now)
    )
    services.revoked()
    return visit.redirect(HERE, "Your password is changed. Other sessions have ended.")


async def confirm(visit: Visit, given: str, field: str = "current") -> None:
    """Compare one's own password once more; raises INVALID and THROTTLED."""
    services, operator_id = visit.services, visit.operator.operator.id
    await common.limit(visit, f"confirm:{operator_id.hex()}", common.BY_PAIR)
    hashed = await services.database.read(lambda tx: store.password(tx, operator_id))
    if not await services.operators.passwords.matches(given, hashed):
        raise invalid(([field], "That is not your password"))


async def end_session(visit: Visit) -> Response:
    """End one session."""
    services, signed_in = visit.services, visit.operator
    operator, wanted = signed_in.operator, SessionId(ids.parse("session", visit.form.get("id")))
    actor = access.actor_of(operator, common.visitor(visit).address)
    now = services.clock()
    await services.database.write(lambda tx: access.end_session(tx, operator, wanted, actor, now))
    services.revoked()
    return visit.redirect(HERE, "That session has ended.")


async def end_others(visit: Visit) -> Response:
    """End all sessions but this one."""
    services, signed_in = visit.services, visit.operator
    operator, mine, now = signed_in.operator, signed_in.session_id, services.clock()
    actor = access.actor_of(operator, common.visitor(visit).address)
    await services.database.write(lambda tx: access.end_sessions(tx, operator, actor, now, mine))
    services.revoked()
    return visit.redirect(HERE, "All other sessions have ended.")


async def leave(visit: Visit) -> Response:
    """End one's own membership of an account."""
    services, operator = visit.services, visit.operator.operator
    account_id = AccountId(ids.parse("account", visit.form.get("id")))
    mine = next((one for one in visit.operator.memberships if one.account_id == account_id), None)
    if mine is None:
        raise not_found("account with this id")
    actor, now = access.actor_of(operator, common.visitor(visit).address), services.clock()

    def work(tx: Tx) -> None:
        key_id = ids.KeyId(mine.membership_id)
        grantor = keyring.grantor_of(tx, account_id, key_id, now)
        by = By(actor, grantor, now, services.settings, services.pepper)
        members.remove(tx, account_id, operator.id, by)

    try:
        await services.database.write(work)
    except AppError as why:
        if why.code is not Code.CONFLICT:
            raise
        return visit.redirect(HERE, why.detail, "problem")
    services.revoked()
    return visit.redirect(HERE, f"You have left {mine.account_name}.")


async def page(visit: Visit, status: int = 200, **forms: Form) -> Response:
    """The page with its forms, as they were sent or as they begin."""
    services, signed_in = visit.services, visit.operator
    operator, now = signed_in.operator, services.clock()

    def look(tx: Tx) -> tuple[list[Session], int]:
        return sessions.list_(tx, operator.id, now), store.count_codes(tx, operator.id)

    open_, codes = await services.database.read(look)
    usual = {"name": Form.starting({"name": operator.name}), "password": Form(), "off": Form()}
    return visit.page(
        "access/you.html",
        status,
        operator=operator,
        sessions=[_shown(one, signed_in.session_id) for one in open_],
        codes=codes,
        forms_=usual | forms,
        accounts=visit.accounts,
        back=session.HOME,
    )


def _shown(one: Session, mine: SessionId) -> dict[str, object]:
    return {
        "id": ids.show("session", one.id),
        "here": one.id == mine,
        "agent": one.agent,
        "address": one.address,
        "since": clock.iso(one.created_at),
        "seen": clock.iso(one.seen_at),
    }
