"""`/api/v1/user/{sendgrid,resend,postmark}-key` and `/email-provider`: through whom mails leave."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.base.errors import Code
from gatepost.base.vault import Damaged
from gatepost.dialects.notifykit import user, wire
from gatepost.dialects.notifykit.envelope import ok
from gatepost.dialects.notifykit.user import DoneOut
from gatepost.domains.mailers import model
from gatepost.domains.mailers.model import Mailer, MailerKind
from gatepost.engine import connect
from gatepost.engine.post import Secrets
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint

NAMES = {
    MailerKind.SENDGRID: "SendGrid",
    MailerKind.RESEND: "Resend",
    MailerKind.POSTMARK: "Postmark",
}
KINDS = tuple(NAMES)
TOKEN = "Postmark server token"  # noqa: S105 # what a secret is called, not one
SHOWN = 4
"""How much of a key is shown: its end."""

Priority = Annotated[int, Meta(description="Who is asked first: lower ones are.")]


class KeyIn(msgspec.Struct, rename="camel", frozen=True):
    """A provider's API key."""

    api_key: Annotated[str, Meta(description="It is kept encrypted.", examples=["SG.…"])]


class TokensIn(msgspec.Struct, rename="camel", frozen=True):
    """Postmark's tokens; the account's is not needed."""

    server_token: Annotated[str, Meta(description="It is kept encrypted.", examples=["…"])]
    account_token: Annotated[str | None, Meta(description="It is not kept.")] = None


class KeyOut(msgspec.Struct, rename="camel"):
    """Whether a provider is connected."""

    has_key: bool
    added_at: str | None
    last_four: str | None
    priority: Priority | None


class TokenOut(KeyOut, rename="camel"):
    """Whether Postmark is connected."""

    has_account_key: bool = False


class ProviderOut(msgspec.Struct, rename="camel"):
    """A provider that is connected."""

    provider: str
    added_at: str
    last_four: str | None
    priority: Priority


class ProvidersOut(msgspec.Struct):
    """The providers that are connected, in their order."""

    providers: list[ProviderOut]


class RankedOut(msgspec.Struct):
    """A provider that is connected."""

    provider: str
    priority: Priority


class RankingOut(msgspec.Struct):
    """The providers that are connected, in their order."""

    providers: list[RankedOut]


class PriorityIn(msgspec.Struct, frozen=True):
    """When a provider is asked."""

    priority: Annotated[int, Meta(ge=1, le=model.PRIORITY_MAX, examples=[1])]


class Ranking(NamedTuple):
    """Which provider gets which priority; `named` is how the caller names it."""

    kind: MailerKind
    named: str
    priority: int


def parse_key(kind: MailerKind, call: Call, body: bytes) -> str:
    """Read a key; raises INVALID."""
    label = TOKEN if kind is MailerKind.POSTMARK else f"{NAMES[kind]} API key"
    name = "serverToken" if kind is MailerKind.POSTMARK else "apiKey"
    secret = wire.members(body).get(name)
    if not isinstance(secret, str) or not secret:
        raise wire.refusal(Code.INVALID, f"{label} is required")
    if user.is_free(call):
        words = f"{NAMES[kind]} API key is only available for paid plans"
        raise wire.refusal(Code.INVALID, words)
    if len(secret) > model.SECRET_MAX or not secret.isascii() or not secret.isprintable():
        raise wire.refusal(Code.INVALID, f"Invalid {label}")
    return secret


def save(kind: MailerKind, tx: Tx, call: Call, secret: str) -> Reply:
    """Connect a provider."""
    user.check_key(tx, call)
    account_id, secrets = call.caller.account_id, Secrets(call.services.pepper)
    connect.connect(tx, account_id, kind, secret, KINDS, secrets, call.actor, call.now)
    return ok(call, DoneOut(f"{NAMES[kind]} API key saved successfully"))


def get(kind: MailerKind, tx: Tx, call: Call, _command: None) -> Reply:
    """Tell whether a provider is connected."""
    shape = TokenOut if kind is MailerKind.POSTMARK else KeyOut
    found = [one for one in _connected(tx, call) if one.kind is kind]
    if not found:
        return ok(call, shape(False, None, None, None))
    (one,) = found
    shown = shape(True, clock.iso(one.created_at), _last_four(call, one), one.priority)
    return ok(call, shown)


