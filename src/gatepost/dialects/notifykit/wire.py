"""NotifyKit's requests and refusals: where the key is, and the words that a refusal has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gatepost.base.errors import AppError, Code
from gatepost.web import validate

WORDS = "notifykit"
"""Where a refusal keeps its words, which may repeat what the client sent: no log has them."""
MISSING_KEY = "API key is missing"
INVALID_KEY = "Invalid API key"
JOB_NOT_FOUND = "Job not found"
NO_OBJECT = "The body must be an object"

_KEY = re.compile(r"nh_[0-9a-f]{64}")
_PREFIX = "nh_"


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a body, in NotifyKit's words; told once the quota would have admitted it.
    `detail` is what a log may keep, where the words repeat what was sent.
    """

    words: str
    detail: str = ""

    def error(self) -> AppError:
        """Make the refusal of it."""
        return refusal(Code.INVALID, self.words, self.detail)


def refusal(code: Code, words: str, detail: str = "") -> AppError:
    """Refuse in NotifyKit's words."""
    return AppError(code, detail or words, extra={WORDS: words})


def api_key(headers: Mapping[bytes, bytes]) -> str:
    """The key in `X-API-Key`, else that in `Authorization: Bearer`; raises UNAUTHENTICATED where
    there is none, or what begins like NotifyKit's own and can be none.
    """
    secret = headers.get(b"x-api-key", b"").decode("latin-1").strip() or _bearer(headers)
    if not secret:
        raise refusal(Code.UNAUTHENTICATED, MISSING_KEY)
    if secret.startswith(_PREFIX) and not _KEY.fullmatch(secret):
        raise refusal(Code.UNAUTHENTICATED, INVALID_KEY)
    return secret


def _bearer(headers: Mapping[bytes, bytes]) -> str:
    scheme, _, secret = headers.get(b"authorization", b"").partition(b" ")
    return secret.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def members(body: bytes) -> dict[str, Any]:
    """The members of a body; none at all means an empty one. Raises INVALID."""
    if not body.strip():
        return {}
    found = validate.json(body)
    if not isinstance(found, dict):
        raise refusal(Code.INVALID, NO_OBJECT)
    return found
