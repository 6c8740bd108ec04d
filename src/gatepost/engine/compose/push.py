"""A message for browsers, as a draft for the outbox: a delivery for each device that it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.base import ids
from gatepost.base.errors import AppError
from gatepost.base.ids import AccountId, DeviceId, ProjectId
from gatepost.domains.devices import store
from gatepost.domains.devices.model import USER_MAX, Audience, Device
from gatepost.domains.outbox.model import Transport
from gatepost.domains.outbox.policy import STANDARD, Policy
from gatepost.engine.notify import Draft, Target
from gatepost.storage.db import Tx

TITLE_MAX = 200
BODY_MAX = 2000
URL_MAX = 1000
CHANNEL_MAX = 100
TTL_S = 3 * 24 * 3600
TTL_S_MAX = 28 * 24 * 3600
BYTES_MAX = 3900
"""What fits into a record of 4096 bytes beside its keys (RFC 8291, section 4), less an id."""
CUT = "…"
CAP = 16


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """The device that a delivery goes to, by its id in hex; how long its push service keeps it
    (s), and the name under which a later message replaces it there.
    """

    device: str
    ttl: int = TTL_S
    topic: str = ""


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the page's service worker is given."""

    title: str
    body: str = ""
    url: str = ""
    icon: str = ""
    data: msgspec.Raw | None = None


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """What to show, and whom."""

    to: Audience
    shown: Shown
    ttl_s: int = TTL_S
    topic: str = ""
    policy: Policy = STANDARD


class Whom(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Whom a rule tells: exactly one is set; `device` is an outside id."""

    channel: Annotated[str, Meta(min_length=1, max_length=CHANNEL_MAX)] = ""
    user_id: Annotated[str, Meta(min_length=1, max_length=USER_MAX)] = ""
    device: str = ""


class Members(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """What a rule says of a push message; its title and body are the alert's."""

    to: Literal["all"] | Whom = "all"
    url: Annotated[str, Meta(max_length=URL_MAX)] = ""
    icon: Annotated[str, Meta(max_length=URL_MAX)] = ""
    topic: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{0,32}$")] = ""
    ttl_seconds: Annotated[int, Meta(ge=0, le=TTL_S_MAX)] = TTL_S


def of_rule(members: Mapping[str, Any], title: str, body: str) -> Push:
    """What a rule's alert is to browsers; raises ValueError for members that cannot be."""
    given = msgspec.convert(members, Members)
    shown = Shown(title[:TITLE_MAX], body, given.url, given.icon)
    return Push(to=_audience(given.to), shown=shown, ttl_s=given.ttl_seconds, topic=given.topic)


def _audience(to: str | Whom) -> Audience:
    if not isinstance(to, Whom):
        return Audience()
    if len([one for one in (to.channel, to.user_id, to.device) if one]) != 1:
        raise ValueError("Give exactly one of channel, userId, device")
    return Audience(
        device_id=DeviceId(ids.parse("device", to.device)) if to.device else None,
        user_id=to.user_id or None,
        channel=to.channel or None,
    )


def problem(members: Mapping[str, Any]) -> str:
    """What is wrong with a rule's members as a sentence, empty for nothing."""
    try:
        of_rule(members, "", "")
    except ValueError as wrong:
        return str(wrong)
    except AppError:
        return "No device with this id"
    return ""


def compose(tx: Tx, account_id: AccountId, project_id: ProjectId, given: Push) -> Draft:
    """Look up whom it is for: perhaps nobody. What is too long to be sent is cut."""
    found = store.reached(tx, account_id, project_id, given.to)
    return Draft(cut(given.shown).decode(), tuple(_targets(found, given)))


def cut(shown: Shown) -> bytes:
    """Write what is shown, its body shortened to what can be sent, as JSON."""
    whole = msgspec.json.encode(shown)
    body = shown.body
    while len(whole) > BYTES_MAX and body:
        over = len(whole) - BYTES_MAX
        body = body[: max(len(body) - max(over // 4, 1), 0)]
        whole = msgspec.json.encode(msgspec.structs.replace(shown, body=body + CUT))
    return whole


def _targets(found: list[Device], given: Push) -> Iterator[Target]:
    """Devices of one push service share what that one bears."""
    for device in found:
        address = Address(device.id.hex(), given.ttl_s, given.topic)
        yield Target(
            transport=Transport.PUSH,
            queue=device.host,
            name=device.host,
            address=msgspec.json.encode(address).decode(),
            policy=given.policy,
            cap=CAP,
        )
