"""`/api/v1/user/api-key`: the calling key."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.base.errors import Code
from gatepost.dialects.notifykit import user, wire
from gatepost.dialects.notifykit.envelope import ok
from gatepost.domains.keys import model, store
from gatepost.engine import keyring
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

UNCONFIRMED = "Confirmation email required to regenerate API key"
GENERATED = "API key generated successfully. Save it securely - you won't see it again."
BULLETS = "•" * 16
SHOWN = 4


class ApiKeyOut(msgspec.Struct, rename="camel"):
    """The calling key, without what makes it one."""

    api_key: Annotated[str, Meta(description="Its beginning, bullets, and its end.")]
    masked: bool
    created_at: str


class ConfirmedIn(msgspec.Struct, rename="camel", frozen=True):
    """That it is meant."""

    confirm_email: Annotated[
        str, Meta(description="Anything: an account has no address.", examples=["me@example.com"])
    ]


class NewApiKeyOut(msgspec.Struct, rename="camel"):
    """The key's new secret, which is shown this once."""

    api_key: str
    message: str


def get(tx: Tx, call: Call, _command: None) -> Reply:
    """Show the calling key, masked."""
    key = store.get(tx, call.caller.account_id, call.caller.key_id)
    shown = ApiKeyOut(masked(wire.api_key(call.headers)), True, clock.iso(key.created_at))
    return ok(call, shown)


def masked(secret: str) -> str:
    """A secret's prefix, bullets, and its end."""
    prefix = model.start_of(secret)[: -model.START_EXTRA]
    return f"{prefix}{BULLETS}{secret[-SHOWN:]}"


def parse_confirmed(_call: Call, body: bytes) -> None:
    """See that it is meant; raises INVALID."""
    confirmed = wire.members(body).get("confirmEmail")
    if not isinstance(confirmed, str) or not confirmed:
        raise wire.refusal(Code.INVALID, UNCONFIRMED)


def generate(tx: Tx, call: Call, _command: None) -> Reply:
    """Give the calling key a new secret; the one that it called with ends at once."""
    caller = call.caller
    grantor = keyring.grantor_of(tx, caller.account_id, caller.key_id, call.now)
    made = keyring.rotate(
        tx,
        caller.account_id,
        caller.key_id,
        pepper=call.services.pepper,
        actor=call.actor,
        now=call.now,
        grantor=grantor,
    )
    tx.after_commit(call.services.revoked)
    return ok(call, NewApiKeyOut(made.secret, GENERATED), secret=True)


ENDPOINTS = (
    user.endpoint(
        "getApiKey",
        "GET",
        "api-key",
        scope=Scope.ANY,
        summary="Read the calling key",
        description="Masked: a secret is shown once, when it is made.",
        run=get,
        response=ApiKeyOut,
    ),
    user.endpoint(
        "generateApiKey",
        "POST",
        "api-key/generate",
        scope=Scope.KEYS_WRITE,
        summary="Give the calling key a new secret",
        description="The one that it is called with ends at once. Any `confirmEmail` will do: an "
        "account has no address.",
        parse=parse_confirmed,
        run=generate,
        request=ConfirmedIn,
        response=NewApiKeyOut,
        example={"confirmEmail": "me@example.com"},
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
)
