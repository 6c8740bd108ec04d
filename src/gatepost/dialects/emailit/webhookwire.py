"""Webhooks on Emailit's wire: what comes in, what goes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.config import Settings
from gatepost.base.errors import invalid
from gatepost.base.ids import ProjectId
from gatepost.delivery import urls
from gatepost.dialects.emailit import wire
from gatepost.domains.endpoints import model
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus, Shape
from gatepost.domains.events import conditions
from gatepost.domains.events import sieve as sieves
from gatepost.domains.events.conditions import Condition, Title
from gatepost.domains.events.sieve import FIELD_MAX, RULES_MAX, Comparison, Sieve, SieveRule
from gatepost.domains.outbox.policy import PRESETS
from gatepost.engine.enlist import Changes, NewEndpoint
from gatepost.engine.example import MILESTONES

KIND = "webhook"
EVENTS_MAX = 100
TYPE = r"^([a-z_]+\.[a-z_]+|[cw]:(\*|[A-Za-z0-9._-]{1,100}))$"
CAP = 1
"""One request under way at once: the next one goes when it has ended."""
NOTHING = "Name events, or set all_events"

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Url = Annotated[
    str,
    Meta(
        max_length=model.URL_MAX,
        description="Where requests go: `https`, to a public address unless the settings of this "
        "installation say otherwise.",
    ),
]
Events = Annotated[
    list[Annotated[str, Meta(pattern=TYPE)]],
    Meta(
        max_length=EVENTS_MAX,
        description="What it is told: types such as `email.delivered`, your own ones such as "
        "`c:signup`, or all of those: `c:*` and `w:*`.",
    ),
]
All = Annotated[bool, Meta(description="Whether it is told everything; `events` is passed over.")]
Enabled = Annotated[bool, Meta(description="Whether it is told anything.")]
Format = Annotated[
    Literal["object", "array"],
    Meta(description="Whether a request brings an event, or an array that holds it."),
]


class RuleIn(msgspec.Struct, frozen=True):
    """What a value of what an event is about must be."""

    field: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=FIELD_MAX,
            description="Where it is in the event's object.",
            examples=["meta.app"],
        ),
    ]
    operator: Comparison
    value: Annotated[
        Any,
        Meta(
            description="What it is compared with: a list for `in` and `not_in`, nothing for "
            "`is_set` and `is_not_set`.",
            examples=["billing"],
        ),
    ] = None


class FilterIn(msgspec.Struct, frozen=True):
    """Rules on what an event is about, all of which must hold, or any."""

    rules: Annotated[list[RuleIn], Meta(max_length=RULES_MAX)]
    match: Annotated[
        Literal["all", "any", "or"], Meta(description="`or` is another word for `any`.")
    ] = "all"


class RuleOut(msgspec.Struct):
    """What a value must be."""

    field: Annotated[str, Meta(examples=["meta.app"])]
    operator: Comparison
    value: Annotated[Any, Meta(examples=["billing"])] = UNSET


class FilterOut(msgspec.Struct):
    """Rules that an event must meet."""

    match: Literal["all", "any"]
    rules: list[RuleOut]


Filter = Annotated[
    FilterIn | None,
    Meta(description="Which of those events it is told; null, or without rules: all of them."),
]


class NewWebhookIn(msgspec.Struct, frozen=True):
    """A webhook to be."""

    name: Name
    url: Url
    all_events: All = False
    events: Events = []
    enabled: Enabled = True
    payload_format: Format = "object"
    filter: Filter = None


class WebhookChangesIn(msgspec.Struct, frozen=True):
    """What to change; members left out stay as they are."""

    name: Name | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    all_events: All | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    enabled: Enabled | UnsetType = UNSET
    payload_format: Format | UnsetType = UNSET
    filter: Filter | UnsetType = UNSET


class WebhookOut(msgspec.Struct, tag_field="object", tag=KIND):
    """A webhook, without its secret."""

    id: str
    name: str
    url: str
    all_events: All
    enabled: Enabled
    events: list[str]
    payload_format: str
    filter: Annotated[FilterOut | None, Meta(description="Rules that an event must meet.")]
    last_used_at: Annotated[
        str | None, Meta(description="When the newest request began that was sent.")
    ]
    created_at: str
    updated_at: str


class MadeWebhookOut(WebhookOut, tag=KIND, kw_only=True):
    """A webhook with its signing secret, which is shown this once."""

    secret: Annotated[
        str,
        Meta(
            description="`X-Emailit-Signature` is the HMAC-SHA256 of the timestamp, a dot and the "
            "body under it, `whsec_` included."
        ),
    ]


class WebhooksOut(msgspec.Struct):
    """A page of webhooks."""

    data: list[WebhookOut]
    next_page_url: str | None
    previous_page_url: str | None


class DeletedWebhookOut(msgspec.Struct, tag_field="object", tag=KIND):
    """What was ended."""

    id: str
    name: str
    deleted: bool = True


def read_new(settings: Settings, project_id: ProjectId, given: NewWebhookIn) -> NewEndpoint:
    """Read a webhook to be; raises INVALID."""
    check_url(settings, given.url)
    if not given.all_events and not given.events:
        raise invalid((["events"], NOTHING))
    return NewEndpoint(
        project_id=project_id,
        name=given.name,
        url=given.url,
        types=(MILESTONES,),
        filter=written([] if given.all_events else given.events, _sieve(given.filter)),
        policy=PRESETS["emailit"],
        shape=Shape.EMAILIT,
        array=given.payload_format == "array",
        cap=CAP,
    )


def changes(before: Endpoint, given: WebhookChangesIn) -> Changes:
    """What to change of one; raises INVALID where it would be told nothing."""
    form = given.payload_format
    return Changes(
        name=given.name,
        url=given.url,
        filter=_filter(before, given),
        array=UNSET if form is UNSET else form == "array",
    )


def check_url(settings: Settings, url: str | UnsetType) -> None:
    """Refuse a URL that can be seen to be wrong; raises INVALID."""
    if url is not UNSET and (wrong := urls.problem(str(url), settings)):
        raise invalid((["url"], wrong))


def written(events: Sequence[str], sieve: Sieve) -> str:
    """The condition that is met by some types, or all, of what passes a sieve."""
    title = Title(any_of=tuple(dict.fromkeys(events)))
    return conditions.write(Condition(title=title, payload=sieve))


def told(endpoint: Endpoint) -> list[str]:
    """The types that one is told of, none where it is all of them."""
    return list(conditions.read(endpoint.filter).title.any_of)


def is_webhook(endpoint: Endpoint) -> bool:
    """Whether an endpoint is one that Emailit's API knows."""
    return endpoint.shape is Shape.EMAILIT and endpoint.wants(MILESTONES)


