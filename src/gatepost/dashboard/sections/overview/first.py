"""What whoever comes first does first."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

COOKIE = "gatepost_begun"


class Step(msgspec.Struct, frozen=True):
    """Something to do, and whether it was done."""

    title: str
    text: str
    address: str
    done: bool


def steps(visit: Visit, events: list[Any], keys: list[Any], rules: list[Any]) -> list[Step]:
    """The steps that this role can take."""
    found: list[Step] = []
    if visit.api.may(Scope.KEYS_WRITE):
        text = "Programs come in with one. Give it only what it is for."
        found.append(Step("Make a key", text, visit.url("keys", "new"), bool(keys)))
    text = "One command is enough. It appears in the feed within a second."
    found.append(Step("Send a first event", text, visit.url("feed"), bool(events)))
    if visit.api.may(Scope.RULES_WRITE):
        text = "Let an e-mail, a chat or a webhook tell you what matters."
        found.append(Step("Have yourself told", text, visit.url("rules", "new"), bool(rules)))
    text = "A code of your phone, so that a password alone opens nothing."
    passed = visit.operator.operator.has_second_factor
    found.append(Step("Switch a second factor on", text, "/dashboard/you/second-factor", passed))
    return found
