"""Rules on the wire: what comes in, what goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.dialects.native.matchwire import MatchIn
from gatepost.domains.endpoints import model as endpoints
from gatepost.domains.rules import model, told
from gatepost.domains.rules.model import Then, Urgency

Name = Annotated[str, Meta(min_length=1, max_length=model.NAME_MAX)]
Enabled = Annotated[bool, Meta(description="Whether it is tried at all.")]
MutedUntil = Annotated[datetime, Meta(tz=True, description="Until then it tells nothing.")]
Minutes = Annotated[float, Meta(ge=model.MINUTES_MIN, le=model.MINUTES_MAX)]
Time = Annotated[str, Meta(max_length=5, description="A time of the day, as `09:00`.")]
Zone = Annotated[str, Meta(max_length=64, description="An IANA time zone.")]
Days = Annotated[
    list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]],
    Meta(max_length=7, description="None means all of them."),
]
By = Annotated[
    str,
    Meta(
        max_length=model.BY_MAX,
        description="What tells events apart: `userId`, `channelName`, `title` or "
        "`metadata.<path>`.",
    ),
]


class WindowIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Hours of some days. What does not end later than it starts ends on the day after."""

    start: Time = msgspec.field(name="from")
    end: Time = msgspec.field(name="to")
    timezone: Zone = "UTC"
    days: Days = []


class WhenIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What makes it tell. `event`: each event. `threshold`: `count` events within `minutes`, of
    each value of `by`. `change`: `percent` more (or, below 0, less) in `minutes` than in those
    before, where one of the two has `minimum`. `absence`: no event for `minutes`, `during` hours.
    """

    type: Literal["event", "threshold", "change", "absence"]
    count: Annotated[int, Meta(ge=1, le=model.COUNT_MAX)] | UnsetType = UNSET
    minutes: Minutes | UnsetType = UNSET
    by: By | UnsetType = UNSET
    percent: Annotated[float, Meta(ge=-100, le=model.PERCENT_MAX)] | UnsetType = UNSET
    minimum: Annotated[int, Meta(ge=1, le=model.COUNT_MAX)] | UnsetType = UNSET
    during: WindowIn | UnsetType = UNSET


class TextIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Templates, as `{{ event.title }}: {{ event.metadata.amount }}`. Empty ones mean the title
    and the description of the event.
    """

    title: Annotated[str, Meta(max_length=model.TITLE_MAX)] = ""
    body: Annotated[str, Meta(max_length=model.BODY_MAX)] = ""


class GroupIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One message for all that comes within some seconds of the first, of each value of `by`."""

    seconds: Annotated[int, Meta(ge=1, le=model.SECONDS_MAX)]
    by: By = ""


class DigestIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One message a day for all that came, at a time of some days."""

    at: Time
    timezone: Zone = "UTC"
    days: Days = []


class QuietIn(WindowIn, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Hours in which nothing is told: it is held until they end, or dropped."""

    then: Then = Then.HOLD


class ToWebhookIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A request to a URL. Values of headers are kept encrypted, and never shown again: `…` leaves
    one as it was.
    """

    url: Annotated[str, Meta(max_length=endpoints.URL_MAX)]
    headers: Annotated[dict[str, str], Meta(max_length=endpoints.HEADERS_MAX)] = {}


class ToEmailIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A mail: the text as it is, or in a template of the account."""

    to: Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(min_length=1, max_length=50)]
    template: Annotated[str, Meta(max_length=200)] = ""


class ToChatIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A chat or phone by its URL, which is kept encrypted, and never shown again: what is shown
    instead leaves it as it was.
    """

    url: Annotated[str, Meta(max_length=endpoints.URL_MAX)]


class DestinationIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Where it goes: exactly one."""

    endpoint: Annotated[str, Meta(description="The id of an endpoint.")] | UnsetType = UNSET
    webhook: ToWebhookIn | UnsetType = UNSET
    email: ToEmailIn | UnsetType = UNSET
    chat: ToChatIn | UnsetType = UNSET
    push: dict[str, Any] | UnsetType = UNSET


Destinations = Annotated[list[DestinationIn], Meta(min_length=1, max_length=model.DESTINATIONS_MAX)]


class StepIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Who else is told if nobody has taken notice after some minutes."""

    after_minutes: Minutes
    to: Destinations


Escalation = Annotated[list[StepIn], Meta(max_length=model.STEPS_MAX)]
Priority = Annotated[Urgency, Meta(description="Which go first to one destination.")]


class NewRuleIn(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True
):
    """A rule to be."""

    name: Name
    to: Destinations
    enabled: Enabled = True
    when: WhenIn = WhenIn("event")
    match: MatchIn = MatchIn()
    text: TextIn = TextIn()
    priority: Priority = Urgency.NORMAL
    group: GroupIn | None = None
    digest: DigestIn | None = None
    quiet: QuietIn | None = None
    muted_until: MutedUntil | None = None
    escalate: Escalation = []


class RuleChangesIn(
    msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, kw_only=True
):
    """What to change; members left out stay as they are. Each is given as a whole."""

    name: Name | UnsetType = UNSET
    to: Destinations | UnsetType = UNSET
    enabled: Enabled | UnsetType = UNSET
    when: WhenIn | UnsetType = UNSET
    match: MatchIn | UnsetType = UNSET
    text: TextIn | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    group: GroupIn | UnsetType | None = UNSET
    digest: DigestIn | UnsetType | None = UNSET
    quiet: QuietIn | UnsetType | None = UNSET
    muted_until: MutedUntil | UnsetType | None = UNSET
    escalate: Escalation | UnsetType = UNSET


class TroubleOut(msgspec.Struct):
    """What went wrong with a rule last."""

    message: str
    at: str


class RuleOut(msgspec.Struct, rename="camel"):
    """A rule. What is secret of its destinations is blanked out."""

    id: str
    project_id: str
    name: Name
    enabled: Enabled
    when: WhenIn
    match: MatchIn
    to: list[DestinationIn]
    text: TextIn
    priority: Urgency
    group: GroupIn | None
    digest: DigestIn | None
    quiet: QuietIn | None
    muted_until: str | None
    escalate: list[StepIn]
    last_error: TroubleOut | None
    last_told_at: Annotated[str | None, Meta(description="When it told something last.")]
    told_lately: Annotated[
        int, Meta(description=f"How often it told in the last {told.DAYS} days (UTC).")
    ]
    created_at: str
    updated_at: str


class RulesOut(msgspec.Struct, rename="camel"):
    """A page of rules; `next_cursor` is null on the last one."""

    rules: list[RuleOut]
    next_cursor: str | None
