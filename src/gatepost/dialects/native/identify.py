"""`/v1/identify`: who a user is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import FieldError
from gatepost.dialects.native.envelope import ok
from gatepost.engine.identify import Identified, Identify, identify
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, Naming, free
from gatepost.web.validate import Body

UserId = Annotated[str, Meta(max_length=255)]
Alias = Annotated[str, Meta(min_length=1, max_length=255)]


class NewIdentity(msgspec.Struct):
    """A user's properties and aliases. `userId` may stand in for `user_id`."""

    user_id: UserId | UnsetType = UNSET
    userId: UserId | UnsetType = UNSET  # noqa: N815 # the wire's second spelling
    properties: Annotated[dict[str, Any], Meta(description="Any JSON object.")] = {}
    aliases: Annotated[list[Alias], Meta(max_length=50)] = []


class FailedAlias(msgspec.Struct):
    """An alias that could not be given, and why."""

    alias: str
    reason: str


class AliasesOut(msgspec.Struct, omit_defaults=True):
    """Aliases this identity holds after the call, and those another one keeps."""

    created: list[str]
    failed: list[FailedAlias] = []


class IdentityOut(msgspec.Struct, rename="camel"):
    """The identity as it is stored now."""

    id: str
    user_id: str
    properties: msgspec.Raw
    aliases: AliasesOut
    updated_at: str


SPELLINGS = ("user_id", "userId")


def _who(raw: Mapping[str, Any]) -> Iterator[FieldError]:
    """What is wrong with the two spellings together: one must be there, both must agree."""
    given = [raw[name] for name in SPELLINGS if name in raw]
    if not given:
        yield FieldError((SPELLINGS[0],), "Required")
    elif given[0] == "":
        yield FieldError((SPELLINGS[0],), "User ID is required")
    elif given[0] != given[-1]:
        yield FieldError((SPELLINGS[1],), f"Must equal {SPELLINGS[0]}")


_body = Body(NewIdentity, _who)


def parse(_call: Call, body: bytes) -> Identify:
    """Read a body; raises INVALID."""
    new = _body.decode(body)
    user_id = new.userId if new.user_id is UNSET else new.user_id
    return Identify(str(user_id), new.properties, tuple(new.aliases))


def run(tx: Tx, call: Call, command: Identify) -> Reply:
    """Store the identity."""
    done = identify(tx, call.caller.account_id, call.project_id, command, call.now)
    return ok(call, _show(done))


def _show(done: Identified) -> IdentityOut:
    person = done.person
    failed = [FailedAlias(alias, "Alias already exists") for alias in done.failed]
    return IdentityOut(
        ids.show("person", person.id),
        person.user_id,
        msgspec.Raw(person.properties_json),
        AliasesOut(done.created, failed),
        clock.iso(person.updated_at),
    )


ENDPOINTS = (
    Endpoint(
        operation="identifyUser",
        method="POST",
        path="/v1/identify",
        aliases=("/api/v1/identify",),
        scope=Scope.IDENTITIES_WRITE,
        summary="Tell who a user is",
        tag="Identity",
        parse=parse,
        run=run,
        charge=free,
        writes=True,
        customer=Naming.OPTIONAL,
        request=NewIdentity,
        response=IdentityOut,
    ),
)
