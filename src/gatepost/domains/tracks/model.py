"""What is known of a mail once it has arrived. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gatepost.base.ids import AccountId, DeliveryId

AGENT_MAX = 300
TRACKS_MAX = 1000
"""How many are kept of one delivery: programs may follow links without end."""


class TrackKind(StrEnum):
    """What was done."""

    OPENED = "opened"
    CLICKED = "clicked"


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """Something a recipient, or a program of theirs, did with a mail; its id tells when. `url` is
    the link that was followed.
    """

    account_id: AccountId
    delivery_id: DeliveryId
    id: bytes
    kind: TrackKind
    url: str | None
    address: str
    agent: str
