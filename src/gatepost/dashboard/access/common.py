"""What the pages of access have in common: cookies, addresses, limits, refusals in forms."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.responses import Response

from gatepost.base.clock import SECOND_MS
from gatepost.base.errors import AppError
from gatepost.dashboard import session
from gatepost.dashboard.desk import Problem, Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.domains.operators import model
from gatepost.domains.operators.model import Operator
from gatepost.engine import access
from gatepost.engine.access import Opened, Visitor
from gatepost.gate.admit import throttled
from gatepost.limiter.contract import Window
from gatepost.storage.db import Tx
from gatepost.web import address as addresses
from gatepost.web.statuses import STATUSES

CODE = "/dashboard/sign-in/code"
MINUTE_S = 60
BY_PAIR = Window("sign-in", 10, 10 * MINUTE_S)
"""Tries for one account from one address."""
BY_EMAIL = Window("sign-in", 100, 60 * MINUTE_S)
"""Tries for one account from anywhere: nobody is locked out by somebody else so soon."""
BY_CODE = Window("code", 8, 10 * MINUTE_S)
MAILS = Window("reset", 3, 60 * MINUTE_S)


def visitor(visit: Visit) -> Visitor:
    """Where a visit comes from."""
    scope = visit.request.scope
    networks = visit.services.settings.networks()
    found = addresses.of(scope, dict(scope["headers"]), networks)
    return Visitor(found, visit.request.headers.get("user-agent", ""))


async def limit(visit: Visit, name: str, window: Window) -> None:
    """Charge a try; raises THROTTLED."""
    verdict = await visit.services.admission.hit([(f"{{{name}}}", window)])
    if not verdict.admitted:
        detail = "Too many tries. Wait a few minutes, then try again."
        raise throttled(verdict, detail, visit.services.clock())


async def limit_address(visit: Visit, of: str) -> None:
    """Charge a try to the address it comes from; raises THROTTLED."""
    window = Window("sign-in", visit.services.settings.sign_ins_per_minute, MINUTE_S)
    await limit(visit, f"{of}:{visitor(visit).address}", window)


def refused(form: Form, why: AppError) -> Form:
    """A form with what the rules of operators refuse."""
    fields = tuple(Problem(one.path, one.message) for one in why.fields)
    detail = why.detail if not fields else "Something in the form is not right."
    return form.refused(Refused(STATUSES[why.code], str(why.code), detail, fields))


def status_of(why: AppError) -> int:
    """The status of the page that says so."""
    return STATUSES[why.code]


async def enter(visit: Visit, operator: Operator, *, passed: bool, where: str) -> Response:
    """Begin a session with a secret of its own, and go on: to the second factor, or to a page."""
    now, pepper = visit.services.clock(), visit.services.pepper
    who, before = visitor(visit), visit.signed_in
    mine = before is not None and before.operator.id == operator.id
    old = before.session_id if before is not None and mine else None

    def work(tx: Tx) -> Opened:
        return access.sign_in(tx, operator, who, pepper=pepper, now=now, passed=passed, before=old)

    opened = await visit.services.database.write(work)
    visit.services.operators.forget()
    target = where if passed else f"{CODE}?next={session.quoted(where)}"
    response = visit.redirect(target)
    set_cookie(visit, response, opened)
    return response


def set_cookie(visit: Visit, response: Response, opened: Opened) -> None:
    """Give the browser a session's secret."""
    response.set_cookie(
        session.COOKIE,
        opened.secret,
        max_age=model.LASTS_MS // SECOND_MS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=visit.secure,
    )


def drop_cookie(visit: Visit, response: Response) -> None:
    """Take it away."""
    response.delete_cookie(
        session.COOKIE, path="/", httponly=True, samesite="lax", secure=visit.secure
    )


def later(response: Response, task: BackgroundTask) -> Response:
    """Answer first: how long something takes tells nobody anything."""
    response.background = task
    return response
