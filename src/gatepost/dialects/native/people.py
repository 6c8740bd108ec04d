"""`/v1/people` and `/v1/identities`: who there is, what they did, all of it, and erasure.

People belong to the account: their events are those of all its projects.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code
from gatepost.base.ids import AccountId
from gatepost.dialects.native.envelope import encode, ok
from gatepost.dialects.native.events import EventOut, show
from gatepost.dialects.native.listing import Limit, NoQuery, Text
from gatepost.domains.audit import store as audit
from gatepost.domains.events.model import Event
from gatepost.domains.people import store
from gatepost.domains.people.model import Person
from gatepost.engine import export
from gatepost.engine.erase import Erased, erase
from gatepost.engine.export import Held
from gatepost.gate import once
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

PERSON_EVENTS = 20
JSON_LINE = b"\n"


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    cursor: Annotated[Text, Meta(description="The `nextCursor` of a page.")] | UnsetType = UNSET
    limit: Limit = paging.LIMIT_DEFAULT


class Wanted(msgspec.Struct, frozen=True):
    """A page, of one person's where `name` is set: a user id or an alias."""

    name: str
    before: bytes | None = None
    limit: int = paging.LIMIT_DEFAULT


class PersonOut(msgspec.Struct, rename="camel"):
    """A person. `aliases` come oldest first."""

    id: str
    user_id: str
    properties: msgspec.Raw
    aliases: list[str]
    created_at: str
    updated_at: str


class PeopleOut(msgspec.Struct, rename="camel"):
    """A page of people, newest first."""

    people: list[PersonOut]
    next_cursor: str | None


class PersonEventOut(EventOut, rename="camel", kw_only=True, gc=False):
    """An event of a person, and the project it is in."""

    project_id: str


class PersonEventsOut(msgspec.Struct, rename="camel"):
    """A page of a person's events, newest first."""

    events: list[PersonEventOut]
    next_cursor: str | None


class WholePersonOut(PersonOut, rename="camel", kw_only=True):
    """A person with its latest events; `next_cursor` leads to the older ones."""

    events: list[PersonEventOut]
    next_cursor: str | None


class ErasedOut(msgspec.Struct, rename="camel"):
    """Who was erased. `product_events_detached` events stay and no longer name the user."""

    id: str
    user_id: str
    aliases_deleted: int
    product_events_detached: int
    status: str = "erased"


class Manifest(msgspec.Struct, rename="camel"):
    """What an export holds, beside the person."""

    exported_at: str
    person: PersonOut
    projects: list[str]
    events: int


def parse_list(call: Call, _body: bytes) -> Wanted:
    """Read which page of people; raises INVALID."""
    return _page("", *_query(call))


def parse_events(call: Call, _body: bytes) -> Wanted:
    """Read whose events, and which page of them; raises INVALID."""
    return _page(call.params["userId"], *_query(call))


def parse_name(call: Call, _body: bytes) -> str:
    """Read the user id or alias in the path; no parameter is known."""
    queries.read(call, NoQuery)
    return call.params["userId"]


def _query(call: Call) -> tuple[str | UnsetType, int]:
    query = queries.read(call, PageQuery)
    return query.cursor, query.limit


def _page(name: str, cursor: str | UnsetType, limit: int) -> Wanted:
    before = None if cursor is UNSET else paging.decode_id(str(cursor), "cursor")
    return Wanted(name, before, limit)


def list_people(tx: Tx, call: Call, command: Wanted) -> Reply:
    """Find a page of people."""
    account_id = call.caller.account_id
    found = store.list_(tx, account_id, command.before, command.limit + 1)
    page = paging.page(found, command.limit, lambda person: person.id)
    return ok(call, PeopleOut(_shown(tx, account_id, page.rows), page.next_cursor))


def _shown(tx: Tx, account_id: AccountId, people: Sequence[Person]) -> list[PersonOut]:
    return [_show(one, store.aliases(tx, account_id, one.user_id)) for one in people]


def _show(person: Person, aliases: list[str]) -> PersonOut:
    return PersonOut(
        ids.show("person", person.id),
        person.user_id,
        msgspec.Raw(person.properties_json.encode()),
        aliases,
        clock.iso(person.created_at),
        clock.iso(person.updated_at),
    )


def get_person(tx: Tx, call: Call, name: str) -> Reply:
    """Read a person with its latest events."""
    who = export.held(tx, call.caller.account_id, name)
    page = _events(tx, who, Wanted(name, None, PERSON_EVENTS))
    shown = msgspec.structs.asdict(_show(who.person, who.aliases))
    return ok(call, WholePersonOut(**shown, events=page.events, next_cursor=page.next_cursor))


