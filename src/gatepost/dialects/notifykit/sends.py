"""`POST /notifications/email` and `/notifications/webhook`: what is accepted is a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import msgspec

from gatepost.base import clock, emails, ids
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import MessageId
from gatepost.dialects.notifykit import checks, jobwire, rules, wire
from gatepost.dialects.notifykit.envelope import ok
from gatepost.dialects.notifykit.jobwire import NOUN
from gatepost.dialects.notifykit.rules import Means
from gatepost.dialects.notifykit.shapes import EmailIn, SentOut, WebhookIn
from gatepost.dialects.notifykit.wire import Problem, refusal
from gatepost.domains.endpoints.model import Shape
from gatepost.domains.outbox.model import Priority
from gatepost.domains.outbox.policy import PRESETS, Policy
from gatepost.domains.plans.model import Meter
from gatepost.engine import once
from gatepost.engine.compose import email, webhook
from gatepost.engine.compose.email import SENDER
from gatepost.engine.compose.mail import Mail
from gatepost.engine.compose.webhook import Webhook
from gatepost.engine.enlist import Safe
from gatepost.engine.notify import Draft, Notified, Notify
from gatepost.engine.once import Once
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint

DUPLICATE = "Duplicate request detected"
REQUEST_BYTES_MAX = 10_485_760


class SendEmail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to send, or what is wrong with it."""

    problem: Problem | None = None
    to: str = ""
    subject: str = ""
    body: str = ""
    sender: str | None = None
    provider: str | None = None
    fallback: str | None = None
    priority: Priority = Priority.NORMAL
    name: str | None = None


class SendWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make, or what is wrong with it. `payload` is JSON."""

    problem: Problem | None = None
    url: str = ""
    method: str = "POST"
    headers: dict[str, str] = {}
    payload: str = ""
    priority: Priority = Priority.NORMAL
    name: str | None = None


class Looker:
    """What the accounts of a group have to send by; each is looked up once."""

    def __init__(self, tx: Tx) -> None:
        """Know nothing yet."""
        self.of = cache(lambda account_id: rules.means(tx, account_id))


def parse_email(_call: Call, body: bytes) -> SendEmail:
    """Read a mail; what is wrong with it is kept, and told after the quota was asked."""
    try:
        given = wire.members(body)
    except AppError as wrong:
        return SendEmail(problem=Problem(wrong.detail))
    problem = checks.problem(given, checks.EMAIL)
    if problem is not None:
        return SendEmail(problem=problem)
    return SendEmail(
        to=given["to"],
        subject=given["subject"],
        body=given["body"],
        sender=given.get("from"),
        provider=given.get("provider"),
        fallback=given.get("fallback"),
        priority=checks.read_priority(given.get("priority")),
        name=given.get("idempotencyKey") or None,
    )


def parse_webhook(call: Call, body: bytes) -> SendWebhook:
    """Read a request; what is wrong with it is kept, as that of a mail is."""
    try:
        given = wire.members(body)
    except AppError as wrong:
        return SendWebhook(problem=Problem(wrong.detail))
    problem = checks.problem(given, checks.webhook(call.services.settings))
    if problem is not None:
        return SendWebhook(problem=problem)
    url, login = checks.without_login(given["url"])
    return SendWebhook(
        url=url,
        method=given.get("method") or "POST",
        headers=_headers(given.get("headers") or {}, login),
        payload=msgspec.json.encode(given["payload"]).decode(),
        priority=checks.read_priority(given.get("priority")),
        name=given.get("idempotencyKey") or None,
    )


def _headers(given: dict[str, str], login: dict[str, str]) -> dict[str, str]:
    own = checks.callers(given)
    return own if any(name.lower() == "authorization" for name in own) else own | login


def send_emails(
    tx: Tx, calls: Sequence[Call], commands: Sequence[SendEmail]
) -> list[Reply | AppError]:
    """Put mails into the outbox; one that cannot be refuses its own request alone."""
    looker = Looker(tx)
    return _send(tx, calls, commands, lambda call, one: _mail(tx, call, one, looker))


def send_webhooks(
    tx: Tx, calls: Sequence[Call], commands: Sequence[SendWebhook]
) -> list[Reply | AppError]:
    """Put requests into the outbox, as mails are."""
    return _send(tx, calls, commands, lambda call, one: _request(tx, call, one))


def _send(
    tx: Tx, calls: Sequence[Call], commands: Sequence[Any], make: Callable[[Call, Any], Notify]
) -> list[Reply | AppError]:
    asked = [_asked(call, one, make) for call, one in zip(calls, commands, strict=True)]
    done = iter(once.send(tx, [one for one in asked if isinstance(one, Once)]))
    tx.after_commit(calls[0].services.due)
    return [
        one if isinstance(one, AppError) else _told(call, next(done))
        for call, one in zip(calls, asked, strict=True)
    ]


def _asked(call: Call, command: Any, make: Callable[[Call, Any], Notify]) -> Once | AppError:
    if command.problem is not None:
        problem: Problem = command.problem
        return problem.error()
    try:
        return Once(make(call, command), command.name)
    except AppError as wrong:
        return wrong


def _told(call: Call, outcome: Notified | AppError) -> Reply | AppError:
    if isinstance(outcome, AppError):
        return refusal(Code.CONFLICT, DUPLICATE)
    (one,) = outcome.deliveries
    kind: Any = outcome.message.type.rpartition(".")[2]
    at = clock.iso(ids.time_of(one.id))
    return ok(call, SentOut(ids.show(NOUN, one.id), "pending", kind, at), 202)


def _mail(tx: Tx, call: Call, command: SendEmail, looker: Looker) -> Notify:
    """Check a mail by the rules of its plan, then by those of the engine."""
    plan, has = call.caller.plan, looker.of(call.caller.account_id)
    rules.check_means(plan, has)
    rules.check_routing(plan, has, command.provider, command.fallback)
    draft = _composed(tx, call, command, has)
    return _notify(call, jobwire.EMAIL, draft, command.priority)


def _composed(tx: Tx, call: Call, command: SendEmail, has: Means) -> Draft:
    settings, caller = call.services.settings, call.caller
    sender = rules.sender(caller.plan, has, command.sender, settings)
    mail = Mail(
        to=(command.to,),
        sender=sender,
        subject=command.subject,
        html=command.body,
        provider=command.provider,
        fallback=command.fallback,
        policy=PRESETS["once"] if command.provider else schedule(settings),
        meta={} if command.sender is None else {jobwire.FROM: command.sender},
        own=caller.plan in rules.PAID and _is_own(sender, has),
    )
    account_id, project_id = caller.account_id, call.project_id
    bound, held = caller.key.sending_domain, caller.key.hold_mails
    try:
        return email.compose(tx, account_id, project_id, mail, settings, bound=bound, held=held)
    except AppError as wrong:
        host = wrong.extra.get(SENDER)
        if wrong.code is Code.INVALID and isinstance(host, str):
            raise rules.unverified(sender or str(command.sender), host) from None
        raise


def _is_own(sender: str, has: Means) -> bool:
    """Whether it is at a host of one of the account's domains."""
    host = emails.read(sender).domain
    return any(host.endswith(f".{one.name}") for one in has.able)


