"""Messages that one page leaves for the next one: a cookie that is read once."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "gatepost_flash"
LASTS_S = 60
PATH = "/dashboard"
Kind = Literal["done", "problem"]


class Flash(msgspec.Struct, frozen=True):
    """What to say, and whether it went well. Nothing secret: it lies in a cookie."""

    text: str
    kind: Kind = "done"


def leave(response: Response, flash: Flash, *, secure: bool) -> None:
    """Leave it for the next page."""
    packed = base64.urlsafe_b64encode(msgspec.json.encode(flash)).decode()
    response.set_cookie(
        COOKIE, packed, max_age=LASTS_S, path=PATH, httponly=True, samesite="lax", secure=secure
    )


def find(request: Request) -> Flash | None:
    """What was left; None for anything that is none."""
    try:
        packed = base64.urlsafe_b64decode(request.cookies.get(COOKIE, ""))
        return msgspec.json.decode(packed, type=Flash)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def clear(response: Response) -> None:
    """It was shown."""
    response.delete_cookie(COOKIE, path=PATH)
