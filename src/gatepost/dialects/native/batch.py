"""`POST /v1/events/batch`: up to a thousand events, each with a result of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from gatepost.base.errors import AppError, Code, FieldError, invalid
from gatepost.dialects.native import events
from gatepost.dialects.native.envelope import Detail, encode, envelope
from gatepost.dialects.native.events import NewEvent
from gatepost.engine.track import METER, Origin, Track, Tracked, track
from gatepost.gate.once import Charge, Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import validate
from gatepost.web.contract import Call, Endpoint, Naming

EVENTS_MAX = 1000
LINES = frozenset({b"application/x-ndjson", b"application/ndjson", b"application/jsonl"})
BLANK = b" \t\r\n"


class Rejected(msgspec.Struct, frozen=True):
    """An item that is no event, and why."""

    errors: tuple[FieldError, ...]


Item = Track | Rejected
Command = tuple[Item, ...]


class BatchIn(msgspec.Struct):
    """The events; the array alone will do, and so will NDJSON."""

    events: list[NewEvent]


class ItemOut(msgspec.Struct, omit_defaults=True):
    """What became of one event. `id` is the stored event's, the first one's for a duplicate."""

    status: Literal["accepted", "duplicate", "rejected"]
    id: str = ""
    errors: list[Detail] = []


class BatchOut(msgspec.Struct):
    """The results in the order of the events, and how many there are of each kind."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[ItemOut]


class _Wrapped(msgspec.Struct):
    events: list[msgspec.Raw]


_array = msgspec.json.Decoder(list[NewEvent])
_object = msgspec.json.Decoder(BatchIn)
_lines = msgspec.json.Decoder(NewEvent)
_raw = msgspec.json.Decoder(msgspec.Raw)
_raw_array = msgspec.json.Decoder(list[msgspec.Raw])
_raw_object = msgspec.json.Decoder(_Wrapped)
_one = validate.Body(NewEvent)


def parse(call: Call, body: bytes) -> Command:
    """Read a batch; raises INVALID when there are no items to be told apart, or too many."""
    limit = call.services.settings.event_bytes_max
    lines = _is_lines(call, body)
    if len(body) <= limit and b"\\u0000" not in body:
        fast = _fast(body, lines=lines)
        if fast is not None:
            return fast
    items = _split(body, lines=lines)
    if not items:
        raise invalid((["events"], "At least one event is required"))
    if len(items) > EVENTS_MAX:
        raise invalid((["events"], f"At most {EVENTS_MAX} events"))
    if max(map(len, items)) <= limit < len(body) and b"\\u0000" not in body:
        fast = _fast(body, lines=lines)
        if fast is not None:
            return fast
    return tuple(_item(item, limit) for item in items)


def _fast(body: bytes, *, lines: bool) -> Command | None:
    """Read a batch without a fault; None leaves the others to be looked at item by item."""
    try:
        if lines:
            found = _lines.decode_lines(body)
        elif body.lstrip(BLANK)[:1] == b"[":
            found = _array.decode(body)
        else:
            found = _object.decode(body).events
        if 0 < len(found) <= EVENTS_MAX:
            return tuple(map(events.command, found))
    except (msgspec.MsgspecError, RecursionError, ValueError, AppError):
        pass
    return None


def _is_lines(call: Call, body: bytes) -> bool:
    """NDJSON says so in its content type, or shows a whole object in the first of its lines."""
    kind = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind in LINES:
        return True
    first, newline, rest = body.lstrip(BLANK).partition(b"\n")
    if first[:1] != b"{" or not newline or not rest.strip(BLANK):
        return False
    try:
        _raw.decode(first)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return True


def _split(body: bytes, *, lines: bool) -> list[bytes]:
    """Cut a batch into the JSON of its items."""
    if lines:
        return [line for line in body.splitlines() if line.strip(BLANK)]
    try:
        if body.lstrip(BLANK)[:1] == b"[":
            found = _raw_array.decode(body)
        else:
            found = _raw_object.decode(body).events
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise validate.refuse(BatchIn, body) from None
    return [bytes(item) for item in found]


def _item(item: bytes, limit: int) -> Item:
    if len(item) > limit:
        detail = f"Event exceeds the {limit // 1024} KB storage limit"
        return Rejected((FieldError((), detail),))
    try:
        return events.command(_one.decode(item))
    except AppError as refusal:
        return Rejected(refusal.fields)


def _charge(command: Command) -> Charge | None:
    units = sum(type(item) is Track for item in command)
    return Charge(METER, units) if units else None


def create(tx: Tx, calls: Sequence[Call], commands: Sequence[Command]) -> list[Reply]:
    """Store the valid events of all the batches together."""
    checked = [_in_time(call, command) for call, command in zip(calls, commands, strict=True)]
    origins: list[Origin] = []
    wanted: list[Track] = []
    for call, command in zip(calls, checked, strict=True):
        good = [item for item in command if type(item) is Track]
        wanted += good
        origins += [events.origin(call)] * len(good)
    outcomes = iter(track(tx, origins, wanted))
    return [
        _reply(call, command, given, outcomes)
        for call, command, given in zip(calls, checked, commands, strict=True)
    ]


def _in_time(call: Call, command: Command) -> Command:
    """Reject what lies too far ahead: only now, so that a retry is still the same command."""
    latest = call.now + events.FUTURE_MS_MAX
    late = [type(item) is Track and item.at is not None and item.at > latest for item in command]
    if not any(late):
        return command
    refused = Rejected((events.TOO_EARLY,))
    return tuple(refused if bad else item for bad, item in zip(late, command, strict=True))


def _reply(call: Call, command: Command, given: Command, outcomes: Iterator[Tracked]) -> Reply:
    results: list[str] = []
    accepted = duplicates = 0
    for item in command:
        if type(item) is Rejected:
            results.append(_rejection(item))
            continue
        done = next(outcomes)
        if done.duplicate:
            duplicates += 1
            results.append(f'{{"status":"duplicate","id":"event_{done.event_id.hex()}"}}')
        else:
            accepted += 1
            results.append(f'{{"status":"accepted","id":"event_{done.event_id.hex()}"}}')
    rejected = len(command) - accepted - duplicates
    data = (
        f'{{"accepted":{accepted},"duplicates":{duplicates},"rejected":{rejected},'
        f'"results":[{",".join(results)}]}}'
    )
    charge = _charge(given)
    return Reply(
        200,
        envelope(call.request_id, data.encode()),
        unused=charge.units - accepted if charge else 0,
        ring=call.project_id if accepted else None,
    )


def _rejection(item: Rejected) -> str:
    details = [Detail(list(one.path), one.message) for one in item.errors]
    return encode(ItemOut("rejected", errors=details)).decode()


ENDPOINTS = (
    Endpoint(
        operation="createEvents",
        method="POST",
        path="/v1/events/batch",
        scope=Scope.EVENTS_WRITE,
        summary="Store up to 1,000 events",
        description="A JSON array, an object with `events`, or NDJSON (one event on each line; "
        "said by the content type `application/x-ndjson`, or seen by itself where there are "
        "several lines). Good events are stored although others are refused.",
        tag="Events",
        parse=parse,
        run=create,
        charge=_charge,
        writes=True,
        vector=True,
        customer=Naming.OPTIONAL,
        batch=True,
        request=BatchIn,
        response=BatchOut,
        errors=(Code.IDEMPOTENCY_CONFLICT, Code.TOO_LARGE, Code.QUOTA_EXCEEDED),
    ),
)