def remove(kind: MailerKind, tx: Tx, call: Call, _command: None) -> Reply:
    """Disconnect a provider; it need not be connected."""
    user.check_key(tx, call)
    connect.disconnect(tx, call.caller.account_id, kind, call.actor, call.now)
    return ok(call, DoneOut(f"{NAMES[kind]} API key removed successfully"))


def list_(tx: Tx, call: Call, _command: None) -> Reply:
    """List the providers that are connected."""
    shown = [
        ProviderOut(_name(one), clock.iso(one.created_at), _last_four(call, one), one.priority)
        for one in _connected(tx, call)
    ]
    return ok(call, ProvidersOut(shown))


def parse_priority(call: Call, body: bytes) -> Ranking:
    """Read who gets which priority; raises INVALID."""
    named, priority = call.params["provider"], wire.members(body).get("priority")
    if not isinstance(priority, int) or isinstance(priority, bool) or priority < 1:
        raise wire.refusal(Code.INVALID, "priority must be a positive integer")
    if priority > model.PRIORITY_MAX:
        words = f"priority must not be greater than {model.PRIORITY_MAX}"
        raise wire.refusal(Code.INVALID, words)
    kind = next((one for one in KINDS if one.value == named.lower()), None)
    if kind is None:
        raise wire.refusal(Code.INVALID, f"Unknown provider: {named}", "Unknown provider")
    return Ranking(kind, named, priority)


def rank(tx: Tx, call: Call, command: Ranking) -> Reply:
    """Give a provider a priority; whoever has it gets the former one."""
    user.check_key(tx, call)
    account_id, secrets = call.caller.account_id, Secrets(call.services.pepper)
    if all(one.kind is not command.kind for one in _connected(tx, call)):
        words = f"No {command.named} API key configured"
        raise wire.refusal(Code.NOT_FOUND, words, "Not configured")
    ranked = connect.rank(
        tx, account_id, command.kind, command.priority, KINDS, secrets, call.actor, call.now
    )
    return ok(call, RankingOut([RankedOut(_name(one), one.priority) for one in ranked]))


def _connected(tx: Tx, call: Call) -> list[Mailer]:
    return connect.connected(tx, call.caller.account_id, KINDS)


def _name(mailer: Mailer) -> str:
    return mailer.kind.value.upper()


def _last_four(call: Call, mailer: Mailer) -> str | None:
    """The end of a key; of a short one nothing is shown."""
    try:
        secret = Secrets(call.services.pepper).open(mailer)
    except Damaged:
        return None
    return secret[-SHOWN:] if len(secret) > 2 * SHOWN else None


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    scope = Scope.DOMAINS_READ if method == "GET" else Scope.DOMAINS_WRITE
    return user.endpoint(operation, method, path, scope=scope, **more)


def _of(kind: MailerKind) -> tuple[Endpoint, ...]:
    name, path = NAMES[kind], f"{kind.value}-key"
    postmark = kind is MailerKind.POSTMARK
    return (
        _endpoint(
            f"get{name}Key",
            "GET",
            path,
            summary=f"Read whether {name} is connected",
            run=partial(get, kind),
            response=TokenOut if postmark else KeyOut,
        ),
        _endpoint(
            f"save{name}Key",
            "POST",
            path,
            summary=f"Connect {name}",
            description="On paid plans. It is asked after those that are connected already; a "
            "key that is there is replaced.",
            parse=partial(parse_key, kind),
            run=partial(save, kind),
            request=TokensIn if postmark else KeyIn,
            response=DoneOut,
            example={"serverToken" if postmark else "apiKey": "…"},
            errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
        ),
        _endpoint(
            f"remove{name}Key",
            "DELETE",
            path,
            summary=f"Disconnect {name}",
            run=partial(remove, kind),
            response=DoneOut,
            errors=(Code.IDEMPOTENCY_CONFLICT,),
        ),
    )


ENDPOINTS = (
    *(one for kind in KINDS for one in _of(kind)),
    _endpoint(
        "listEmailProviders",
        "GET",
        "email-provider",
        summary="List the providers that are connected",
        description="In the order in which they are asked.",
        run=list_,
        response=ProvidersOut,
    ),
    _endpoint(
        "rankEmailProvider",
        "PATCH",
        "email-provider/{provider}/priority",
        summary="Say when a provider is asked",
        description="Whichever has the priority gets the former one of this.",
        parse=parse_priority,
        run=rank,
        request=PriorityIn,
        response=RankingOut,
        example={"priority": 1},
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
