"""Alerts: what a rule has to tell becomes messages, one for each of its destinations.

What goes wrong with one rule stops no other: it is noted with the rule. A text that cannot be
filled in is told as the event says it; an alert is never lost for its wording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple
from unicodedata import category

import msgspec

from gatepost.base import clock, ids, log
from gatepost.base.errors import AppError, invalid
from gatepost.base.ids import AccountId, EndpointId, EventId, RuleId
from gatepost.base.vault import Damaged
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus
from gatepost.domains.events.model import Event
from gatepost.domains.outbox.model import Priority
from gatepost.domains.rules import store as rules
from gatepost.domains.rules.model import Destination, Rule, Text, ToEmail, ToWebhook
from gatepost.engine import payloads, render, tally
from gatepost.engine.compose import chat, email, push, webhook
from gatepost.engine.compose.chat import Chat, Words
from gatepost.engine.compose.mail import Mail
from gatepost.engine.notify import Draft, Notify, notify, to_endpoint
from gatepost.engine.render import Unrenderable
from gatepost.engine.rulebook import Entry
from gatepost.engine.ways import Means
from gatepost.storage.db import Tx

PREFIX = "alert."
EVENT = "event"
TITLE_MAX = 500
PLAIN = Text()
REST_S = 60.0
"""How long a template that takes long is not filled in: others wait meanwhile."""
FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

CONTROL = frozenset({"Cc", "Zl", "Zp"})

_log = log.get("alerts")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule has to tell. `kind` is what made it tell, as `event`; `data` is what a webhook
    gets beside title and body. `event_id` is that of the one event it tells of, if there is one.
    """

    rule: Rule
    kind: str
    text: Text
    to: tuple[Destination, ...]
    data: Mapping[str, Any] = {}
    event_id: EventId | None = None
    send_at: int | None = None


class Made(NamedTuple):
    """Messages to send, and what went wrong with which rules."""

    commands: list[Notify]
    faults: list[tuple[Rule, str]]


def tell(tx: Tx, alerts: Sequence[Alert], means: Means, now: int) -> int:
    """Put alerts into the outbox; returns how many messages they made. What went wrong is noted
    with the rules.
    """
    made = draft(tx, alerts, means, now)
    notify(tx, made.commands)
    note(tx, made.faults, now)
    return len(made.commands)


def draft(tx: Tx, alerts: Sequence[Alert], means: Means, now: int) -> Made:
    """Make the messages that tell of alerts, and count how often their rules have told."""
    made = Made([], [])
    known = _endpoints(tx, alerts)
    often = Counter[tuple[AccountId, RuleId]]()
    for alert in alerts:
        before = len(made.commands)
        for one in alert.to:
            try:
                drafted = _draft(tx, alert, one, known, means, now)
            except AppError as refusal:
                made.faults.append((alert.rule, f"{one.kind}: {refusal.detail}"))
            except FAULTS:
                _log.exception("an alert could not be composed")
                made.faults.append((alert.rule, f"{one.kind}: it could not be composed"))
            else:
                made.commands.append(_command(alert, drafted, now))
        if len(made.commands) > before:
            often[alert.rule.account_id, alert.rule.id] += 1
    tally.note(tx, often, now)
    return made


def note(tx: Tx, faults: Sequence[tuple[Rule, str]], now: int) -> None:
    """Note what went wrong with rules, the last of each."""
    last = {(rule.account_id, rule.id): error for rule, error in faults}
    for (account_id, rule_id), error in sorted(last.items()):
        rules.note_error(tx, account_id, rule_id, error, now)


def of_event(entry: Entry, event: Event) -> tuple[Alert | None, str]:
    """What a rule has to tell of an event, and what is wrong with the rule; None where it leads
    nowhere that can be read.
    """
    rule = entry.rule
    try:
        to = entry.to
    except Damaged:
        return None, "Where it leads cannot be read: the pepper is another one"
    text, wrong = plain_of(rule, event), "text: It takes too long"
    began = monotonic()
    if began >= entry.rests_until and entry.purse.has_more(began):
        text, wrong = text_of(rule, event)
        took = monotonic() - began
        entry.purse.spend(took)
        if took > render.SECONDS_MAX:
            entry.rests_until = began + REST_S
    data = {"event": payloads.shown(event)}
    return Alert(rule=rule, kind=EVENT, text=text, to=to, data=data, event_id=event.id), wrong


def text_of(rule: Rule, event: Event) -> tuple[Text, str]:
    """What a rule says of an event, and what is wrong with its templates."""
    plain = plain_of(rule, event)
    return (plain, "") if rule.spec.text == PLAIN else fill(rule, values_of(rule, event), plain)


def plain_of(rule: Rule, event: Event) -> Text:
    """An event's own words."""
    return Text(_line(event.title) or rule.name, event.description or "")


def fill(rule: Rule, values: Mapping[str, Any], plain: Text) -> tuple[Text, str]:
    """The text that a rule's templates make of some values, and what is wrong with them. Where
    there is none, or it cannot be filled in, it is the plain one.
    """
    title, wrong = _filled(rule.spec.text.title, values, plain.title)
    body, wrong_too = _filled(rule.spec.text.body, values, plain.body)
    return Text(_line(title)[:TITLE_MAX] or plain.title, body), wrong or wrong_too


