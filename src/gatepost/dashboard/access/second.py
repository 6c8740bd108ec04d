"""The second factor of operators: switched on with a picture and a code, and off again."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.base.errors import AppError
from gatepost.dashboard.access import common, you
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.engine import access
from gatepost.gate import otp

REFUSED = 400
WRONG = "That is not the code of this moment. Check the clock of your device, and try the next one."


async def show(visit: Visit) -> Response:
    """Show a new secret, as a picture and in letters; it counts when a code of it comes back."""
    if visit.operator.operator.has_second_factor:
        return visit.redirect(you.HERE)
    return _page(visit, Form.starting({"secret": otp.new()}))


async def switch_on(visit: Visit) -> Response:
    """Switch it on, and show the recovery codes, this once."""
    services, operator, form = visit.services, visit.operator.operator, visit.form
    if operator.has_second_factor:
        return visit.redirect(you.HERE)
    now, secret = services.clock(), form.get("secret")
    try:
        await you.confirm(visit, form.get("current"))
    except AppError as why:
        again = common.refused(form.clean("current", "code"), why)
        return _page(visit, again, common.status_of(why))
    step = otp.step_of(secret, form.get("code"), now) if otp.is_secret(secret) else None
    if step is None:
        return _page(visit, form.clean("current", "code").wrong("code", WRONG), REFUSED)
    pepper, address = services.pepper, common.visitor(visit).address
    codes = await services.database.write(
        lambda tx: access.switch_on(
            tx, operator, secret, step, pepper=pepper, address=address, now=now
        )
    )
    services.revoked()
    return visit.page("access/codes.html", codes=codes, fresh=True)


async def switch_off(visit: Visit) -> Response:
    """Switch it off, with one's password."""
    services, operator = visit.services, visit.operator.operator
    try:
        await you.confirm(visit, visit.form.get("current"))
    except AppError as why:
        again = common.refused(visit.form.clean("current"), why)
        return await you.page(visit, common.status_of(why), off=again)
    actor, now = access.actor_of(operator, common.visitor(visit).address), services.clock()
    await services.database.write(lambda tx: access.switch_off(tx, operator, actor, now))
    services.revoked()
    return visit.redirect(you.HERE, "The second factor is off.")


async def renew(visit: Visit) -> Response:
    """Make new recovery codes, with one's password, and show them this once."""
    services, operator = visit.services, visit.operator.operator
    try:
        await you.confirm(visit, visit.form.get("current"))
    except AppError as why:
        again = common.refused(visit.form.clean("current"), why)
        return await you.page(visit, common.status_of(why), off=again)
    pepper, address, now = services.pepper, common.visitor(visit).address, services.clock()
    codes = await services.database.write(
        lambda tx: access.renew_codes(tx, operator, pepper=pepper, address=address, now=now)
    )
    return visit.page("access/codes.html", codes=codes, fresh=False)


def _page(visit: Visit, form: Form, status: int = 200) -> Response:
    secret = form.get("secret") if otp.is_secret(form.get("secret")) else otp.new()
    shown = Form.starting({"secret": secret})
    shown.problem, shown.problems = form.problem, form.problems
    picture = otp.picture(secret, visit.operator.operator.email)
    return visit.page("access/second.html", status, form=shown, secret=secret, picture=picture)