def show(endpoint: Endpoint, last_used_at: int | None) -> WebhookOut:
    """Write one for the wire."""
    return WebhookOut(**_members(endpoint, last_used_at))


def show_made(endpoint: Endpoint, secret: str, last_used_at: int | None = None) -> MadeWebhookOut:
    """Write one for the wire, with its secret."""
    return MadeWebhookOut(**_members(endpoint, last_used_at), secret=secret)


def _members(endpoint: Endpoint, last_used_at: int | None) -> dict[str, Any]:
    return {
        "id": ids.show(wire.WEBHOOK, endpoint.id),
        "name": endpoint.name,
        "url": endpoint.url,
        "all_events": not told(endpoint),
        "enabled": endpoint.status is EndpointStatus.ENABLED,
        "events": told(endpoint),
        "payload_format": "array" if endpoint.array else "object",
        "filter": _shown(conditions.read(endpoint.filter).payload),
        "last_used_at": wire.maybe(last_used_at),
        "created_at": wire.moment(endpoint.created_at),
        "updated_at": wire.moment(endpoint.updated_at),
    }


def _filter(before: Endpoint, given: WebhookChangesIn) -> str:
    kept = conditions.read(before.filter).payload
    return written(_events(before, given), kept if given.filter is UNSET else _sieve(given.filter))


def _events(before: Endpoint, given: WebhookChangesIn) -> Sequence[str]:
    """The types it is told from now on, none where it is all of them; raises INVALID."""
    if given.all_events is True:
        return []
    events = told(before) if given.events is UNSET else given.events
    if not events and not (given.all_events is UNSET and given.events is UNSET):
        raise invalid((["events"], NOTHING))
    return events


def _sieve(given: FilterIn | None) -> Sieve:
    """Read rules; raises INVALID."""
    if given is None or not given.rules:
        return Sieve()
    rules = tuple(SieveRule(one.field, one.operator, one.value) for one in given.rules)
    sieve = Sieve("all" if given.match == "all" else "any", rules)
    if problems := sieves.check(sieve):
        raise invalid(*((["filter", *where], words) for where, words in problems))
    return sieve


def _shown(sieve: Sieve) -> FilterOut | None:
    if not sieve.rules:
        return None
    rules = [_shown_rule(one) for one in sieve.rules]
    return FilterOut(sieve.match, rules)


def _shown_rule(one: SieveRule) -> RuleOut:
    return RuleOut(one.field, one.operator, UNSET if one.operator in sieves.ALONE else one.value)
