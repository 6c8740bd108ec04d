"""`/customers`: whom usage is metered for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base.errors import Code, FieldError
from gatepost.base.ids import CustomerId
from gatepost.dialects.emmi import manage, wire
from gatepost.dialects.emmi.envelope import reply
from gatepost.dialects.emmi.manage import PageQuery
from gatepost.dialects.emmi.paths import place
from gatepost.dialects.emmi.shapes import (
    CustomerOut,
    Identifier,
    Metadata,
    Name,
    StatusOf,
    show,
)
from gatepost.domains.customers import model, store
from gatepost.domains.customers.model import Status
from gatepost.domains.customers.store import Place
from gatepost.engine import enroll
from gatepost.engine.enroll import CustomerChanges, NewCustomer
from gatepost.gate.once import Reply
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call
from gatepost.web.validate import Body

IDENTIFIERS = ("identifier", "internal_identifier", "internal_id", "external_id")
"""What a body may call the identifier; the first one that is there counts."""
CUSTOMERS = place("/customers").path

Alias = Annotated[
    str,
    Meta(min_length=1, max_length=model.IDENTIFIER_MAX, description="The same as `identifier`."),
]


class NewCustomerIn(msgspec.Struct):
    """A customer to be. Without a name it is called by its identifier."""

    identifier: Identifier | UnsetType = UNSET
    name: Name | None = None
    metadata: Metadata = {}
    internal_identifier: Alias | UnsetType = UNSET
    internal_id: Alias | UnsetType = UNSET
    external_id: Alias | UnsetType = UNSET


class CustomerChangesIn(msgspec.Struct):
    """What to change; members left out stay as they are, `metadata` is replaced whole."""

    identifier: Identifier | UnsetType = UNSET
    name: Name | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET
    status: StatusOf | UnsetType = UNSET
    internal_identifier: Alias | UnsetType = UNSET
    internal_id: Alias | UnsetType = UNSET
    external_id: Alias | UnsetType = UNSET


class CustomersQuery(PageQuery, frozen=True):
    """Which customers, and which page of them."""

    identifier: Annotated[str, Meta(max_length=model.IDENTIFIER_MAX)] | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    search: (
        Annotated[
            str,
            Meta(
                max_length=model.NAME_MAX,
                description="A part of the name or of the identifier; upper case as lower.",
            ),
        ]
        | UnsetType
    ) = UNSET


class CustomersOut(msgspec.Struct):
    """A page of customers."""

    data: list[CustomerOut]
    next_cursor: str | None
    has_more: bool


class Change(msgspec.Struct, frozen=True):
    """What to change of which customer. `unnamed`: it shall be called by its identifier."""

    customer_id: CustomerId
    changes: CustomerChanges
    unnamed: bool


class Listing(msgspec.Struct, frozen=True):
    """Which customers are asked for; `after` is where the page before ended."""

    identifier: str | None
    status: Status | None
    search: str | None
    after: Place | None
    limit: int


def _identifier(given: NewCustomerIn | CustomerChangesIn) -> str | UnsetType:
    found = (getattr(given, name) for name in IDENTIFIERS)
    return next((one for one in found if one is not UNSET), UNSET)


def _needs_identifier(members: Mapping[str, Any]) -> Iterator[FieldError]:
    if not any(name in members for name in IDENTIFIERS):
        yield FieldError((IDENTIFIERS[0],), "Required")
    yield from _not_blank(members)


def _not_blank(members: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in IDENTIFIERS:
        text = members.get(name)
        if isinstance(text, str) and text.isspace():
            yield FieldError((name,), "Must not be empty")


_new_body = Body(NewCustomerIn, _needs_identifier)
_changes_body = Body(CustomerChangesIn, _not_blank)


def parse_new(call: Call, body: bytes) -> NewCustomer:
    """Read a customer to be; raises UNSUPPORTED_TYPE or INVALID."""
    new: NewCustomerIn = wire.decode(call, body, _new_body)
    return NewCustomer(str(_identifier(new)).strip(), new.name, new.metadata)


def create(tx: Tx, call: Call, new: NewCustomer) -> Reply:
    """Register a customer."""
    manage.check_key(tx, call)
    made = show(enroll.register(tx, call.caller.account_id, new, call.actor, call.now))
    where = f"{CUSTOMERS}/{made.customer_id}".encode()
    return reply(made, 201, headers=((b"location", where),))


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which customers; raises INVALID."""
    query: CustomersQuery = queries.read(call, CustomersQuery)
    return Listing(
        None if query.identifier is UNSET else str(query.identifier).strip(),
        None if query.status is UNSET else query.status,
        None if query.search is UNSET else str(query.search),
        manage.decode_place(query.cursor),
        query.limit,
    )


