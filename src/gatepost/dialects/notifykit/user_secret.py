"""`/api/v1/user/webhook-secret`: what an account's webhooks are signed with."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.base import clock
from gatepost.base.errors import AppError, Code
from gatepost.delivery import signing
from gatepost.dialects.notifykit import user, wire
from gatepost.dialects.notifykit.envelope import ok
from gatepost.dialects.notifykit.user import DoneOut
from gatepost.domains.webhooksecrets import store
from gatepost.engine import sign
from gatepost.engine.sign import Ring
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint

PATH = "webhook-secret"
NONE_YET = "No webhook signing secret to rotate. Generate one first."
DELETED = "Webhook signing secret deleted."


class SecretOut(msgspec.Struct, rename="camel"):
    """A new secret, which is shown this once."""

    secret: str
    created_at: str


class SecretStatusOut(msgspec.Struct, rename="camel"):
    """Whether webhooks are signed, and since when with the present secret."""

    has_secret: bool
    created_at: str | None


def get(tx: Tx, call: Call, _command: None) -> Reply:
    """Tell whether there is a secret."""
    found = store.find(tx, call.caller.account_id)
    since = None if found is None else clock.iso(found.updated_at)
    return ok(call, SecretStatusOut(found is not None, since))


def generate(tx: Tx, call: Call, _command: None) -> Reply:
    """Make a secret, which takes the place of any other at once."""
    user.check_key(tx, call)
    account_id, pepper = call.caller.account_id, call.services.pepper
    made, default = signing.new_secret(), signing.secret_of(pepper, account_id)
    sign.choose(tx, account_id, made, 0, default, Ring(pepper), call.actor, call.now)
    return ok(call, SecretOut(made, clock.iso(call.now)), secret=True)


def rotate(tx: Tx, call: Call, command: None) -> Reply:
    """Make a secret in place of another one; raises INVALID where there is none."""
    if store.find(tx, call.caller.account_id) is None:
        raise wire.refusal(Code.INVALID, NONE_YET)
    return generate(tx, call, command)


def delete(tx: Tx, call: Call, _command: None) -> Reply:
    """Sign no more; there need not be a secret."""
    user.check_key(tx, call)
    try:
        sign.drop(tx, call.caller.account_id, call.actor, call.now)
    except AppError as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
    return ok(call, DoneOut(DELETED))


def _endpoint(operation: str, method: str, path: str = "", **more: Any) -> Endpoint:
    return user.endpoint(operation, method, PATH + path, scope=Scope.MESSAGES_WRITE, **more)


ENDPOINTS = (
    _endpoint(
        "getWebhookSecret",
        "GET",
        summary="Read whether webhooks are signed",
        run=get,
        response=SecretStatusOut,
    ),
    _endpoint(
        "generateWebhookSecret",
        "POST",
        summary="Make the secret that webhooks are signed with",
        description="It is shown once, and takes the place of any other at once.",
        run=generate,
        response=SecretOut,
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
    _endpoint(
        "rotateWebhookSecret",
        "POST",
        "/rotate",
        summary="Replace the secret that webhooks are signed with",
        description="The next attempt is signed with the new one alone. 400 where there is none.",
        run=rotate,
        response=SecretOut,
        errors=(Code.INVALID, Code.IDEMPOTENCY_CONFLICT),
    ),
    _endpoint(
        "deleteWebhookSecret",
        "DELETE",
        summary="Sign webhooks no more",
        run=delete,
        response=DoneOut,
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
)
