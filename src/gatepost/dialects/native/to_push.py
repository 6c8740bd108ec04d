"""The part of a message that browsers show."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base import ids
from gatepost.base.errors import not_found
from gatepost.base.ids import DeviceId
from gatepost.dialects.native import admin
from gatepost.dialects.native.to_webhook import NOT_TEXT, is_text
from gatepost.domains.devices import model as devices
from gatepost.domains.devices import store
from gatepost.domains.devices.model import Audience
from gatepost.domains.endpoints.model import refuse
from gatepost.domains.plans.model import Meter
from gatepost.engine.compose import push
from gatepost.engine.compose.push import Push, Shown, compose
from gatepost.engine.notify import Draft
from gatepost.gate.once import Charge
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

MEMBER = "push"

UserId = Annotated[
    str,
    Meta(min_length=1, max_length=devices.USER_MAX, description="All devices of this user."),
]
Channel = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=push.CHANNEL_MAX,
        description="All devices that want to know of this channel, of the project or of all.",
    ),
]


class PushToIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Whom it is for: exactly one of these."""

    channel: Channel | UnsetType = UNSET
    user_id: UserId | UnsetType = UNSET
    device: Annotated[str, Meta(description="One device, by its id.")] | UnsetType = UNSET


class PushIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What browsers show. The page's service worker gets it as JSON, with the message's `id`."""

    to: Annotated[
        Literal["all"] | PushToIn,
        Meta(description="`all` are those that want to know of the project or of everything."),
    ]
    title: Annotated[str, Meta(min_length=1, max_length=push.TITLE_MAX)]
    body: Annotated[str, Meta(max_length=push.BODY_MAX)] = ""
    url: Annotated[str, Meta(max_length=push.URL_MAX, description="What a click opens.")] = ""
    icon: Annotated[str, Meta(max_length=push.URL_MAX, description="An image's URL.")] = ""
    data: Annotated[msgspec.Raw | UnsetType, Meta(description="JSON for the service worker.")] = (
        UNSET
    )
    topic: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9_-]{0,32}$",
            description="A later message with the same topic replaces one that a device has not "
            "got yet.",
        ),
    ] = ""
    ttl_seconds: Annotated[
        int,
        Meta(ge=0, le=push.TTL_S_MAX, description="How long push services keep it for a device."),
    ] = push.TTL_S


def check(_call: Call, given: PushIn) -> None:
    """Refuse what can be seen to be wrong; raises INVALID, or NOT_FOUND for a malformed id."""
    _audience(given)
    if given.data is not UNSET and not is_text(given.data):
        refuse([([MEMBER, "data"], NOT_TEXT)])
    if len(msgspec.json.encode(_shown(given))) > push.BYTES_MAX:
        words = f"Together with all else at most {push.BYTES_MAX} bytes as JSON"
        refuse([([MEMBER, "data" if given.data is not UNSET else "body"], words)])


def charge(_given: PushIn) -> Charge:
    """Price it: one, however many devices it is for."""
    return Charge(Meter.PUSH)


def draft(tx: Tx, call: Call, given: PushIn) -> Draft:
    """Make the draft; raises NOT_FOUND for a device that there is not."""
    account_id, audience = call.caller.account_id, _audience(given)
    if audience.device_id is not None:
        device = store.get(tx, account_id, audience.device_id)
        if admin.bound_elsewhere(call, device.project_id):
            raise not_found("device with this id")
    wanted = Push(to=audience, shown=_shown(given), ttl_s=given.ttl_seconds, topic=given.topic)
    return compose(tx, account_id, call.project_id, wanted)


def _shown(given: PushIn) -> Shown:
    data = None if isinstance(given.data, UnsetType) else given.data
    return Shown(given.title, given.body, given.url, given.icon, data)


def _audience(given: PushIn) -> Audience:
    to = given.to
    if not isinstance(to, PushToIn):
        return Audience()
    named = [one for one in (to.channel, to.user_id, to.device) if one is not UNSET]
    if len(named) != 1:
        refuse([([MEMBER, "to"], "Give exactly one of channel, userId, device")])
    return Audience(
        device_id=None if to.device is UNSET else DeviceId(ids.parse("device", str(to.device))),
        user_id=None if to.user_id is UNSET else str(to.user_id),
        channel=None if to.channel is UNSET else str(to.channel),
    )
