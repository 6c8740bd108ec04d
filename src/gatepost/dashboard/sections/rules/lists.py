"""The rules of a project, one of them, and what can be done with it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from starlette.responses import Response

from gatepost.dashboard.desk import Query, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.feed.asked import moment
from gatepost.dashboard.sections.rules import trial, words
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 50
ALERTS = 10
MUTES = {
    "15": "15 minutes",
    "60": "1 hour",
    "240": "4 hours",
    "1440": "1 day",
    "10080": "1 week",
}
"""Minutes, and how they are called."""


async def list_(visit: Visit) -> Response:
    """Show a page of rules."""
    query: Query = {"limit": PAGE, "cursor": visit.query.get("cursor")}
    found, opened = await asyncio.gather(
        visit.api.page("/v1/rules", "rules", query),
        visit.api.page("/v1/alerts", "alerts", {"status": "open", "limit": PAGE}),
    )
    return visit.page(
        "rules/list.html",
        found=found,
        opened=opened,
        words=words,
        state=lambda rule: state_of(visit, rule),
        may_write=visit.api.may(Scope.RULES_WRITE),
    )


async def show(visit: Visit) -> Response:
    """Show one rule; with `try` in the address also what it would have told."""
    return await _show(visit, Form.starting({"minutes": "60"}))


async def _show(visit: Visit, form: Form, status: int = 200) -> Response:
    rule_id = visit.path["rule"]
    rule, alerts, tried = await asyncio.gather(
        visit.api.get(at("/v1/rules", rule_id)),
        visit.api.page("/v1/alerts", "alerts", {"ruleId": rule_id, "limit": ALERTS}),
        _tried(visit, rule_id),
    )
    return visit.page(
        "rules/rule.html",
        status,
        rule=rule,
        alerts=alerts,
        tried=tried,
        form=form,
        words=words,
        state=state_of(visit, rule),
        mutes=MUTES,
        spans=trial.SPANS,
        span=visit.query.get("span", trial.SPAN),
        silent=trial.SILENT in visit.query,
        may_write=visit.api.may(Scope.RULES_WRITE),
    )


def state_of(visit: Visit, rule: Any) -> tuple[str, str]:
    """How a rule stands: words, and the tone of their badge."""
    if not rule["enabled"]:
        return "Off", "plain"
    if is_muted(visit, rule):
        return "Muted", "warn"
    return ("Trouble", "bad") if rule["lastError"] else ("On", "good")


def is_muted(visit: Visit, rule: Any) -> bool:
    """Whether it tells nothing now."""
    until = rule["mutedUntil"]
    return (
        until is not None
        and datetime.fromisoformat(until).timestamp() * 1000 > visit.services.clock()
    )


async def _tried(visit: Visit, rule_id: str) -> Any:
    return await trial.of_rule(visit, rule_id) if "span" in visit.query else None


async def mute(visit: Visit) -> Response:
    """Let it tell nothing for some minutes, or until a moment."""
    form, rule_id = visit.form, visit.path["rule"]
    until = form.get("until")
    body: dict[str, Any] = {"until": moment(until, visit.zone)}
    if not until:
        minutes = form.get("minutes", "60")
        body = {"minutes": int(minutes) if minutes in MUTES else 60}
    try:
        await visit.api.send("POST", at("/v1/rules", rule_id, "mute"), body, once=form.once)
    except Refused as refused:
        if not refused.fields:
            raise
        return await _show(visit, form.refused(refused), refused.status)
    return visit.redirect(visit.url("rules", rule_id), "The rule is muted.")


async def unmute(visit: Visit) -> Response:
    """Let it tell again."""
    rule_id = visit.path["rule"]
    await visit.api.send("POST", at("/v1/rules", rule_id, "unmute"), once=visit.form.once)
    return visit.redirect(visit.url("rules", rule_id), "The rule tells again.")


async def switch(visit: Visit) -> Response:
    """Switch it on or off."""
    rule_id, on = visit.path["rule"], visit.form.get("enabled") == "yes"
    body = {"enabled": on}
    await visit.api.send("PATCH", at("/v1/rules", rule_id), body, once=visit.form.once)
    said = "The rule is on." if on else "The rule is off."
    return visit.redirect(visit.url("rules", rule_id), said)


async def delete(visit: Visit) -> Response:
    """End it."""
    await visit.api.send("DELETE", at("/v1/rules", visit.path["rule"]), once=visit.form.once)
    return visit.redirect(visit.url("rules"), "The rule was deleted.")
