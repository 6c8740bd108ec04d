"""`/v1/rules`: when events become messages."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import Code, invalid, not_found
from gatepost.base.ids import RuleId
from gatepost.base.vault import Damaged
from gatepost.dialects.native import admin, rulekeep, ruletext
from gatepost.dialects.native.admin import DeletedOut, PageQuery
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.rulewire import NewRuleIn, RuleChangesIn, RuleOut, RulesOut
from gatepost.domains.rules import model, store
from gatepost.domains.rules.model import Rule, Way
from gatepost.domains.rules.told import Told
from gatepost.engine import govern, tally
from gatepost.engine.govern import NewRule, RuleChanges
from gatepost.engine.ways import Means
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body


class MuteIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How long it tells nothing: exactly one of the two."""

    until: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    minutes: Annotated[float, Meta(gt=0, le=model.MUTE_MINUTES_MAX)] | UnsetType = UNSET


class Change(NamedTuple):
    """What to change of which rule."""

    rule_id: RuleId
    given: RuleChangesIn


class Mute(NamedTuple):
    """Until when (ms) which rule tells nothing."""

    rule_id: RuleId
    until: int | None


_new_body = Body(NewRuleIn)
_changes_body = Body(RuleChangesIn)
_mute_body = Body(MuteIn)


def means(call: Call) -> Means:
    """What rules are made with."""
    return Means(call.services.settings, call.services.pepper)


def parse_new(call: Call, body: bytes) -> NewRule:
    """Read a rule to be; raises INVALID."""
    given: NewRuleIn = _new_body.decode(body)
    return ruletext.read_new(given, call.project_id, call.services.settings)


def create(tx: Tx, call: Call, command: NewRule) -> Reply:
    """Make a rule."""
    admin.grantor(tx, call)
    made = govern.create(tx, call.caller.account_id, command, means(call), call.actor, call.now)
    tx.after_commit(call.services.listening)
    return ok(call, show(tx, call, made), 201)


def parse_page(call: Call, _body: bytes) -> tuple[bytes | None, int]:
    """Read which page; raises INVALID."""
    return admin.read_page(call)


def list_(tx: Tx, call: Call, command: tuple[bytes | None, int]) -> Reply:
    """A page of the project's rules."""
    after, limit = command
    last = None if after is None else RuleId(after)
    found = store.list_(
        tx, call.caller.account_id, project_id=call.project_id, after=last, limit=limit + 1
    )
    page = paging.page(found, limit, lambda one: one.id)
    told = tally.of(tx, page.rows)
    shown = [_shown(call, one, told.get(one.id, Told())) for one in page.rows]
    return ok(call, RulesOut(shown, page.next_cursor))


def parse_id(call: Call, _body: bytes) -> RuleId:
    """Read the id in the path; raises NOT_FOUND."""
    return RuleId(ids.parse("rule", call.params["id"]))


def find(tx: Tx, call: Call, rule_id: RuleId) -> Rule:
    """One that the calling key may see; raises NOT_FOUND."""
    found = store.get(tx, call.caller.account_id, rule_id)
    if admin.bound_elsewhere(call, found.project_id):
        raise not_found("rule with this id")
    return found


