"""Endpoints on the wire: what comes in, what goes out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import clock, ids
from gatepost.base.config import Settings
from gatepost.base.ids import ProjectId
from gatepost.delivery import signing, urls
from gatepost.dialects.native import admin, matchwire
from gatepost.dialects.native.matchwire import MatchIn
from gatepost.dialects.native.messagewire import Preset, ScheduleIn, read_policy
from gatepost.domains.endpoints import model
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus, Problem, Shape
from gatepost.domains.outbox import rows
from gatepost.domains.outbox.fares import LATELY, Fare
from gatepost.domains.outbox.policy import PRESETS, STANDARD, Policy
from gatepost.engine.enlist import NewEndpoint

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Url = Annotated[
    str,
    Meta(
        max_length=model.URL_MAX,
        description="Where requests go: `https`, to a public address unless the settings of this "
        "installation say otherwise.",
    ),
]
Types = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=model.TYPE_MAX)]],
    Meta(
        min_length=1,
        max_length=model.TYPES_MAX,
        description="What it is told: `event.<channel>`, or all below a word as `event.*` and "
        "`message.*`, or `*`.",
    ),
]
Headers = Annotated[
    dict[str, str],
    Meta(
        max_length=model.HEADERS_MAX,
        description="Further headers of its requests. They are kept encrypted and never shown.",
    ),
]
Rate = Annotated[
    float, Meta(gt=0, le=model.RATE_MAX, description="Requests a second at most; null: any.")
]
Cap = Annotated[
    int, Meta(ge=1, le=model.CAP_MAX, description="Requests under way at once at most.")
]
Secret = Annotated[
    str,
    Meta(
        max_length=model.SECRET_MAX,
        description="Your own signing secret: `whsec_` and the base64 of 24 to 64 bytes. "
        "Without it one is made.",
    ),
]
Match = Annotated[
    MatchIn, Meta(description="Which events it is told of; other types are told regardless.")
]
Signature = Annotated[
    Shape, Meta(description="Whose signature goes beside that of Standard Webhooks.")
]


class PayloadFormat(StrEnum):
    """Whether a request brings an object, or an array that holds it."""

    OBJECT = "object"
    ARRAY = "array"


class NewEndpointIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """An endpoint to be."""

    url: Url
    name: Name | UnsetType = UNSET
    types: Types = msgspec.field(default_factory=lambda: [model.EVENTS])
    match: Match = MatchIn()
    headers: Headers = {}
    retry: Preset | ScheduleIn = STANDARD.name
    signature: Signature = Shape.STANDARD
    payload_format: PayloadFormat = PayloadFormat.OBJECT
    rate: Rate | None = None
    cap: Cap = model.CAP
    secret: Secret | UnsetType = UNSET


class EndpointChangesIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to change; members left out stay as they are."""

    url: Url | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    match: Match | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    retry: Preset | ScheduleIn | UnsetType = UNSET
    signature: Signature | UnsetType = UNSET
    payload_format: PayloadFormat | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    cap: Cap | UnsetType = UNSET


class SecretRotationIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """How a signing secret is replaced."""

    grace_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=model.GRACE_S_MAX,
            description="How long requests are signed with the former secret as well.",
        ),
    ] = model.GRACE_S
    secret: Secret | UnsetType = UNSET


class ExampleIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What to send an example of."""

    type: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=model.TYPE_MAX,
            pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$",
            description="The type that the example has, whatever the endpoint is told otherwise.",
        ),
    ] = "event.test"


class ExampleOut(msgspec.Struct, rename="camel"):
    """The message that the example is, and its delivery."""

    message_id: str
    delivery_id: str
    type: str


class ScheduleOut(msgspec.Struct, rename="camel", frozen=True):
    """A schedule of attempts of one's own."""

    delays_seconds: list[float]


class HealthOut(msgspec.Struct, rename="camel"):
    """How its deliveries fare."""

    succeeded: Annotated[
        int, Meta(description=f"How many of the last {LATELY} deliveries have succeeded.")
    ]
    failed: Annotated[int, Meta(description="How many of these have failed.")]
    failures_in_row: Annotated[
        int, Meta(description="Attempts that did not reach it since the last that did.")
    ]
    open_until: Annotated[
        str | None, Meta(description="Until when it is left alone after many of them.")
    ]
    oldest_due_at: Annotated[
        str | None, Meta(description="Since when the oldest delivery has been due, if one is.")
    ]