def list_(tx: Tx, call: Call, asked: Listing) -> Reply:
    """A page of the account's customers."""
    found = store.list_(
        tx,
        call.caller.account_id,
        identifier=asked.identifier,
        status=asked.status,
        search=asked.search,
        after=asked.after,
        limit=asked.limit + 1,
    )
    page = paging.page(found, asked.limit, lambda one: manage.position(one.created_at, one.id))
    rows = [show(one) for one in page.rows]
    return reply(CustomersOut(rows, page.next_cursor, page.next_cursor is not None))


def parse_id(call: Call, _body: bytes) -> CustomerId:
    """Read the id in the path; raises NOT_FOUND."""
    return wire.customer_in_path(call)


def get(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """Read one customer."""
    return reply(show(store.get(tx, call.caller.account_id, customer_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises UNSUPPORTED_TYPE, INVALID or NOT_FOUND."""
    customer_id = wire.customer_in_path(call)
    given: CustomerChangesIn = wire.decode(call, body, _changes_body)
    unnamed = given.name is None
    changes = CustomerChanges(
        identifier=_identifier(given),
        name=UNSET if given.name is None else given.name,
        metadata=given.metadata,
        status=given.status,
    )
    return Change(customer_id, changes, unnamed)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a customer."""
    manage.check_key(tx, call)
    account_id, changes = call.caller.account_id, command.changes
    if command.unnamed:
        name = changes.identifier
        if name is UNSET:
            name = store.get(tx, account_id, command.customer_id).identifier
        changes = msgspec.structs.replace(changes, name=str(name).strip())
    changed = enroll.change(tx, account_id, command.customer_id, changes, call.actor, call.now)
    manage.changed(tx, call)
    return reply(show(changed))


def delete(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """End a customer."""
    manage.check_key(tx, call)
    enroll.end(tx, call.caller.account_id, customer_id, call.actor, call.now)
    manage.changed(tx, call)
    return Reply(204, b"")


ENDPOINTS = (
    manage.endpoint(
        "registerCustomer",
        "POST",
        "/customers",
        summary="Register a customer",
        description="An identifier that is taken is 409; `existing` is the customer that has it. "
        "`identifier` may also be called `internal_identifier`, `internal_id` or `external_id`. "
        "Members that are not known are passed over.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewCustomerIn,
        response=CustomerOut,
        example={"identifier": "desk-a", "name": "Trading Desk A"},
        errors=(Code.UNSUPPORTED_TYPE, Code.CONFLICT),
    ),
    manage.endpoint(
        "listCustomers",
        "GET",
        "/customers",
        summary="List customers",
        description="Oldest first, inactive ones too.",
        parse=parse_list,
        run=list_,
        query=CustomersQuery,
        response=CustomersOut,
    ),
    manage.endpoint(
        "getCustomer",
        "GET",
        "/customers/{customer_id}",
        summary="Read a customer",
        parse=parse_id,
        run=get,
        response=CustomerOut,
    ),
    manage.endpoint(
        "updateCustomer",
        "PATCH",
        "/customers/{customer_id}",
        summary="Rename, describe, stop or revive a customer",
        description="No data request that begins later is done for an `inactive` customer. A "
        "`name` of null is the identifier.",
        parse=parse_changes,
        run=update,
        request=CustomerChangesIn,
        response=CustomerOut,
        example={"status": "inactive"},
        errors=(Code.UNSUPPORTED_TYPE, Code.CONFLICT),
    ),
    manage.endpoint(
        "deleteCustomer",
        "DELETE",
        "/customers/{customer_id}",
        summary="End a customer",
        description="Its quota ends too, and its identifier is free again. What it used can still "
        "be reported.",
        parse=parse_id,
        run=delete,
        status=204,
        response=None,
    ),
)