def values_of(rule: Rule, event: Event) -> dict[str, Any]:
    """What the templates of a rule can say of an event: it is as the API shows it, and has a
    `time`.
    """
    shown = payloads.shown(event)
    shown["metadata"] = _read(event.metadata_json, {})
    shown["tags"] = _read(event.tags_json, [])
    return {"event": shown, "rule": about(rule)}


def about(rule: Rule) -> dict[str, str]:
    """What an alert says of its rule."""
    return {"id": ids.show("rule", rule.id), "name": rule.name}


def _line(text: str) -> str:
    """A text on one line, without control characters: it may be a mail's subject."""
    if text.isprintable():
        return text.strip()
    return "".join(" " if category(one) in CONTROL else one for one in text).strip()


def _filled(template: str, values: Mapping[str, Any], plain: str) -> tuple[str, str]:
    if not template:
        return plain, ""
    try:
        return render.render(template, values), ""
    except Unrenderable as fault:
        return plain, f"text: {fault}"


def _read(text: str, instead: Any) -> Any:
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        return instead


def _command(alert: Alert, drafted: Draft, now: int) -> Notify:
    rule = alert.rule
    return Notify(
        account_id=rule.account_id,
        project_id=rule.project_id,
        now=now,
        type=PREFIX + alert.kind,
        body=drafted.body,
        targets=drafted.targets,
        priority=Priority[rule.spec.priority.name],
        send_at=alert.send_at,
        event_id=alert.event_id,
        rule_id=rule.id,
        message_id=drafted.message_id,
    )


Known = dict[EndpointId, Endpoint]


def _endpoints(tx: Tx, alerts: Sequence[Alert]) -> Known:
    wanted: dict[AccountId, set[EndpointId]] = {}
    for alert in alerts:
        for one in alert.to:
            if one.endpoint is not None:
                mine = wanted.setdefault(alert.rule.account_id, set())
                mine.add(EndpointId(ids.parse("endpoint", one.endpoint)))
    found: Known = {}
    for account_id, mine in sorted(wanted.items()):
        found |= endpoints.some(tx, account_id, mine)
    return found


def _draft(tx: Tx, alert: Alert, to: Destination, known: Known, means: Means, now: int) -> Draft:
    if to.endpoint is not None:
        return _to_endpoint(alert, to.endpoint, known, now)
    return COMPOSERS[to.kind](tx, alert, to, means, now)


def _to_endpoint(alert: Alert, name: str, known: Known, now: int) -> Draft:
    endpoint = known.get(EndpointId(ids.parse("endpoint", name)))
    if endpoint is None or endpoint.project_id != alert.rule.project_id:
        raise invalid((["endpoint"], "It is no more"))
    if endpoint.status is EndpointStatus.DISABLED:
        raise invalid((["endpoint"], "It is disabled"))
    return Draft(payload(alert, now), (to_endpoint(endpoint),))


def payload(alert: Alert, now: int) -> str:
    """What webhooks are told of an alert, as JSON."""
    told = {
        "rule": about(alert.rule),
        "title": alert.text.title,
        "body": alert.text.body,
        **alert.data,
    }
    return payloads.write(PREFIX + alert.kind, clock.iso(now), told)


def _to_webhook(tx: Tx, alert: Alert, to: Destination, means: Means, now: int) -> Draft:
    there = to.webhook or ToWebhook("")
    given = webhook.Webhook(url=there.url, payload=payload(alert, now), headers=there.headers)
    rule = alert.rule
    return webhook.compose(tx, rule.account_id, rule.project_id, given, means.safe)


def _to_email(tx: Tx, alert: Alert, to: Destination, means: Means, now: int) -> Draft:
    del now
    there, text, rule = to.email or ToEmail(()), alert.text, alert.rule
    given = Mail(to=there.to, subject=text.title, text=text.body or text.title)
    if there.template:
        values = {"title": text.title, "body": text.body, "rule": about(rule), **alert.data}
        # A template may say anything of the event: it is decoded as whoever reads it would.
        variables = msgspec.json.decode(msgspec.json.encode(values))
        given = Mail(to=there.to, template=there.template, variables=variables)
    return email.compose(tx, rule.account_id, rule.project_id, given, means.settings)


def _to_chat(tx: Tx, alert: Alert, to: Destination, means: Means, now: int) -> Draft:
    del now
    text, rule = alert.text, alert.rule
    words = Words(text.body, text.title) if text.body.strip() else Words(text.title)
    given = Chat(urls=() if to.chat is None else (to.chat.url,), words=words)
    return chat.compose(tx, rule.account_id, rule.project_id, given, chat.vaults(means.pepper))


def _to_push(tx: Tx, alert: Alert, to: Destination, means: Means, now: int) -> Draft:
    del means, now
    text, rule = alert.text, alert.rule
    given = push.of_rule(to.push or {}, text.title, text.body)
    return push.compose(tx, rule.account_id, rule.project_id, given)


Composer = Callable[[Tx, Alert, Destination, Means, int], Draft]

COMPOSERS: dict[str, Composer] = {
    "webhook": _to_webhook,
    "email": _to_email,
    "chat": _to_chat,
    "push": _to_push,
}
"""How an alert becomes a message of each transport, by the name of a destination's member."""
