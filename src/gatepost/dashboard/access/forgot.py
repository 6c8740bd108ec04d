"""A new password by mail, for whoever has forgotten theirs."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.responses import Response

from gatepost.base.errors import AppError
from gatepost.dashboard.access import common
from gatepost.dashboard.access.common import MAILS
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.domains.audit.model import Actor
from gatepost.domains.operators import model, store
from gatepost.engine import access, letters
from gatepost.storage.db import Tx


async def show(visit: Visit) -> Response:
    """Show the form."""
    return visit.page("access/forgot.html", form=Form(), asked="")


async def submit(visit: Visit) -> Response:
    """Send a mail, if there is such an operator; the answer does not tell."""
    form = visit.form
    try:
        await common.limit_address(visit, "forgot")
        email = model.read_email(form.get("email"))
    except AppError as why:
        again = common.refused(form, why)
        return visit.page("access/forgot.html", common.status_of(why), form=again, asked="")
    page = visit.page("access/forgot.html", form=form, asked=email)
    return common.later(page, BackgroundTask(_send, visit, email))


async def _send(visit: Visit, email: str) -> None:
    services, who = visit.services, common.visitor(visit)
    try:
        await common.limit(visit, f"forgot:{email}", MAILS)
    except AppError:
        return  # there are enough of them in the mailbox
    actor, now = Actor("system", "", "forgotten password", who.address), services.clock()
    if await services.database.write(lambda tx: _write(tx, visit, email, actor, now)):
        services.due()


def _write(tx: Tx, visit: Visit, email: str, actor: Actor, now: int) -> bool:
    services, operator = visit.services, store.find_by_email(tx, email)
    if operator is None or not operator.enabled:
        return False
    secret = access.password_link(tx, operator, services.pepper, actor, now)
    letters.reset(tx, services.settings, operator.email, secret, now)
    return True
