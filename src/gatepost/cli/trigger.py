"""`gatepost trigger`: something to tell, made up, so that one sees it arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure

if TYPE_CHECKING:
    from gatepost.domains.projects.model import Project as Target
    from gatepost.storage.db import Tx

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Project = Annotated[
    str | None, Parameter(help="Project, by name or id; not needed where there is only one.")
]
EXAMPLE = '{"example": true}'


def trigger(
    type_: Annotated[str, Parameter(help="As `event.orders`, `message.failed`.")],
    /,
    *,
    payload: Annotated[
        str, Parameter(help="A JSON object: an event's metadata, or what is told.")
    ] = EXAMPLE,
    account: Account = None,
    project: Project = None,
    common: Common = COMMON,
) -> None:
    """Make an example of what endpoints are told: `event.<channel>` stores an event, anything else
    is told as it is to the endpoints whose types cover it.
    """
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.endpoints import model
    from gatepost.engine.payloads import PREFIX

    model.refuse(model.check_types([type_]))
    if type_.endswith("*"):
        raise Failure("the type must be whole, as event.orders", USAGE)
    given = _object(payload)
    local = open_folder(common)
    with local.write() as tx:
        target = find.project(tx, account, project)
        made: dict[str, Any]
        if type_.startswith(PREFIX):
            made = {"type": type_, "eventId": _event(tx, target, type_, given, local.now())}
        else:
            made = {"type": type_, "told": _told(tx, target, type_, given, local.now())}
    show.one(common, made, str(made.get("eventId") or f"endpoints told: {made['told']}"))


def _object(text: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise Failure("--payload: Must be a JSON object", USAGE) from None


def _event(tx: Tx, target: Target, type_: str, data: dict[str, Any], now: int) -> str:
    import msgspec

    from gatepost.base import ids
    from gatepost.dialects.native import events
    from gatepost.engine.payloads import PREFIX
    from gatepost.engine.track import Origin, track
    from gatepost.web.validate import Body

    wire = {
        "channelName": type_.removeprefix(PREFIX),
        "title": "Example",
        "metadata": data,
        "source": "cli",
    }
    command = events.command(Body(events.NewEvent).decode(msgspec.json.encode(wire)))
    (done,) = track(tx, [Origin(target.account_id, target.id, now, target.counting)], [command])
    if done.event is None:
        raise Failure("the event was not stored")
    return ids.show("event", done.event.id)


def _told(tx: Tx, target: Target, type_: str, data: dict[str, Any], now: int) -> int:
    from gatepost.domains.endpoints import store
    from gatepost.engine.happen import Happened, tell

    one = Happened(account_id=target.account_id, project_id=target.id, type=type_, data=data)
    tell(tx, [one], now)
    listening = store.listening(tx, [target.id]).get(target.id, [])
    return sum(endpoint.wants(type_) for endpoint in listening)
