"""`gatepost send` and `gatepost tail`: events in and out of the data folder, no key needed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gatepost.cli.common import COMMON, OK, USAGE, Common, Failure, put, put_json

if TYPE_CHECKING:
    from gatepost.base.ids import ProjectId
    from gatepost.cli.local import Local
    from gatepost.domains.events.model import Event
    from gatepost.engine.track import Track

POLL_S = 0.2
PAGE = 500

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Project = Annotated[
    str | None, Parameter(help="Project, by name or id; not needed where there is only one.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class More:
    """What an event may say beside its title."""

    description: Annotated[str | None, Parameter(help="More words.")] = None
    tag: Annotated[tuple[str, ...], Parameter(negative="", help="Repeatable.")] = ()
    meta: Annotated[
        tuple[str, ...], Parameter(negative="", help="name=value metadata; repeatable.")
    ] = ()
    user: Annotated[str | None, Parameter(help="A user id, or an alias of one.")] = None
    icon: Annotated[str | None, Parameter(help="One emoji.")] = None
    silent: Annotated[
        bool, Parameter(negative="", show_default=False, help="Log it without notifying.")
    ] = False


MORE = More()


def send(
    channel: str,
    title: str,
    /,
    *,
    more: More = MORE,
    account: Account = None,
    project: Project = None,
    common: Common = COMMON,
) -> None:
    """Store an event; a running server streams it like any other."""
    from gatepost.cli import find, parse, show
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import events
    from gatepost.engine.track import Origin, track

    wire = {
        "channelName": channel,
        "title": title,
        "description": more.description,
        "icon": more.icon,
        "tags": more.tag,
        "metadata": parse.usage(parse.pairs, more.meta),
        "userId": more.user,
        "notify": not more.silent,
        "source": "cli",
    }
    local = open_folder(common)
    command = _command(local, {name: value for name, value in wire.items() if value is not None})
    with local.write() as tx:
        target = find.project(tx, account, project)
        origin = Origin(target.account_id, target.id, local.now(), target.counting)
        (done,) = track(tx, [origin], [command])
    if done.event is None:
        raise Failure("the event was not stored")
    shown = events.show(done.event)
    show.one(common, shown, shown.id)


def _command(local: Local, wire: dict[str, Any]) -> Track:
    """Hold the event to the rules of the API."""
    import msgspec

    from gatepost.dialects.native import events
    from gatepost.web.validate import Body

    body = msgspec.json.encode(wire)
    if len(body) > local.settings.event_bytes_max:
        raise Failure(f"an event has at most {local.settings.event_bytes_max} bytes", USAGE)
    return events.command(Body(events.NewEvent).decode(body))


def tail(
    *,
    channel: Annotated[
        tuple[str, ...], Parameter(negative="", help="Only this channel; repeatable.")
    ] = (),
    last: Annotated[int, Parameter(help="Begin with this many of the newest.")] = 0,
    account: Account = None,
    project: Project = None,
    common: Common = COMMON,
) -> int:
    """Follow the events as they are stored, until interrupted; all projects if none is named."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.domains.channels.model import normalise

    local = open_folder(common)
    wanted = {normalise(name) for name in channel}
    only: ProjectId | None = None
    if account or project:
        with local.read() as tx:
            only = find.project(tx, account, project).id
    stop = _Stop()
    for event in _arrivals(local, only, last, stop):
        if not wanted or event.channel_name in wanted:
            _print(event, common)
    return OK


class _Stop:
    """Whether a signal has asked for the end. One in the midst of a query lets it finish."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, number: int, _frame: object) -> None:
        self.asked = True
        signal.signal(number, signal.SIG_DFL)  # the next one need not be polite


def _arrivals(local: Local, only: ProjectId | None, last: int, stop: _Stop) -> Iterator[Event]:
    from gatepost.domains.events import store

    with local.read() as tx:
        seq = store.place_before(tx, last, only)
    while not stop.asked:
        with local.read() as tx:
            found = store.after(tx, seq, PAGE, only)
        for stored in found:
            seq = stored.seq
            yield stored.event
        if len(found) < PAGE:
            time.sleep(POLL_S)


def _print(event: Event, common: Common) -> None:
    from gatepost.base import clock, ids
    from gatepost.cli import show
    from gatepost.dialects.native import events

    if common.json:
        put_json(events.show(event))
        return
    words = [clock.iso(ids.time_of(event.id)), f"#{event.channel_name}", event.icon, event.title]
    words += [f"- {event.description}" if event.description else None]
    words += [f"({event.user_id})" if event.user_id else None]
    put(show.printable("  ".join(word for word in words if word)))
