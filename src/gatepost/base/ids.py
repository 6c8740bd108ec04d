"""Ids: 16 bytes inside, `<noun>_<32 hex>` outside. UUIDv7, so they sort by time."""

from __future__ import annotations

import itertools
import re
import secrets
import uuid
from typing import NewType

import uuid_utils

from gatepost.base.errors import not_found

AccountId = NewType("AccountId", bytes)
ProjectId = NewType("ProjectId", bytes)
KeyId = NewType("KeyId", bytes)
ChannelId = NewType("ChannelId", bytes)
EventId = NewType("EventId", bytes)
PersonId = NewType("PersonId", bytes)
AuditId = NewType("AuditId", bytes)
AggregatorId = NewType("AggregatorId", bytes)
CustomerId = NewType("CustomerId", bytes)
AdjustmentId = NewType("AdjustmentId", bytes)
GateKeyId = NewType("GateKeyId", bytes)
RelayId = NewType("RelayId", bytes)
EndpointId = NewType("EndpointId", bytes)
RuleId = NewType("RuleId", bytes)
AlertId = NewType("AlertId", bytes)
MessageId = NewType("MessageId", bytes)
DeliveryId = NewType("DeliveryId", bytes)
QueueId = NewType("QueueId", bytes)
MailerId = NewType("MailerId", bytes)
MailId = NewType("MailId", bytes)
AttachmentId = NewType("AttachmentId", bytes)
SuppressionId = NewType("SuppressionId", bytes)
DomainId = NewType("DomainId", bytes)
TemplateId = NewType("TemplateId", bytes)
DeviceId = NewType("DeviceId", bytes)
ContactId = NewType("ContactId", bytes)
AudienceId = NewType("AudienceId", bytes)
SubscriberId = NewType("SubscriberId", bytes)
VerificationId = NewType("VerificationId", bytes)
VerificationListId = NewType("VerificationListId", bytes)
OperatorId = NewType("OperatorId", bytes)
MembershipId = NewType("MembershipId", bytes)
SessionId = NewType("SessionId", bytes)
InvitationId = NewType("InvitationId", bytes)
ShareId = NewType("ShareId", bytes)
BookmarkId = NewType("BookmarkId", bytes)

NO_PROJECT = ProjectId(bytes(16))
"""In the place of a project, of what belongs to an account alone."""
NO_CUSTOMER = CustomerId(bytes(16))
"""In the place of a customer, of what is done for none."""

HEX_LENGTH = 32
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_count = itertools.count(secrets.randbits(18))


def new() -> bytes:
    """Make an id of now (RFC 9562, version 7)."""
    return uuid_utils.uuid7().bytes


def random() -> bytes:
    """Make an id that tells nothing, not even when it was made (RFC 9562, version 4)."""
    return uuid_utils.uuid4().bytes


def new_at(at_ms: int) -> bytes:
    """Make an id that sorts at a moment given in milliseconds since the epoch.

    The 18 bits after the time count (RFC 9562, section 6.2, method 1), so that two ids of a
    process share a `place_of` only when it makes 262,144 of one millisecond.
    """
    count = next(_count)
    head = at_ms << 24 | 7 << 20 | (count >> 6 & 0xFFF) << 8 | 0x80 | count & 0x3F
    return head.to_bytes(9, "big") + uuid_utils.uuid4().bytes[9:]


def place_of(raw: bytes) -> int:
    """Return the first bits of an id, without those that are always the same, as a number of 63
    bits. Places are in the order of the ids.
    """
    head = int.from_bytes(raw[:9], "big")
    return head >> 24 << 18 | (head >> 8 & 0xFFF) << 6 | head & 0x3F


def at_place(place: int) -> tuple[bytes, bytes]:
    """Return the smallest and the largest id with a place."""
    head = place >> 18 << 24 | 7 << 20 | (place >> 6 & 0xFFF) << 8 | 0x80 | place & 0x3F
    raw = head.to_bytes(9, "big")
    return raw + bytes(7), raw + b"\xff" * 7


def floor_at(at_ms: int) -> bytes:
    """Return the smallest id of a millisecond: a bound for ranges, never stored."""
    return max(at_ms, 0).to_bytes(6, "big") + bytes(10)


def time_of(raw: bytes) -> int:
    """Return the millisecond an id sorts at."""
    return int.from_bytes(raw[:6], "big")


def show(noun: str, raw: bytes) -> str:
    """Write an id for the outside."""
    return f"{noun}_{raw.hex()}"


def parse(noun: str, text: str) -> bytes:
    """Read an outside id; anything malformed is simply not found."""
    prefix, _, digits = text.rpartition("_")
    if prefix != noun or len(digits) != HEX_LENGTH:
        raise not_found(f"{noun} with this id")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise not_found(f"{noun} with this id") from None


def parse_uuid(text: str) -> bytes:
    """Read a UUID in its hyphenated form, in any case; raises ValueError for anything else."""
    if not _UUID.fullmatch(text):
        raise ValueError("not a UUID")
    return bytes.fromhex(text.replace("-", ""))


def show_uuid(raw: bytes) -> str:
    """Write 16 bytes as a UUID (RFC 9562), in lower case."""
    return str(uuid.UUID(bytes=raw))
