"""Unsubscribe: links that let a recipient end an account's mails to them, with one click."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import NamedTuple
from urllib.parse import urlencode

from gatepost.base.config import Settings
from gatepost.base.ids import AccountId

PATH = "/unsubscribe"
PARAMETER = "t"
PURPOSE = b"unsubscribe:"
ID_BYTES = 16
MARK_BYTES = 16
TOKEN_CHARS_MAX = 600


class Leaving(NamedTuple):
    """Who wants no more mails of which account."""

    account_id: AccountId
    address: str


def link(settings: Settings, pepper: bytes, leaving: Leaving) -> str:
    """The link for one recipient."""
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return f"{base}{PATH}?{urlencode({PARAMETER: write(pepper, leaving)})}"


def write(pepper: bytes, leaving: Leaving) -> str:
    """Who it is, signed."""
    said = leaving.account_id + leaving.address.encode()
    return base64.urlsafe_b64encode(_mark(pepper, said) + said).decode().rstrip("=")


def read(pepper: bytes, token: str) -> Leaving | None:
    """What `write` wrote, None for anything else."""
    if len(token) > TOKEN_CHARS_MAX:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    mark, said = raw[:MARK_BYTES], raw[MARK_BYTES:]
    if len(said) <= ID_BYTES or not hmac.compare_digest(mark, _mark(pepper, said)):
        return None
    return Leaving(AccountId(said[:ID_BYTES]), said[ID_BYTES:].decode())


def _mark(pepper: bytes, said: bytes) -> bytes:
    return hmac.digest(pepper, PURPOSE + said, "sha256")[:MARK_BYTES]
