"""`/v1/customers`: whom usage is metered for."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.errors import Code, invalid
from gatepost.base.ids import CustomerId
from gatepost.dialects.native import admin, sheets
from gatepost.dialects.native.admin import DeletedOut
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.sheets import SheetQuery
from gatepost.domains.customers import model, store
from gatepost.domains.customers.model import Customer, Status
from gatepost.domains.customers.store import Place
from gatepost.engine import enroll
from gatepost.engine.enroll import CustomerChanges, NewCustomer
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage import paging
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web import sheet
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.validate import Body

TIME_BYTES = 8
TIME_MAX = 2**63 - 1

Identifier = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.IDENTIFIER_MAX,
        description="Your own name for it, which one customer has at a time. "
        "Spaces around it are dropped.",
    ),
]
Name = Annotated[str, Meta(max_length=model.NAME_MAX, description="How it is called in lists.")]
Metadata = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=model.METADATA_KEY_MAX)],
        Annotated[str, Meta(max_length=model.METADATA_VALUE_MAX)],
    ],
    Meta(max_length=model.METADATA_MAX, description="Texts by name."),
]
StatusOf = Annotated[
    Status, Meta(description="What is asked for an `inactive` customer is refused.")
]


class NewCustomerIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A customer to be. Without a name it is called by its identifier."""

    identifier: Identifier
    name: Name | None = None
    metadata: Metadata = {}


class CustomerChangesIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; members left out stay as they are, `metadata` is replaced whole."""

    identifier: Identifier | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    metadata: Metadata | UnsetType = UNSET
    status: StatusOf | UnsetType = UNSET


class CustomersQuery(SheetQuery, frozen=True):
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


class CustomerOut(msgspec.Struct, rename="camel"):
    """A customer. Its id is what `X-Customer-ID` names."""

    id: str
    identifier: Identifier
    name: Name
    metadata: Metadata
    status: StatusOf
    created_at: str
    updated_at: str


class CustomersOut(msgspec.Struct, rename="camel"):
    """A page of customers; `next_cursor` is null on the last one."""

    customers: list[CustomerOut]
    next_cursor: str | None


class Change(msgspec.Struct, frozen=True):
    """What to change of which customer."""

    customer_id: CustomerId
    changes: CustomerChanges


class Listing(msgspec.Struct, frozen=True):
    """Which customers are asked for; `after` is where the page before ended."""

    identifier: str | None
    status: Status | None
    search: str | None
    after: Place | None
    limit: int


_new_body = Body(NewCustomerIn)
_changes_body = Body(CustomerChangesIn)


def parse_new(_call: Call, body: bytes) -> NewCustomer:
    """Read a customer to be; raises INVALID."""
    new: NewCustomerIn = _new_body.decode(body)
    return NewCustomer(new.identifier, new.name, new.metadata)


def create(tx: Tx, call: Call, new: NewCustomer) -> Reply:
    """Register a customer."""
    admin.grantor(tx, call)
    made = enroll.register(tx, call.caller.account_id, new, call.actor, call.now)
    return ok(call, show(made), 201)


def parse_list(call: Call, _body: bytes) -> Listing:
    """Read which customers; raises INVALID."""
    query: CustomersQuery = queries.read(call, CustomersQuery)
    return Listing(
        _given(query.identifier),
        None if query.status is UNSET else query.status,
        _given(query.search),
        None if query.cursor is UNSET else read_place(str(query.cursor)),
        sheets.length(call, query.limit),
    )


def _given(text: str | UnsetType) -> str | None:
    return None if text is UNSET else str(text)


def read_place(cursor: str) -> tuple[int, bytes]:
    """Read a cursor that is a moment (ms) and an id; raises INVALID."""
    raw = paging.decode(cursor)
    at = int.from_bytes(raw[:TIME_BYTES])
    if len(raw) != TIME_BYTES + paging.ID_BYTES or at > TIME_MAX:
        raise invalid((["cursor"], "Not a cursor of this list"))
    return at, raw[TIME_BYTES:]


def position(at: int, raw: bytes) -> bytes:
    """Write a moment (ms) and an id, as `read_place` reads them."""
    return at.to_bytes(TIME_BYTES) + raw


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
    page = paging.page(found, asked.limit, lambda one: position(one.created_at, one.id))
    return sheets.reply(call, CustomersOut([show(one) for one in page.rows], page.next_cursor))


def parse_id(call: Call, _body: bytes) -> CustomerId:
    """Read the id in the path; raises NOT_FOUND."""
    return CustomerId(ids.parse("customer", call.params["id"]))


def get(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """Read one customer."""
    return ok(call, show(store.get(tx, call.caller.account_id, customer_id)))


def parse_changes(call: Call, body: bytes) -> Change:
    """Read what to change; raises INVALID, or NOT_FOUND."""
    customer_id = parse_id(call, body)
    given: CustomerChangesIn = _changes_body.decode(body)
    changes = CustomerChanges(
        identifier=given.identifier,
        name=given.name,
        metadata=given.metadata,
        status=given.status,
    )
    return Change(customer_id, changes)


def update(tx: Tx, call: Call, command: Change) -> Reply:
    """Change a customer."""
    admin.grantor(tx, call)
    changed = enroll.change(
        tx,
        call.caller.account_id,
        command.customer_id,
        command.changes,
        call.actor,
        call.now,
    )
    admin.changed(tx, call)
    return ok(call, show(changed))


def delete(tx: Tx, call: Call, customer_id: CustomerId) -> Reply:
    """End a customer."""
    admin.grantor(tx, call)
    gone = enroll.end(tx, call.caller.account_id, customer_id, call.actor, call.now)
    admin.changed(tx, call)
    return ok(call, DeletedOut(ids.show("customer", gone.id), gone.name))


def show(customer: Customer) -> CustomerOut:
    """Write a customer for the wire."""
    return CustomerOut(
        ids.show("customer", customer.id),
        customer.identifier,
        customer.name,
        customer.metadata,
        customer.status,
        clock.iso(customer.created_at),
        clock.iso(customer.updated_at),
    )


def endpoint(operation: str, method: str, path: str, scope: Scope, **more: Any) -> Endpoint:
    """An endpoint that manages customers."""
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=scope,
        tag="Customers",
        charge=free,
        writes=method != "GET",
        project=False,
        admin=True,
        **more,
    )


ENDPOINTS = (
    endpoint(
        "createCustomer",
        "POST",
        "/v1/customers",
        Scope.CUSTOMERS_WRITE,
        summary="Register a customer",
        description="An identifier that is taken is 409; `data.existing` tells whose it is.",
        parse=parse_new,
        run=create,
        status=201,
        request=NewCustomerIn,
        response=CustomerOut,
        example={
            "identifier": "acme",
            "name": "Acme Corp",
            "metadata": {"region": "eu"},
        },
        errors=(Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    endpoint(
        "listCustomers",
        "GET",
        "/v1/customers",
        Scope.CUSTOMERS_READ,
        summary="List customers",
        description="Oldest first, inactive ones too.",
        parse=parse_list,
        run=list_,
        query=CustomersQuery,
        response=CustomersOut,
        also=(sheet.CSV,),
    ),
    endpoint(
        "getCustomer",
        "GET",
        "/v1/customers/{id}",
        Scope.CUSTOMERS_READ,
        summary="Read a customer",
        parse=parse_id,
        run=get,
        response=CustomerOut,
        errors=(Code.NOT_FOUND,),
    ),
    endpoint(
        "updateCustomer",
        "PATCH",
        "/v1/customers/{id}",
        Scope.CUSTOMERS_WRITE,
        summary="Rename, describe, stop or revive a customer",
        description="True when the call returns: no request that begins later is done for an "
        "`inactive` customer.",
        parse=parse_changes,
        run=update,
        request=CustomerChangesIn,
        response=CustomerOut,
        example={"status": "inactive"},
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.IDEMPOTENCY_CONFLICT),
    ),
    endpoint(
        "deleteCustomer",
        "DELETE",
        "/v1/customers/{id}",
        Scope.CUSTOMERS_WRITE,
        summary="End a customer",
        description="Its quota and the keys bound to it end too; its identifier is free again. "
        "What it used can still be reported.",
        parse=parse_id,
        run=delete,
        response=DeletedOut,
        errors=(Code.NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
    ),
)
