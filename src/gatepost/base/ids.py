"""Ids: 16 bytes inside, `<noun>_<32 hex>` outside. UUIDv7, so they sort by time."""

from __future__ import annotations

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

HEX_LENGTH = 32


def new() -> bytes:
    """Make an id of now (RFC 9562, version 7)."""
    return uuid_utils.uuid7().bytes


def new_at(at_ms: int) -> bytes:
    """Make an id that sorts at a moment given in milliseconds since the epoch."""
    return uuid_utils.uuid7(nanoseconds=at_ms * 1_000_000).bytes


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
