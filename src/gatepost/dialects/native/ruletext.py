"""Rules read from the wire, and written for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from gatepost.base import clock, emails, ids
from gatepost.base.config import Settings
from gatepost.base.ids import ProjectId
from gatepost.delivery import urls
from gatepost.dialects.native import admin, matchwire, to_chat
from gatepost.dialects.native.rulewire import (
    DestinationIn,
    DigestIn,
    GroupIn,
    NewRuleIn,
    QuietIn,
    RuleChangesIn,
    RuleOut,
    StepIn,
    TextIn,
    ToChatIn,
    ToEmailIn,
    ToWebhookIn,
    TroubleOut,
    WhenIn,
    WindowIn,
)
from gatepost.domains.endpoints import model as endpoints
from gatepost.domains.rules import model
from gatepost.domains.rules.model import (
    Absence,
    Change,
    Destination,
    Digest,
    Group,
    OnEvent,
    Problem,
    Quiet,
    Rule,
    Spec,
    Step,
    Text,
    Threshold,
    ToChat,
    ToEmail,
    ToWebhook,
    Way,
    When,
    Window,
)
from gatepost.domains.rules.told import Told, lately
from gatepost.engine import render
from gatepost.engine.alerts import COMPOSERS
from gatepost.engine.compose import chat, push
from gatepost.engine.govern import NewRule, RuleChanges
from gatepost.web import query as queries

HIDDEN = "…"
Path = Sequence[str | int]

_MEMBERS: dict[str, tuple[type[When], frozenset[str], frozenset[str]]] = {
    "event": (OnEvent, frozenset(), frozenset()),
    "threshold": (Threshold, frozenset({"count", "minutes"}), frozenset({"by"})),
    "change": (Change, frozenset({"percent", "minutes"}), frozenset({"minimum"})),
    "absence": (Absence, frozenset({"minutes"}), frozenset({"during"})),
}
"""Of each kind of `when`: what it is, and the members it must have and may have."""


def read_new(given: NewRuleIn, project_id: ProjectId, settings: Settings) -> NewRule:
    """Read a rule to be; raises INVALID."""
    problems: list[Problem] = []
    spec = Spec(**_spec(given, problems))
    to = _destinations(given.to, ["to"], settings, problems)
    way = Way(to, _escalation(given.escalate, settings, problems))
    match = matchwire.read(given.match, ["match"], problems)
    problems += [*model.check(spec), *model.check_way(way)]
    endpoints.refuse(problems)
    return NewRule(
        project_id=project_id,
        name=given.name,
        enabled=given.enabled,
        match=match,
        spec=spec,
        way=way,
        muted_until=None if given.muted_until is None else moment_of(given.muted_until),
    )


def read_changes(given: RuleChangesIn, settings: Settings) -> RuleChanges:
    """Read what to change; raises INVALID."""
    problems: list[Problem] = []
    more: dict[str, Any] = {}
    if given.match is not UNSET:
        more["match"] = matchwire.read(given.match, ["match"], problems)
    if given.to is not UNSET:
        more["to"] = _destinations(given.to, ["to"], settings, problems)
    if given.escalate is not UNSET:
        more["escalate"] = _escalation(given.escalate, settings, problems)
    if given.muted_until is not UNSET:
        at = given.muted_until
        more["muted_until"] = None if at is None else moment_of(at)
    spec = _spec(given, problems)
    endpoints.refuse(problems)
    return RuleChanges(name=given.name, enabled=given.enabled, spec=spec, **more)


def moment_of(at: datetime) -> int:
    """A moment in ms."""
    return queries.kept(round(at.timestamp() * 1000))


def show(rule: Rule, way: Way | None, told: Told, now: int) -> RuleOut:
    """Write a rule for the wire; what cannot be opened any more of it is left out."""
    spec, way = rule.spec, way or Way()
    error = None if rule.error is None else TroubleOut(rule.error, clock.iso(rule.failed_at or 0))
    return RuleOut(
        id=ids.show("rule", rule.id),
        project_id=ids.show("project", rule.project_id),
        name=rule.name,
        enabled=rule.enabled,
        when=msgspec.convert(msgspec.to_builtins(spec.when), WhenIn),
        match=matchwire.show(rule.match),
        to=[show_destination(one) for one in way.to],
        text=TextIn(spec.text.title, spec.text.body),
        priority=spec.priority,
        group=None if spec.group is None else GroupIn(spec.group.seconds, spec.group.by),
        digest=None if spec.digest is None else _show_digest(spec.digest),
        quiet=None if spec.quiet is None else _show_quiet(spec.quiet),
        muted_until=admin.moment(rule.muted_until),
        escalate=[_show_step(one) for one in way.escalate],
        last_error=error,
        last_told_at=admin.moment(told.last or None),
        told_lately=lately(told, now),
        created_at=clock.iso(rule.created_at),
        updated_at=clock.iso(rule.updated_at),
    )


def show_destination(one: Destination) -> DestinationIn:
    """Write a destination without what is secret of it."""
    hook, mail = one.webhook, one.email
    return DestinationIn(
        endpoint=one.endpoint or UNSET,
        webhook=UNSET
        if hook is None
        else ToWebhookIn(hook.url, dict.fromkeys(hook.headers, HIDDEN)),
        email=UNSET if mail is None else ToEmailIn(list(mail.to), mail.template),
        chat=UNSET if one.chat is None else ToChatIn(_shown(one.chat.url)),
        push=UNSET if one.push is None else one.push,
    )


def _shown(url: str) -> str:
    """What may be shown of a chat's URL: it cannot be taken for all of it."""
    shown = chat.shown(url)
    return shown if shown.endswith(HIDDEN) else f"{shown}/{HIDDEN}"


