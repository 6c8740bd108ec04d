"""The second step of signing in: a code of the authenticator, or a recovery code."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from gatepost.base.errors import AppError
from gatepost.dashboard import session
from gatepost.dashboard.access import common
from gatepost.dashboard.access.common import BY_CODE
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import SEE_OTHER, Visit
from gatepost.domains.operators import store
from gatepost.domains.operators.model import Operator
from gatepost.engine import access
from gatepost.gate import otp
from gatepost.storage.db import Tx

WRONG = "That is no code, or it was used already. Wait for the next one."
REFUSED = 401


async def show(visit: Visit) -> Response:
    """Show the form to a session that waits for it."""
    where = session.safe_next(visit.query.get("next"))
    elsewhere = _elsewhere(visit, where)
    return elsewhere or visit.page("access/code.html", form=Form.starting({"next": where}))


async def submit(visit: Visit) -> Response:
    """Use a code up; the session that follows has a secret of its own."""
    form, where = visit.form, session.safe_next(visit.form.get("next"))
    elsewhere = _elsewhere(visit, where)
    if elsewhere is not None:
        return elsewhere
    operator, given = visit.operator.operator, form.get("code")
    try:
        await common.limit(visit, f"code:{operator.id.hex()}", BY_CODE)
    except AppError as why:
        again = common.refused(form.clean("code"), why)
        return visit.page("access/code.html", common.status_of(why), form=again)
    now, pepper = visit.services.clock(), visit.services.pepper
    right = await visit.services.database.write(lambda tx: use(tx, operator, given, pepper, now))
    if right:
        return await common.enter(visit, operator, passed=True, where=where)
    page = visit.page("access/code.html", REFUSED, form=form.clean("code").refuse(WRONG))
    return common.later(page, BackgroundTask(_note, visit, operator))


def use(tx: Tx, operator: Operator, code: str, pepper: bytes, now: int) -> bool:
    """Whether a code is right and was not used before; then it is used now."""
    secret = access.second_factor(tx, operator.id, pepper)
    if secret is None:
        return False
    step = otp.step_of(secret, code, now)
    if step is not None:
        return store.use_step(tx, operator.id, step)
    return access.use_recovery_code(tx, operator, code, pepper)


def _elsewhere(visit: Visit, where: str) -> Response | None:
    """Where somebody belongs who does not wait for this."""
    if visit.signed_in is None:
        return RedirectResponse(session.SIGN_IN, SEE_OTHER)
    return RedirectResponse(where, SEE_OTHER) if visit.signed_in.passed else None


async def _note(visit: Visit, operator: Operator) -> None:
    who, now = common.visitor(visit), visit.services.clock()
    await visit.services.database.write(lambda tx: access.failed(tx, operator, who, "code", now))
