"""Opaque cursors: a position in a sorted list, safe to hand out and to take back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from gatepost.base.errors import invalid

T = TypeVar("T")

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
ID_BYTES = 16


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some rows and the cursor of the next ones, None on the last page."""

    rows: list[T]
    next_cursor: str | None


def encode(position: bytes) -> str:
    """Write a position as a cursor."""
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


def decode(cursor: str, name: str = "cursor") -> bytes:
    """Read a cursor back; raises INVALID naming the parameter it came in."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise invalid(([name], "Not a cursor of this list")) from None


def decode_id(cursor: str, name: str = "cursor") -> bytes:
    """Read a cursor that is as long as an id; raises INVALID naming the parameter."""
    position = decode(cursor, name)
    if len(position) != ID_BYTES:
        raise invalid(([name], "Not a cursor of this list"))
    return position


def page(rows: Sequence[T], limit: int, position: Callable[[T], bytes]) -> Page[T]:
    """Cut `limit + 1` fetched rows down to a page: the extra one only proves there are more."""
    kept = list(rows[:limit])
    more = len(rows) > limit
    return Page(kept, encode(position(kept[-1])) if more and kept else None)
