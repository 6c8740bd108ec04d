"""Trying a rule on stored events: what it would have told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from gatepost.dashboard.desk import at
from gatepost.dashboard.forms import Fields
from gatepost.dashboard.visit import Visit

SPANS = {"1": "the last 24 hours", "7": "the last 7 days", "30": "the last 30 days"}
"""Days, and how they are called."""
SPAN = "7"
SILENT = "silent"


async def of_draft(visit: Visit, rule: dict[str, Any]) -> Any:
    """What a rule to be would have told. Raises Refused."""
    asked = visit.form
    body = {"rule": rule, "since": _since(visit, asked), "silent": SILENT in asked}
    return await visit.api.send("POST", "/v1/rules/backtest", body)


async def of_rule(visit: Visit, rule_id: str) -> Any:
    """What a rule that is there would have told. Raises Refused."""
    body = {"since": _since(visit, visit.query), "silent": SILENT in visit.query}
    return await visit.api.send("POST", at("/v1/rules", rule_id, "backtest"), body)


def _since(visit: Visit, asked: Fields) -> str:
    span = asked.get("span", SPAN)
    days = int(span) if span in SPANS else int(SPAN)
    now = datetime.fromtimestamp(visit.services.clock() / 1000, UTC)
    return (now - timedelta(days=days)).isoformat()
