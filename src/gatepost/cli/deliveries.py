"""`gatepost deliveries`: how messages reach whom they are for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure, Limit, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.base.ids import AccountId
    from gatepost.domains.audit.model import Actor
    from gatepost.domains.outbox.model import Delivery
    from gatepost.domains.outbox.store import Narrow
    from gatepost.storage.db import Tx

app = App(name="deliveries", help="How messages reach whom they are for, and another try.")
COLUMNS = ("id", "createdAt", "transport", "state", "attempts", "status", "error")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its id.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """Which deliveries."""

    state: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            help="pending, waiting, sending, succeeded, failed or canceled; repeatable.",
        ),
    ] = ()
    transport: Annotated[str | None, Parameter(help="webhook, email, chat or push.")] = None
    endpoint: Annotated[str | None, Parameter(help="Those to an endpoint, by its id.")] = None
    message: Annotated[str | None, Parameter(help="Those of a message, by its id.")] = None
    since: Annotated[str | None, Parameter(help="Made at or after a moment, or as 2h ago.")] = None
    before: Annotated[str | None, Parameter(help="Made before a moment, or as 2h ago.")] = None


WHICH = Which()


@app.command(name="list")
def list_(
    *,
    which: Which = WHICH,
    limit: Limit = 50,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """List deliveries, newest first, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.outbox import store

    wanted = _narrow(which)
    with open_folder(common).read() as tx:
        found = [
            one
            for owner in find.owners(tx, account)
            for one in store.list_(tx, owner, wanted, limit=limit)
        ]
    found.sort(key=lambda one: one.id, reverse=True)
    show.many(common, "deliveries", [_shown(one) for one in found[:limit]], COLUMNS)


@app.command(name="show")
def show_(delivery: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Show a delivery and every attempt."""
    from gatepost.cli.common import put_json
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native.deliverywire import show_delivery
    from gatepost.domains.outbox import attempts, store

    with open_folder(common).read() as tx:
        one = _find(tx, account, delivery)
        tried = attempts.of(tx, one.account_id, [one.id])[one.id]
        types = store.types_of(tx, one.account_id, [one.message_id])
    shown = show_delivery(one, tried, types[one.message_id])
    if common.json:
        put_json(shown)
        return
    for line in lines(shown):
        put(line)


def lines(shown: Any) -> list[str]:
    """A delivery as people read it: itself, and a line for each attempt."""
    from gatepost.cli.show import printable

    told = [f"{shown.id}  {shown.transport}  {shown.state}  {shown.error or ''}".rstrip()]
    told += [f"  message {shown.message_id}, made {shown.created_at}"]
    if shown.due_at:
        told += [f"  due {shown.due_at}"]
    for one in shown.log:
        by_hand = ", by hand" if one.manual else ""
        how = "ok" if one.ok else one.error or one.fault
        told += [f"  {one.at}  #{one.number}{by_hand}  {how}  {one.duration_ms} ms"]
    return [printable(line) for line in told]


@app.command
def replay(
    delivery: Annotated[str | None, Parameter(help="Its id; else those the flags name.")] = None,
    /,
    *,
    which: Which = WHICH,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Send what a delivery said once more, or what all that failed said which the flags name.

    A running server begins within a second.
    """
    from gatepost.base import ids
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.audit.model import Target
    from gatepost.engine import replay as verbs

    if (delivery is None) == (which == WHICH):
        raise Failure("name one delivery, or say which: --since, --endpoint, …", USAGE)
    if delivery is not None:
        _change(verbs.replay, delivery, account, common)
        return
    local, wanted = open_folder(common), _ended(_narrow(which))
    count = 0
    with local.write() as tx:
        for owner in find.owners(tx, account):
            target = Target(ids.show("account", owner))
            done = verbs.replay_many(tx, owner, wanted, local.actor, local.now(), target)
            count += done.count
    show.one(common, {"replayed": count}, f"{count} replayed")


@app.command
def cancel(delivery: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Cancel a delivery that has not ended and is not being sent."""
    from gatepost.engine import replay as verbs

    _change(verbs.cancel, delivery, account, common)


@app.command
def skip(delivery: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Cancel a delivery that others with its ordering key wait for."""
    from gatepost.engine import replay as verbs

    _change(verbs.skip, delivery, account, common)


def _change(
    act: Callable[[Tx, Delivery, Actor, int], Delivery],
    delivery: str,
    account: str | None,
    common: Common,
) -> None:
    from gatepost.cli import show
    from gatepost.cli.local import open_folder

    local = open_folder(common)
    with local.write() as tx:
        changed = act(tx, _find(tx, account, delivery), local.actor, local.now())
    shown = _shown(changed)
    show.one(common, shown, f"{shown['id']}  {shown['state']}")


def _find(tx: Tx, account: str | None, wanted: str) -> Delivery:
    from gatepost.base import ids
    from gatepost.base.ids import DeliveryId
    from gatepost.cli import find
    from gatepost.domains.outbox import store

    delivery_id = DeliveryId(ids.parse("delivery", wanted))

    def look(owner: AccountId) -> Delivery | None:
        return store.find(tx, owner, delivery_id)

    found = next((one for one in map(look, find.owners(tx, account)) if one), None)
    if found is None:
        raise Failure(f"no delivery {wanted!r}")
    return found


def _narrow(which: Which) -> Narrow:
    from gatepost.base import ids
    from gatepost.base.clock import now_ms
    from gatepost.base.ids import EndpointId, MessageId
    from gatepost.cli import parse
    from gatepost.domains.outbox.model import State, Transport
    from gatepost.domains.outbox.store import Narrow

    since, before = (parse.given(parse.past, one, now_ms()) for one in (which.since, which.before))
    endpoint, message, by = which.endpoint, which.message, which.transport
    return Narrow(
        states=tuple(parse.choice(State, one, "state") for one in which.state),
        transport=None if by is None else parse.choice(Transport, by, "transport"),
        endpoint_id=None if endpoint is None else EndpointId(ids.parse("endpoint", endpoint)),
        message_id=None if message is None else MessageId(ids.parse("message", message)),
        since=None if since is None else ids.floor_at(since),
        before=None if before is None else ids.floor_at(before),
    )


def _ended(wanted: Narrow) -> Narrow:
    """Those that failed, unless others are asked for that have ended."""
    from gatepost.domains.outbox.byhand import ENDED
    from gatepost.domains.outbox.model import State

    if any(one not in ENDED for one in wanted.states):
        raise Failure(f"state: Must be one of {', '.join(ENDED)}", USAGE)
    return wanted._replace(states=wanted.states or (State.FAILED,))


def _shown(one: Delivery) -> dict[str, Any]:
    import msgspec

    from gatepost.dialects.native.deliverywire import show_delivery

    shown: dict[str, Any] = msgspec.to_builtins(show_delivery(one))
    return shown
