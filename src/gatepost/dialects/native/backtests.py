"""`POST /v1/rules/backtest`: what a rule would have told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.clock import DAY_MS
from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.base.ids import RuleId
from gatepost.dialects.native import rules, ruletext
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.rulewire import NewRuleIn
from gatepost.domains.rules.model import Rule
from gatepost.engine import backtest, govern
from gatepost.engine.backtest import Asked, Tested, Unmet, Would
from gatepost.engine.govern import NewRule
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

DAYS_MAX = 93

Since = Annotated[datetime, Meta(tz=True, description="A day before the end, if left out.")]
Until = Annotated[datetime, Meta(tz=True, description="Now, if left out.")]
Silent = Annotated[bool, Meta(description="Whether to try it on events that never notify, too.")]


class BacktestIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which stored events a rule is tried on."""

    since: Since | UnsetType = UNSET
    until: Until | UnsetType = UNSET
    silent: Silent = False


class DraftBacktestIn(BacktestIn, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A rule to be, and which stored events it is tried on."""

    rule: NewRuleIn


class WouldOut(msgspec.Struct, rename="camel"):
    """What would have been told, and when."""

    at: str
    title: str
    body: str
    event_id: str | None


class UnmetOut(msgspec.Struct, rename="camel"):
    """An event that does not meet the condition: where the rule says so, and why in words."""

    at: str
    event_id: str
    title: str
    path: list[str | int]
    reason: str


class BacktestOut(msgspec.Struct, rename="camel"):
    """What a rule would have told. Nothing was sent, and a mute does not count."""

    since: str
    until: Annotated[str, Meta(description="How far it came.")]
    complete: Annotated[
        bool,
        Meta(
            description="Whether it came to the end: it looks at about "
            f"{backtest.EVENTS_MAX:,} events, for at most {backtest.SECONDS_MAX:g} seconds."
        ),
    ]
    events: Annotated[int, Meta(description="How many events were looked at.")]
    met: Annotated[int, Meta(description="How many of them met the condition.")]
    told: Annotated[int, Meta(description="How often something would have been told.")]
    alerts: Annotated[
        list[WouldOut], Meta(description=f"The first {backtest.SHOWN_MAX} of what would have been.")
    ]
    unmet: Annotated[
        list[UnmetOut],
        Meta(description=f"The last {backtest.UNMET_MAX} events that did not meet the condition."),
    ]
    problems: Annotated[list[str], Meta(description="What is wrong with its texts.")]


class Trial(NamedTuple):
    """A rule, kept or to be, and what it is tried on."""

    rule: RuleId | NewRule
    asked: Asked


_stored_body = Body(BacktestIn)
_draft_body = Body(DraftBacktestIn)


def parse_stored(call: Call, body: bytes) -> Trial:
    """Read which rule to try on what; raises INVALID, or NOT_FOUND."""
    rule_id = rules.parse_id(call, body)
    return Trial(rule_id, _asked(call, _stored_body.decode(body)))


def parse_draft(call: Call, body: bytes) -> Trial:
    """Read a rule to be, and what to try it on; raises INVALID."""
    given: DraftBacktestIn = _draft_body.decode(body)
    try:
        new = ruletext.read_new(given.rule, call.project_id, call.services.settings)
    except AppError as refusal:
        raise _within(refusal) from None
    return Trial(new, _asked(call, given))


def run(tx: Tx, call: Call, command: Trial) -> Reply:
    """Try a rule."""
    asked = command.asked
    rule = _rule(tx, call, command.rule)
    return ok(call, show(asked, backtest.run(tx, rule, asked, rules.means(call))))


def _rule(tx: Tx, call: Call, given: RuleId | NewRule) -> Rule:
    if not isinstance(given, NewRule):
        return rules.find(tx, call, given)
    try:
        return govern.draft(tx, call.caller.account_id, given, rules.means(call), call.now)
    except AppError as refusal:
        raise _within(refusal) from None


def _within(refusal: AppError) -> AppError:
    """Tell what is wrong with a rule where it is in the body."""
    fields = [FieldError(("rule", *one.path), one.message) for one in refusal.fields]
    return AppError(refusal.code, refusal.detail, fields=fields)


def _asked(call: Call, given: BacktestIn) -> Asked:
    # What came in this very millisecond is among what is tested.
    until = call.now + 1 if given.until is UNSET else ruletext.moment_of(given.until)
    since = until - DAY_MS if given.since is UNSET else ruletext.moment_of(given.since)
    if not 0 <= since < until:
        raise invalid((["since"], "Must come before until"))
    if until - since > DAYS_MAX * DAY_MS:
        raise invalid((["since"], f"At most {DAYS_MAX} days before until"))
    return Asked(since, until, given.silent)


def show(asked: Asked, tested: Tested) -> BacktestOut:
    """Write what would have been told for the wire."""
    return BacktestOut(
        since=clock.iso(asked.since),
        until=clock.iso(tested.until),
        complete=tested.complete,
        events=tested.examined,
        met=tested.met,
        told=tested.told,
        alerts=[_show_one(one) for one in tested.alerts],
        unmet=[_show_unmet(one) for one in tested.unmet],
        problems=tested.problems,
    )


def _show_one(one: Would) -> WouldOut:
    event_id = None if one.event is None else ids.show("event", one.event.id)
    return WouldOut(clock.iso(one.at), one.text.title, one.text.body, event_id)


def _show_unmet(one: Unmet) -> UnmetOut:
    at = clock.iso(ids.time_of(one.event.id))
    event_id = ids.show("event", one.event.id)
    return UnmetOut(at, event_id, one.event.title, list(one.path), one.reason)


def _endpoint(operation: str, path: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="POST",
        path=path,
        scope=Scope.RULES_READ,
        tag="Rules",
        run=run,
        charge=free,
        writes=False,
        response=BacktestOut,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "backtestDraft",
        "/v1/rules/backtest",
        summary="Try a rule to be on stored events",
        parse=parse_draft,
        request=DraftBacktestIn,
        example={"rule": rules.EXAMPLE},
    ),
    _endpoint(
        "backtestRule",
        "/v1/rules/{id}/backtest",
        summary="Try a rule on stored events",
        parse=parse_stored,
        project=False,
        request=BacktestIn,
        example={"silent": True},
        errors=(Code.NOT_FOUND,),
    ),
)
