"""What rules have found: a list, one alert, and taking notice of it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from gatepost.base.errors import Code
from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.rules import words
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
NAMES_MAX = 100
STATUSES = {
    "open": ("Open", "warn"),
    "acknowledged": ("Acknowledged", "good"),
    "closed": ("Over", "plain"),
}
"""How an alert stands: words, and the tone of their badge."""


async def list_(visit: Visit) -> Response:
    """Show a page of alerts."""
    wanted = {name: visit.query.get(name) for name in ("status", "ruleId", "cursor")}
    found, rules = await asyncio.gather(
        visit.api.page("/v1/alerts", "alerts", {**wanted, "limit": PAGE}),
        visit.api.page("/v1/rules", "rules", {"limit": NAMES_MAX}),
    )
    return visit.page(
        "rules/alerts.html",
        found=found,
        form=Form.starting(wanted),
        narrowed=bool(wanted["status"] or wanted["ruleId"]),
        names={one["id"]: one["name"] for one in rules.items},
        statuses=STATUSES,
        may_write=visit.api.may(Scope.RULES_WRITE),
    )


async def show(visit: Visit) -> Response:
    """Show one alert, and who else is told of it."""
    alert = await visit.api.get(at("/v1/alerts", visit.path["alert"]))
    return visit.page(
        "rules/alert.html",
        alert=alert,
        rule=await _rule(visit, alert["ruleId"]),
        statuses=STATUSES,
        words=words,
        form=Form(),
        may_write=visit.api.may(Scope.RULES_WRITE),
    )


async def acknowledge(visit: Visit) -> Response:
    """Take notice."""
    alert_id = visit.path["alert"]
    path = at("/v1/alerts", alert_id, "acknowledge")
    await visit.api.send("POST", path, once=visit.form.once)
    words_ = "Nobody else is told of this alert."
    if visit.form.get("back") == "list":
        return visit.redirect(visit.url("alerts"), words_)
    return visit.redirect(visit.url("alerts", alert_id), words_)


async def _rule(visit: Visit, rule_id: str) -> Any:
    """The rule that found it; None where it has ended since."""
    try:
        return await visit.api.get(at("/v1/rules", rule_id))
    except Refused as refused:
        if refused.code == Code.NOT_FOUND:
            return None
        raise