def _request(tx: Tx, call: Call, command: SendWebhook) -> Notify:
    call.check_unbound()
    asked = Webhook(
        url=command.url,
        payload=command.payload,
        method=command.method,
        headers=command.headers,
        shape=Shape.NOTIFYKIT,
        policy=schedule(call.services.settings),
    )
    safe = Safe(call.services.pepper)
    draft = webhook.compose(tx, call.caller.account_id, call.project_id, asked, safe)
    return _notify(call, jobwire.WEBHOOK, draft, command.priority)


def schedule(settings: Settings) -> Policy:
    """When a job is tried again."""
    first = settings.notifykit_retry_s * 1000
    delays = (round(first), round(first * settings.notifykit_retry_factor))
    return msgspec.structs.replace(PRESETS["notifykit"], delays_ms=delays)


def _notify(call: Call, type_: str, draft: Draft, priority: Priority) -> Notify:
    caller = call.caller
    return Notify(
        account_id=caller.account_id,
        project_id=call.project_id,
        now=call.now,
        type=type_,
        body=draft.body,
        targets=draft.targets,
        priority=rules.priority(caller.plan, priority),
        erase=True,
        message_id=MessageId(ids.new_at(call.now)),
    )


def _recipients(command: SendEmail) -> int:
    return 0 if command.problem is not None else 1


def _bound(_settings: Settings) -> int:
    return REQUEST_BYTES_MAX


def _endpoint(operation: str, path: str, meter: Meter, **more: Any) -> Endpoint:
    """A body that is wrong is priced too: where the quota is used up, that is told first."""
    return Endpoint(
        operation=operation,
        method="POST",
        path=f"/api/v1/notifications/{path}",
        scope=Scope.MESSAGES_SEND,
        tag="Notifications",
        charge=lambda _command: Charge(meter),
        writes=True,
        vector=True,
        bound=_bound,
        status=202,
        response=SentOut,
        errors=(Code.CONFLICT, Code.QUOTA_EXCEEDED),
        samples=(refusal(Code.CONFLICT, DUPLICATE),),
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "sendEmail",
        "email",
        Meter.EMAIL,
        summary="Send an e-mail",
        description="It is kept before it is acknowledged, and tried three times unless a "
        "`provider` is named. On Indie and Startup it needs a provider of your own and a verified "
        "domain.",
        parse=parse_email,
        run=send_emails,
        recipients=_recipients,
        request=EmailIn,
        example={"to": "jane@example.com", "subject": "Hello", "body": "<p>How are you?</p>"},
    ),
    _endpoint(
        "sendWebhook",
        "webhook",
        Meter.WEBHOOK,
        summary="Send a webhook",
        description="It is kept before it is acknowledged, and tried three times; an answer of "
        "4xx ends it at once. The payload is sent as compact JSON, whatever the method.",
        parse=parse_webhook,
        run=send_webhooks,
        request=WebhookIn,
        example={"url": "https://example.com/hook", "payload": {"hello": "world"}},
    ),
)
