"""EMMI's customer, as it is written."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.dialects.emmi import wire
from gatepost.domains.customers import model
from gatepost.domains.customers.model import Customer, Status

Identifier = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=model.IDENTIFIER_MAX,
        description="Your own name for it, which one customer has at a time. Spaces around it "
        "are dropped.",
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
    Status, Meta(description="Data requests for an `inactive` customer are refused.")
]


class CustomerOut(msgspec.Struct):
    """A customer. `customer_id` is what `X-Customer-ID` names; `id` is the same."""

    customer_id: str
    id: str
    identifier: Identifier
    name: Name
    metadata: Metadata
    status: StatusOf
    created_at: str
    updated_at: str


def show(customer: Customer) -> CustomerOut:
    """Write a customer for the wire."""
    shown = wire.show_id(customer.id)
    return CustomerOut(
        shown,
        shown,
        customer.identifier,
        customer.name,
        customer.metadata,
        customer.status,
        clock.iso(customer.created_at),
        clock.iso(customer.updated_at),
    )