def _show_step(one: Step) -> StepIn:
    return StepIn(one.after_minutes, [show_destination(to) for to in one.to])


def _show_digest(one: Digest) -> DigestIn:
    return msgspec.convert(msgspec.to_builtins(one), DigestIn)


def _show_quiet(one: Quiet) -> QuietIn:
    return msgspec.convert({**msgspec.to_builtins(one.window), "then": one.then}, QuietIn)


def _spec(given: NewRuleIn | RuleChangesIn, problems: list[Problem]) -> dict[str, Any]:
    """The members of a rule's spec that are given."""
    found: dict[str, Any] = {}
    if given.when is not UNSET:
        found["when"] = _when(given.when, problems)
    if given.text is not UNSET:
        found["text"] = _text(given.text, problems)
    if given.priority is not UNSET:
        found["priority"] = given.priority
    if given.group is not UNSET:
        group = given.group
        found["group"] = None if group is None else Group(group.seconds, group.by)
    if given.digest is not UNSET:
        found["digest"] = None if given.digest is None else _digest(given.digest)
    if given.quiet is not UNSET:
        quiet = given.quiet
        found["quiet"] = None if quiet is None else Quiet(window=_window(quiet), then=quiet.then)
    return found


def _when(given: WhenIn, problems: list[Problem]) -> When:
    kind, needed, possible = _MEMBERS[given.type]
    members = {
        name: value
        for name in given.__struct_fields__
        if name != "type" and (value := getattr(given, name)) is not UNSET
    }
    wrong: list[Problem] = [
        (["when", name], "Required") for name in sorted(needed - members.keys())
    ]
    beyond = sorted(members.keys() - needed - possible)
    wrong += [(["when", name], f"Is no part of {given.type}") for name in beyond]
    if wrong:
        problems += wrong
        return OnEvent()
    if "during" in members:
        members["during"] = _window(members["during"])
    return kind(**members)


def _text(given: TextIn, problems: list[Problem]) -> Text:
    for name in ("title", "body"):
        wrong = render.check(getattr(given, name))
        if wrong:
            problems.append((["text", name], wrong))
    return Text(given.title, given.body)


def _digest(given: DigestIn) -> Digest:
    return Digest(at=given.at, timezone=given.timezone, days=tuple(given.days))


def _window(given: WindowIn) -> Window:
    return Window(start=given.start, end=given.end, timezone=given.timezone, days=tuple(given.days))


def _escalation(
    given: Sequence[StepIn], settings: Settings, problems: list[Problem]
) -> tuple[Step, ...]:
    return tuple(
        Step(
            one.after_minutes, _destinations(one.to, ["escalate", index, "to"], settings, problems)
        )
        for index, one in enumerate(given)
    )


def _destinations(
    given: Sequence[DestinationIn], path: Path, settings: Settings, problems: list[Problem]
) -> tuple[Destination, ...]:
    found: list[Destination] = []
    for index, one in enumerate(given):
        wrong = list(_wrong(one, settings))
        problems += [([*path, index, *where], words) for where, words in wrong]
        if not wrong:
            found.append(_destination(one))
    # An empty list would be told of as well.
    return tuple(found) or (Destination(endpoint=""),)


def _destination(given: DestinationIn) -> Destination:
    hook, mail, there = given.webhook, given.email, given.chat
    return Destination(
        endpoint=None if given.endpoint is UNSET else str(given.endpoint),
        webhook=None if hook is UNSET else ToWebhook(hook.url, hook.headers),
        email=None if mail is UNSET else ToEmail(tuple(mail.to), mail.template),
        chat=None if there is UNSET else ToChat(there.url),
        push=None if given.push is UNSET else given.push,
    )


def _wrong(given: DestinationIn, settings: Settings) -> Iterator[Problem]:
    named = [name for name in given.__struct_fields__ if getattr(given, name) is not UNSET]
    known = ("endpoint", *COMPOSERS)
    if len(named) != 1 or named[0] not in known:
        yield [], f"Exactly one of {', '.join(known)}"
        return
    if given.webhook is not UNSET:
        if words := urls.problem(given.webhook.url, settings):
            yield ["webhook", "url"], words
        for where, words in endpoints.check_headers(given.webhook.headers):
            yield ["webhook", *where], words
    if given.email is not UNSET:
        yield from _of_addresses(given.email)
    if given.chat is not UNSET and HIDDEN in given.chat.url:
        yield ["chat", "url"], "Give all of it: what is shown is a part"
    elif given.chat is not UNSET and (words := to_chat.problem(given.chat.url, settings)):
        yield ["chat", "url"], words
    if given.push is not UNSET and (words := push.problem(given.push)):
        yield ["push"], words


def _of_addresses(given: ToEmailIn) -> Iterator[Problem]:
    for index, address in enumerate(given.to):
        try:
            emails.read(address)
        except ValueError as wrong:
            yield ["email", "to", index], str(wrong)