def list_events(tx: Tx, call: Call, command: Wanted) -> Reply:
    """Find a page of a person's events."""
    return ok(call, _events(tx, export.held(tx, call.caller.account_id, command.name), command))


def _events(tx: Tx, who: Held, command: Wanted) -> PersonEventsOut:
    found = export.page(tx, who, command.before, command.limit + 1)
    page = paging.page(found, command.limit, lambda event: event.id)
    return PersonEventsOut([_show_event(event) for event in page.rows], page.next_cursor)


def _show_event(event: Event) -> PersonEventOut:
    plain = msgspec.structs.asdict(show(event))
    return PersonEventOut(**plain, project_id=ids.show("project", event.project_id))


def export_person(tx: Tx, call: Call, name: str) -> Reply:
    """Pack all that is held of a person."""
    who = export.held(tx, call.caller.account_id, name)
    manifest = Manifest(
        clock.iso(call.now),
        _show(who.person, who.aliases),
        [ids.show("project", one) for one in who.projects],
        0,
    )
    file = ids.show("person", who.person.id) + ".zip"
    headers = (
        (b"content-type", b"application/zip"),
        (b"content-disposition", f'attachment; filename="{file}"'.encode()),
        (b"cache-control", b"no-store"),
    )
    return Reply(200, _archive(manifest, export.events(tx, who)), headers)


def _archive(manifest: Manifest, events: Iterable[Event]) -> bytes:
    """Write `events.ndjson` as the events come, then `person.json` with their number."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("events.ndjson", "w", force_zip64=True) as lines:
            for event in events:
                lines.write(encode(_show_event(event)) + JSON_LINE)
                manifest.events += 1
        archive.writestr("person.json", msgspec.json.format(encode(manifest), indent=2))
    return buffer.getvalue()


def parse_erasure(call: Call, _body: bytes) -> str:
    """Read the user id in the path."""
    return call.params["user_id"]


def erase_identity(tx: Tx, call: Call, user_id: str) -> Reply:
    """Erase a person. The reply names it, so it is not remembered for a replay."""
    account_id = call.caller.account_id
    done = erase(tx, account_id, user_id)
    texts = [encode(name).decode() for name in done.names]
    once.forget(tx, [account_id, *done.projects], texts)
    shown = _erased(done)
    actor = call.actor
    audit.append(tx, account_id, actor, "person.erase", (shown.id, ""), now=call.now)
    return ok(call, shown, secret=True)


def _erased(done: Erased) -> ErasedOut:
    person = done.person
    return ErasedOut(ids.show("person", person.id), person.user_id, done.aliases, done.events)


def _reading(operation: str, path: str, summary: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="GET",
        path=path,
        scope=Scope.PEOPLE_READ,
        summary=summary,
        tag="People",
        charge=free,
        writes=False,
        project=False,
        **more,
    )


ENDPOINTS = (
    _reading(
        "listPeople",
        "/v1/people",
        "List people",
        description="Those who were identified, newest first.",
        parse=parse_list,
        run=list_people,
        query=PageQuery,
        response=PeopleOut,
    ),
    _reading(
        "getPerson",
        "/v1/people/{userId}",
        "Read a person",
        description="By user id or any alias, with the latest events in all projects of the "
        "account.",
        parse=parse_name,
        query=NoQuery,
        run=get_person,
        response=WholePersonOut,
        errors=(Code.NOT_FOUND,),
    ),
    _reading(
        "listPersonEvents",
        "/v1/people/{userId}/events",
        "List a person's events",
        description="In all projects of the account, newest first.",
        parse=parse_events,
        run=list_events,
        query=PageQuery,
        response=PersonEventsOut,
        errors=(Code.NOT_FOUND,),
    ),
    _reading(
        "exportPerson",
        "/v1/people/{userId}/export",
        "Export a person",
        description="All that is held, as one ZIP file: `person.json` (identity, properties, "
        "aliases) and `events.ndjson` (every event in all projects of the account, newest "
        "first).",
        parse=parse_name,
        query=NoQuery,
        run=export_person,
        response=bytes,
        media="application/zip",
        errors=(Code.NOT_FOUND,),
    ),
    Endpoint(
        operation="deleteIdentity",
        method="DELETE",
        path="/v1/identities/{user_id}",
        scope=Scope.PEOPLE_ERASE,
        summary="Erase a person",
        description="By its user id, not by an alias. The identity and its aliases go; its "
        "events stay, and no longer show the user.",
        tag="Identity",
        parse=parse_erasure,
        run=erase_identity,
        charge=free,
        writes=True,
        project=False,
        admin=True,
        response=ErasedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
