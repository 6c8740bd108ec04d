"""`/v1/messages/secret`: what webhooks are signed with that go to no endpoint."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gatepost.base.errors import Code
from gatepost.delivery import signing
from gatepost.dialects.native import admin
from gatepost.dialects.native.endpointwire import SecretRotationIn, read_secret
from gatepost.dialects.native.envelope import ok
from gatepost.engine import sign
from gatepost.engine.sign import Ring, Signing
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call
from gatepost.web.validate import Body


class MessageSecretOut(msgspec.Struct):
    """What receivers of direct webhooks verify signatures with (Standard Webhooks)."""

    secret: str
    since: str | None


class Rotation(NamedTuple):
    """What to sign with, and how long (s) former secrets sign beside it."""

    secret: str
    grace_s: int


_rotation_body = Body(SecretRotationIn)


def parse_nothing(_call: Call, _body: bytes) -> None:
    """There is nothing to read."""


def get(tx: Tx, call: Call, _command: None) -> Reply:
    """Show the account's secret."""
    return ok(call, show(sign.current(tx, call.caller.account_id, _default(call), _ring(call))))


def parse_rotation(_call: Call, body: bytes) -> Rotation:
    """Read how to rotate; raises INVALID."""
    given: SecretRotationIn = _rotation_body.decode(body or b"{}")
    return Rotation(read_secret(given.secret), given.grace_seconds)


def rotate(tx: Tx, call: Call, command: Rotation) -> Reply:
    """Give the account a new secret."""
    admin.grantor(tx, call)
    chosen = sign.choose(
        tx,
        call.caller.account_id,
        command.secret,
        command.grace_s,
        _default(call),
        _ring(call),
        call.actor,
        call.now,
    )
    return ok(call, show(chosen), secret=True)


def drop(tx: Tx, call: Call, _command: None) -> Reply:
    """Go back to the secret that the account began with."""
    admin.grantor(tx, call)
    sign.drop(tx, call.caller.account_id, call.actor, call.now)
    return ok(call, show(Signing(_default(call))), secret=True)


def show(signing_: Signing) -> MessageSecretOut:
    """Write a secret for the wire."""
    return MessageSecretOut(signing_.secret, admin.moment(signing_.since))


def _default(call: Call) -> str:
    return signing.secret_of(call.services.pepper, call.caller.account_id)


def _ring(call: Call) -> Ring:
    return Ring(call.services.pepper)


_endpoint = admin.managing("Messages", Scope.MESSAGES_WRITE, Scope.MESSAGES_WRITE)


ENDPOINTS = (
    _endpoint(
        "getMessageSecret",
        "GET",
        "/v1/messages/secret",
        summary="Read the secret that direct webhooks are signed with",
        description="That of the account, for webhooks that go to no endpoint; each endpoint has "
        "one of its own.",
        parse=parse_nothing,
        run=get,
        response=MessageSecretOut,
    ),
    _endpoint(
        "rotateMessageSecret",
        "POST",
        "/v1/messages/secret/rotate",
        summary="Give direct webhooks a new secret",
        description="The next attempt is signed with it, also one of a message that waits "
        "already. For a while `webhook-signature` holds a signature of each; the other signature "
        "headers hold one only, that of the new secret. The same request again with its "
        "`Idempotency-Key` is 409.",
        parse=parse_rotation,
        run=rotate,
        request=SecretRotationIn,
        response=MessageSecretOut,
        example={"graceSeconds": 86400},
        errors=(Code.IDEMPOTENCY_CONFLICT,),
    ),
    _endpoint(
        "deleteMessageSecret",
        "DELETE",
        "/v1/messages/secret",
        summary="Forget the secret that was chosen for direct webhooks",
        description="They are signed with the one that the account began with again, at once. 404 "
        "where none was chosen.",
        parse=parse_nothing,
        run=drop,
        response=MessageSecretOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
