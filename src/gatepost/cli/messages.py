"""`gatepost messages`: what is told to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli import deliveries, messagesecret
from gatepost.cli.common import COMMON, Common, Failure, Limit, put

if TYPE_CHECKING:
    from gatepost.domains.outbox.model import Message
    from gatepost.storage.db import Tx

app = App(name="messages", help="What is told to somebody, and how it went.")
app.command(messagesecret.app)
COLUMNS = ("id", "createdAt", "type", "priority", "states")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command(name="list")
def list_(
    *,
    state: Annotated[str | None, Parameter(help="Those with a delivery in this state.")] = None,
    type_: Annotated[str | None, Parameter(name="--type", help="As event.orders.")] = None,
    limit: Limit = 50,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """List messages, newest first, of one account or of all."""
    from gatepost.cli import find, parse, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.outbox import store
    from gatepost.domains.outbox.model import State
    from gatepost.domains.outbox.store import Asked

    wanted = Asked(state=None if state is None else parse.choice(State, state, "state"), type=type_)
    rows: list[dict[str, Any]] = []
    with open_folder(common).read() as tx:
        for owner in find.owners(tx, account):
            found = store.search(tx, owner, wanted, limit)
            sent = store.of_messages(tx, owner, [one.id for one in found])
            rows += [_shown(one, sent[one.id]) for one in found]
    rows.sort(key=lambda one: str(one["id"]), reverse=True)
    show.many(common, "messages", rows[:limit], COLUMNS)


@app.command(name="show")
def show_(
    message: Annotated[str, Parameter(help="Its id.")],
    /,
    *,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Show a message, what it says, its deliveries and every attempt."""
    from gatepost.cli.common import put_json
    from gatepost.cli.local import open_folder
    from gatepost.cli.show import printable
    from gatepost.dialects.native.deliverywire import show_delivery
    from gatepost.dialects.native.messagewire import show_whole
    from gatepost.domains.outbox import attempts, store

    with open_folder(common).read() as tx:
        one = _find(tx, account, message)
        sent = store.of_messages(tx, one.account_id, [one.id])[one.id]
        tried = attempts.of(tx, one.account_id, [it.id for it in sent])
    if common.json:
        put_json(show_whole(one, sent, tried))
        return
    put(f"{message}  {printable(one.type)}  {one.priority.name.lower()}")
    put(printable(one.body or "(erased)"))
    for it in sent:
        for line in deliveries.lines(show_delivery(it, tried[it.id])):
            put(line)


def _find(tx: Tx, account: str | None, wanted: str) -> Message:
    from gatepost.base import ids
    from gatepost.base.ids import MessageId
    from gatepost.cli import find
    from gatepost.domains.outbox import store

    message_id = MessageId(ids.parse("message", wanted))
    looked = (store.find_message(tx, owner, message_id) for owner in find.owners(tx, account))
    found = next((one for one in looked if one), None)
    if found is None:
        raise Failure(f"no message {wanted!r}")
    return found


def _shown(message: Message, sent: Any) -> dict[str, Any]:
    import msgspec

    from gatepost.dialects.native import messagewire

    shown: dict[str, Any] = msgspec.to_builtins(messagewire.show(message, sent))
    return shown | {"states": [one["state"] for one in shown["deliveries"]]}
