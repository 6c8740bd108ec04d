"""Why requests were refused, with what helps; and the account's plan."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from gatepost.base import meanings
from gatepost.base.errors import Code
from gatepost.dashboard.desk import Page, Query, Refused
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.keys.fields import limits_words
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
KEYS = 100
MEANINGS = {str(code): meaning for code, meaning in meanings.MEANINGS.items()}
METERS = {
    "event": "events",
    "count": "counted events",
    "data": "data",
    "email": "e-mails",
    "webhook": "webhooks",
    "chat": "chats",
    "push": "push messages",
}


async def show(visit: Visit) -> Response:
    """Show the ledger of refused requests."""
    asked: Query = {"code": visit.query.get("code"), "keyId": visit.query.get("key")}
    form, status = Form.starting(), 200
    page: Query = {**asked, "cursor": visit.query.get("cursor"), "limit": PAGE}
    try:
        found, keys = await asyncio.gather(
            visit.api.page("/v1/refusals", "refusals", page), _keys(visit)
        )
    except Refused as refused:
        form, status = form.refused(refused, {"keyId": "key"}), refused.status
        found, keys = Page([], None), []
    return visit.page(
        "keys/refusals.html",
        status,
        form=form,
        found=found,
        keys=keys,
        codes=[("", "Any reason"), *((str(one), words_of(one)) for one in Code)],
        meanings=MEANINGS,
        narrowed=bool(asked["code"] or asked["keyId"]),
        csv=visit.stream("/v1/refusals", **asked, format="csv"),
    )


async def _keys(visit: Visit) -> list[tuple[str, str]]:
    if not visit.api.may(Scope.KEYS_READ):
        return []
    found = await visit.api.page("/v1/keys", "keys", {"limit": KEYS})
    return [(one["id"], one["name"]) for one in found.items]


def words_of(code: Code) -> str:
    """A code for people."""
    return str(code).replace("_", " ").capitalize()


async def plan(visit: Visit) -> Response:
    """Show the account's plan: limits, and what is left of quotas."""
    account = await visit.api.get("/v1/account")
    given = account["plan"]
    limits = [
        ("Each key", limits_words(given["keyLimits"]), "A key can have limits of its own."),
        ("All keys together", limits_words(given["accountLimits"]), ""),
        ("Recipients of e-mails", limits_words(given["mailLimits"]), ""),
    ]
    return visit.page("keys/limits.html", account=account, limits=limits, meters=METERS)