def get(tx: Tx, call: Call, rule_id: RuleId) -> Reply:
    """Read one rule."""
    return ok(call, show(tx, call, find(tx, call, rule_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    rule_id = parse_id(call, body)
    given: RuleChangesIn = _changes_body.decode(body)
    if not rulekeep.is_partial(given):
        ruletext.read_changes(given, call.services.settings)
    return Change(rule_id, given)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a rule."""
    admin.grantor(tx, call)
    rule_id, given = command
    changes = _changes(call, find(tx, call, rule_id), given)
    account_id = call.caller.account_id
    changed = govern.change(tx, account_id, rule_id, changes, means(call), call.actor, call.now)
    tx.after_commit(call.services.listening)
    return ok(call, show(tx, call, changed))


def delete(tx: Tx, call: Call, rule_id: RuleId) -> Reply:
    """End a rule."""
    admin.grantor(tx, call)
    find(tx, call, rule_id)
    gone = govern.end(tx, call.caller.account_id, rule_id, call.actor, call.now)
    tx.after_commit(call.services.listening)
    return ok(call, DeletedOut(ids.show("rule", gone.id), gone.name))


def parse_mute(call: Call, body: bytes) -> Mute:
    """Read how long to mute which rule; raises INVALID, or NOT_FOUND."""
    rule_id = parse_id(call, body)
    given: MuteIn = _mute_body.decode(body)
    if given.minutes is not UNSET and given.until is UNSET:
        return Mute(rule_id, model.muted_by(given.minutes, call.now))
    if given.until is not UNSET and given.minutes is UNSET:
        return Mute(rule_id, ruletext.moment_of(given.until))
    raise invalid((["until"], "Give exactly one of until and minutes"))


def parse_unmute(call: Call, body: bytes) -> Mute:
    """Read which rule to mute no longer; raises NOT_FOUND."""
    return Mute(parse_id(call, body), None)


def mute(tx: Tx, call: Call, command: Mute) -> Reply:
    """Mute a rule, or end that."""
    admin.grantor(tx, call)
    rule_id, until = command
    find(tx, call, rule_id)
    changed = govern.mute(tx, call.caller.account_id, rule_id, until, call.actor, call.now)
    tx.after_commit(call.services.listening)
    return ok(call, show(tx, call, changed))


def show(tx: Tx, call: Call, rule: Rule) -> RuleOut:
    """Write a rule for the wire."""
    return _shown(call, rule, tally.of(tx, [rule]).get(rule.id, Told()))


def _shown(call: Call, rule: Rule, told: Told) -> RuleOut:
    return ruletext.show(rule, _way(call, rule), told, call.now)


def _way(call: Call, rule: Rule) -> Way | None:
    """Where it leads; what cannot be opened any more is None, and the rest of it can be read."""
    with contextlib.suppress(Damaged):
        return means(call).ways.open(rule)
    return None


def _changes(call: Call, rule: Rule, given: RuleChangesIn) -> RuleChanges:
    if rulekeep.is_partial(given):
        given = rulekeep.whole(given, _way(call, rule) or Way())
    return ruletext.read_changes(given, call.services.settings)


_endpoint = admin.managing("Rules", Scope.RULES_READ, Scope.RULES_WRITE)


EXAMPLE = {
    "name": "Large payments",
    "match": {
        "channels": ["payments"],
        "metadata": [{"path": "amount", "op": "gte", "value": 1000}],
    },
    "to": [{"webhook": {"url": "https://example.com/hook"}}],
    "text": {"title": "{{ event.title }}: {{ event.metadata.amount }}"},
}

ENDPOINTS = (
    _endpoint(
        "createRule",
        "POST",
        "/v1/rules",
        project=True,
        summary="Make a rule",
        description="It is tried on each event from now on, but for those that do not notify.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewRuleIn,
        response=RuleOut,
        example=EXAMPLE,
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "listRules",
        "GET",
        "/v1/rules",
        project=True,
        summary="List rules",
        description="Oldest first.",
        parse=parse_page,
        run=list_,
        query=PageQuery,
        response=RulesOut,
    ),
    _endpoint(
        "getRule",
        "GET",
        "/v1/rules/{id}",
        summary="Read a rule",
        parse=parse_id,
        run=get,
        response=RuleOut,
        errors=(Code.NOT_FOUND,),
    ),
    _endpoint(
        "updateRule",
        "PATCH",
        "/v1/rules/{id}",
        summary="Change a rule",
        parse=parse_changes,
        run=update,
        request=RuleChangesIn,
        response=RuleOut,
        example={"enabled": False},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteRule",
        "DELETE",
        "/v1/rules/{id}",
        summary="End a rule",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "muteRule",
        "POST",
        "/v1/rules/{id}/mute",
        summary="Let a rule tell nothing for a while",
        parse=parse_mute,
        run=mute,
        request=MuteIn,
        response=RuleOut,
        example={"minutes": 60},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "unmuteRule",
        "POST",
        "/v1/rules/{id}/unmute",
        summary="Let a muted rule tell again",
        parse=parse_unmute,
        run=mute,
        response=RuleOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
