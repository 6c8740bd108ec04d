"""`/v1/ping` and `/v1/me`: is it there, and who am I to it?"""

from __future__ import annotations

import msgspec

from gatepost.base import ids
from gatepost.dialects.native.envelope import ok
from gatepost.domains.accounts import store as accounts
from gatepost.domains.projects import store as projects
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free


class Named(msgspec.Struct):
    """Something with an id and a name."""

    id: str
    name: str


class Me(msgspec.Struct):
    """The credential a request came with."""

    organization: Named
    project: Named | None
    scopes: list[str]
    via: str = "api_key"


class Pong(msgspec.Struct):
    """The answer to a ping."""

    message: str = "pong"


def nothing(_call: Call, _body: bytes) -> None:
    """Parse an endpoint that takes no input."""


def ping(_tx: Tx, call: Call, _command: None) -> Reply:
    """Answer."""
    return ok(call, Pong())


def me(tx: Tx, call: Call, _command: None) -> Reply:
    """Tell whose key this is."""
    caller = call.caller
    account = accounts.get(tx, caller.account_id)
    project = projects.find(tx, account.id, call.project) if call.project else None
    named = Named(ids.show("project", project.id), project.name) if project else None
    scopes = sorted(str(scope) for scope in caller.scopes if scope != Scope.ANY)
    return ok(call, Me(Named(ids.show("account", account.id), account.name), named, scopes))


ENDPOINTS = (
    Endpoint(
        operation="ping",
        method="GET",
        path="/v1/ping",
        scope=Scope.ANY,
        summary="Check that the key works",
        tag="Meta",
        parse=nothing,
        run=ping,
        charge=free,
        writes=False,
        project=False,
        response=Pong,
    ),
    Endpoint(
        operation="me",
        method="GET",
        path="/v1/me",
        scope=Scope.ANY,
        summary="Tell whose key this is",
        tag="Meta",
        parse=nothing,
        run=me,
        charge=free,
        writes=False,
        project=False,
        response=Me,
    ),
)
