"""`gatepost endpoint`: URLs that are told what happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.cli.local import Local
    from gatepost.dialects.native.endpointwire import NewEndpointIn
    from gatepost.domains.endpoints.model import Endpoint
    from gatepost.engine.enlist import Made
    from gatepost.storage.db import Tx

app = App(name="endpoint", help="URLs that are told what happens.")

COLUMNS = ("id", "name", "url", "types", "status", "failingSince")
Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its id, or its name where no other has it.")]
Secret = Annotated[
    str | None, Parameter(help="Your own secret, as whsec_…; without it one is made.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Wishes:
    """What a new endpoint is told, and how."""

    name: Annotated[str | None, Parameter(help="Its name: the host's.")] = None
    type: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="What it is told, as event.orders or message.*; repeatable."),
    ] = ()
    header: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="A further header of its requests, `Name: value`; repeatable."),
    ] = ()
    retry: Annotated[str, Parameter(help="The schedule of attempts, by its name.")] = "standard"
    signature: Annotated[
        str, Parameter(help="Whose signature goes beside: standard, notifykit or emailit.")
    ] = "standard"
    array: Annotated[
        bool, Parameter(negative="", show_default=False, help="Send an array that holds it.")
    ] = False
    rate: Annotated[float | None, Parameter(help="Requests a second at most.")] = None
    cap: Annotated[int | None, Parameter(help="Requests under way at once at most.")] = None
    secret: Secret = None


WISHES = Wishes()


@app.command
def create(
    url: str,
    /,
    *,
    project: Annotated[
        str | None, Parameter(help="Project, by name or id; not needed where there is only one.")
    ] = None,
    wishes: Wishes = WISHES,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make an endpoint and print its signing secret, this once."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import endpointwire
    from gatepost.engine import enlist

    given = _given(url, wishes)
    local = open_folder(common)
    with local.write() as tx:
        owner = find.project(tx, account, project)
        new = endpointwire.read_new(local.settings, owner.id, given)
        made = enlist.create(
            tx,
            owner.account_id,
            new,
            endpointwire.read_secret(given.secret),
            enlist.Safe(local.pepper),
            local.actor,
            local.now(),
        )
    _show_secret(common, made)


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List endpoints, oldest first, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.endpoints import store

    with open_folder(common).read() as tx:
        found = [it for owner in find.owners(tx, account) for it in store.list_(tx, owner)]
    show.many(common, "endpoints", [_shown(it) for it in found], COLUMNS)


@app.command(name="show")
def show_(endpoint: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Show an endpoint and how it fares."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder

    with open_folder(common).read() as tx:
        it = find.endpoint(tx, account, endpoint)
    shown = _shown(it)
    lines = [f"{name}: {show.printable(str(value))}" for name, value in shown.items()]
    show.one(common, shown, "\n".join(lines))


@app.command
def rotate(
    endpoint: Named,
    /,
    *,
    grace: Annotated[
        int, Parameter(help="Seconds the former secret signs as well, up to 7 days.")
    ] = 86_400,
    secret: Secret = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Give an endpoint a new signing secret and print it, this once."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native.endpointwire import read_secret
    from gatepost.engine import enlist

    local, new = open_folder(common), read_secret(_unset(secret))
    safe = enlist.Safe(local.pepper)
    with local.write() as tx:
        it = find.endpoint(tx, account, endpoint)
        made = enlist.rotate(tx, it.account_id, it.id, new, grace, safe, local.actor, local.now())
    _show_secret(common, made)


@app.command
def enable(endpoint: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Switch an endpoint on again; what failed before is forgotten."""
    from gatepost.engine import enlist

    _change(endpoint, account, common, enlist.enable, "enabled")


@app.command
def disable(endpoint: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Switch an endpoint off: it is told nothing more."""
    from gatepost.engine import enlist

    _change(endpoint, account, common, enlist.disable, "disabled")


@app.command
def delete(endpoint: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """End an endpoint for good."""
    from gatepost.engine import enlist

    _change(endpoint, account, common, enlist.end, "deleted", deleted=True)


@app.command(name="test")
def try_(
    endpoint: Named,
    /,
    *,
    type_: Annotated[
        str, Parameter(name="--type", help="What to send an example of.")
    ] = "event.test",
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Send an endpoint an example, which a running server delivers: once, marked as a test."""
    from gatepost.base import ids
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.endpoints import model
    from gatepost.engine import example

    if not model.is_type(type_):
        text = f"{type_!r} is no type: lower-case words with dots between, as event.orders"
        raise Failure(text, USAGE)
    local = open_folder(common)
    with local.write() as tx:
        it = find.endpoint(tx, account, endpoint)
        message, delivery = example.send(tx, it, type_, local.now())
    shown = {
        "messageId": ids.show("message", message.id),
        "deliveryId": ids.show("delivery", delivery.id),
        "type": message.type,
    }
    show.one(common, shown, f"{shown['deliveryId']}: on its way")


def _change(
    named: str,
    account: str | None,
    common: Common,
    verb: Callable[..., Endpoint],
    done: str,
    **more: Any,
) -> None:
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder

    local = open_folder(common)
    with local.write() as tx:
        it = _changed(tx, local, find.endpoint(tx, account, named), verb)
    show.one(common, {**_shown(it), **more}, f"{show.printable(it.name)}: {done}")


def _changed(tx: Tx, local: Local, it: Endpoint, verb: Callable[..., Endpoint]) -> Endpoint:
    return verb(tx, it.account_id, it.id, local.actor, local.now())


def _given(url: str, wishes: Wishes) -> NewEndpointIn:
    """The endpoint as the API takes it, within the same bounds; raises INVALID."""
    from gatepost.dialects.native.endpointwire import NewEndpointIn
    from gatepost.web import validate

    members = {
        "url": url,
        "name": wishes.name,
        "types": list(wishes.type) or None,
        "headers": dict(map(_header, wishes.header)) or None,
        "retry": wishes.retry,
        "signature": wishes.signature,
        "payloadFormat": "array" if wishes.array else None,
        "rate": wishes.rate,
        "cap": wishes.cap,
        "secret": wishes.secret,
    }
    given = {name: value for name, value in members.items() if value is not None}
    return validate.convert(NewEndpointIn, given)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise Failure("a header is written as `Name: value`", USAGE)
    return name.strip(), value.strip()


def _unset(secret: str | None) -> Any:
    from msgspec import UNSET

    return UNSET if secret is None else secret


def _show_secret(common: Common, made: Made) -> None:
    from gatepost.cli import show

    if not common.json:
        say(f"{show.printable(made.endpoint.name)}: this secret is shown once")
    show.one(common, {**_shown(made.endpoint), "secret": made.secret}, made.secret)


def _shown(it: Endpoint) -> dict[str, Any]:
    import msgspec

    from gatepost.dialects.native import endpointwire

    shown: dict[str, Any] = msgspec.to_builtins(endpointwire.show(it))
    return shown
