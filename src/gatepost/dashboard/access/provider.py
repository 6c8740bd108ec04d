"""Signing in at a provider of OpenID Connect: there and back."""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec
from starlette.responses import RedirectResponse, Response

from gatepost.base.clock import MINUTE_MS, SECOND_MS
from gatepost.base.errors import AppError, Code
from gatepost.base.vault import Damaged, Vault
from gatepost.dashboard import session
from gatepost.dashboard.access import common
from gatepost.dashboard.visit import SEE_OTHER, Visit
from gatepost.delivery.oidc import Asking, Proved, Provider
from gatepost.domains.operators import model, store
from gatepost.domains.operators.model import Operator
from gatepost.engine import members
from gatepost.storage.db import Tx

COOKIE = "gatepost_provider"
PATH = "/dashboard/sign-in"
LASTS_MS = 10 * MINUTE_MS
OWNER = b"sign-in"
STALE = "That took too long, or began in another browser: sign in again."
NOBODY = "Nobody with your address is an operator here, or invited."


async def begin(visit: Visit) -> Response:
    """Send the browser there, and let it remember that it asked."""
    provider = _provider(visit)
    await common.limit_address(visit, "provider")
    now = visit.services.clock()
    where, asking = await provider.begin(session.safe_next(visit.query.get("next")), now)
    response = RedirectResponse(where, SEE_OTHER)
    response.set_cookie(
        COOKIE,
        _sealed(visit, asking),
        max_age=LASTS_MS // SECOND_MS,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=visit.secure,
    )
    return response


async def end(visit: Visit) -> Response:
    """Take it back; who it is must be an operator, or invited."""
    provider, asking = _provider(visit), _remembered(visit)
    state, code = visit.query.get("state"), visit.query.get("code")
    if asking is None or not hmac.compare_digest(state.encode(), asking.state.encode()):
        raise AppError(Code.FORBIDDEN, STALE)
    if not code:
        raise AppError(Code.FORBIDDEN, "The provider did not let you in.")
    one = await provider.redeem(code, asking)
    operator = await _known(visit, one)
    if operator is None:
        raise AppError(Code.FORBIDDEN, NOBODY)
    passed = not operator.has_second_factor
    response = await common.enter(visit, operator, passed=passed, where=asking.next)
    response.delete_cookie(COOKIE, path=PATH)
    return response


async def _known(visit: Visit, one: Proved) -> Operator | None:
    """The operator of an address; whoever is invited becomes one."""
    services, address = visit.services, common.visitor(visit).address
    try:
        email = model.read_email(one.email)
    except AppError:
        return None
    name = _name(one, email)

    def work(tx: Tx) -> tuple[Operator | None, bool]:
        known = store.find_by_email(tx, email)
        if known is not None:
            return (known if known.enabled else None), False
        return members.accept_all(tx, email, name, address, services.clock()), True

    operator, new = await services.database.write(work)
    if new:
        services.revoked()
    return operator


def _name(one: Proved, email: str) -> str:
    try:
        return model.read_name(one.name)
    except AppError:
        return email.partition("@")[0][: model.NAME_MAX]


def _provider(visit: Visit) -> Provider:
    settings = visit.services.settings
    if not settings.oidc_issuer:
        raise AppError(Code.NOT_FOUND, "No provider is set.")
    return Provider(settings, f"{visit.address}{PATH}/callback")


def _sealed(visit: Visit, asking: Asking) -> str:
    sealed = _vault(visit).seal(msgspec.json.encode(asking).decode(), OWNER)
    return base64.urlsafe_b64encode(sealed).decode()


def _remembered(visit: Visit) -> Asking | None:
    """What the browser was given when it began; None for anything else, or too late."""
    try:
        sealed = base64.urlsafe_b64decode(visit.request.cookies.get(COOKIE, ""))
        asking = msgspec.json.decode(_vault(visit).open(sealed, OWNER), type=Asking)
    except (binascii.Error, ValueError, Damaged, msgspec.DecodeError):
        return None
    return asking if visit.services.clock() - asking.at < LASTS_MS else None


def _vault(visit: Visit) -> Vault:
    return Vault(visit.services.pepper, "sign-in elsewhere")