class EndpointOut(msgspec.Struct, rename="camel"):
    """An endpoint. Its secret is shown once, its headers never."""

    id: str
    project_id: str
    name: Name
    url: Url
    types: Types
    match: Match
    retry: str | ScheduleOut
    signature: Signature
    payload_format: PayloadFormat
    rate: Rate | None
    cap: Cap
    status: Annotated[
        EndpointStatus,
        Meta(
            description="`disabled` by hand, `failed` after days of failure, `gone` as it answered "
            "410. Only an `enabled` one is told things."
        ),
    ]
    failing_since: Annotated[
        str | None, Meta(description="When the first request failed after the last success.")
    ]
    warned_at: Annotated[
        str | None, Meta(description="When its owner was warned that it will be disabled.")
    ]
    disabled_at: str | None
    created_at: str
    updated_at: str
    health: Annotated[HealthOut | UnsetType, Meta(description="There where it is read.")] = UNSET


class EndpointMadeOut(EndpointOut, kw_only=True):
    """An endpoint, and the secret that its requests are signed with."""

    secret: str


class EndpointsOut(msgspec.Struct, rename="camel"):
    """A page of endpoints; `next_cursor` is null on the last one."""

    endpoints: list[EndpointOut]
    next_cursor: str | None


def read_new(settings: Settings, project_id: ProjectId, given: NewEndpointIn) -> NewEndpoint:
    """Read an endpoint to be; raises INVALID."""
    condition = check(settings, given)
    host = urlsplit(given.url).hostname or "endpoint"
    return NewEndpoint(
        project_id=project_id,
        name=host[: model.NAME_MAX] if given.name is UNSET else str(given.name),
        url=given.url,
        types=tuple(given.types),
        filter=condition or "",
        policy=read_policy(given.retry) or STANDARD,
        shape=given.signature,
        array=given.payload_format is PayloadFormat.ARRAY,
        headers=given.headers,
        rate=given.rate,
        cap=given.cap,
    )


def check(settings: Settings, given: NewEndpointIn | EndpointChangesIn) -> str | UnsetType:
    """Refuse what can be seen to be wrong; returns the condition. Raises INVALID."""
    problems: list[Problem] = []
    if given.url is not UNSET and (wrong := urls.problem(given.url, settings)):
        problems.append((["url"], wrong))
    if given.types is not UNSET:
        problems += model.check_types(given.types)
    if given.headers is not UNSET:
        problems += model.check_headers(given.headers)
    match = given.match
    found = UNSET if match is UNSET else matchwire.read(match, ["match"], problems)
    model.refuse(problems)
    return found


def read_secret(given: str | UnsetType) -> str:
    """Read a secret, or mint one; raises INVALID."""
    if given is UNSET:
        return signing.new_secret()
    wrong = signing.problem(str(given))
    model.refuse([(["secret"], f"Must be {wrong}")] if wrong else [])
    return str(given)


def show_fare(fare: Fare, now: int) -> HealthOut:
    """Write how an endpoint fares for the wire."""
    circuit = fare.circuit
    return HealthOut(
        fare.succeeded,
        fare.failed,
        circuit.failures,
        clock.iso(circuit.open_until) if circuit.is_open(now) else None,
        admin.moment(fare.oldest_due_at),
    )


def show(endpoint: Endpoint, health: HealthOut | UnsetType = UNSET) -> EndpointOut:
    """Write an endpoint for the wire."""
    return EndpointOut(
        ids.show("endpoint", endpoint.id),
        ids.show("project", endpoint.project_id),
        endpoint.name,
        endpoint.url,
        list(endpoint.types),
        matchwire.show(endpoint.filter),
        _show_policy(rows.read_policy(endpoint.policy)),
        endpoint.shape,
        PayloadFormat.ARRAY if endpoint.array else PayloadFormat.OBJECT,
        endpoint.rate,
        endpoint.cap,
        endpoint.status,
        admin.moment(endpoint.failing_since),
        admin.moment(endpoint.warned_at),
        admin.moment(endpoint.disabled_at),
        clock.iso(endpoint.created_at),
        clock.iso(endpoint.updated_at),
        health,
    )


def _show_policy(policy: Policy) -> str | ScheduleOut:
    if policy.name in PRESETS:
        return policy.name
    return ScheduleOut([one / 1000 for one in policy.delays_ms])
