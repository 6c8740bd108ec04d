"""Headers of everything the dashboard answers, and what a form's request must carry."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Of what is no page: if a browser shows it after all, nothing in it runs."""
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
HARMLESS = frozenset({"GET", "HEAD"})

COMMON = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


def security(media: str, own: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """Headers for a reply of a media type, without those that it has as its `own`."""
    policy = PAGE_POLICY if media.startswith("text/html") else DATA_POLICY
    wanted = COMMON | {"content-security-policy": policy}
    return [(name.encode(), value.encode()) for name, value in wanted.items() if name not in own]


def from_here(request: Request) -> bool:
    """Whether a browser says that one of our own pages sent this; others than browsers say
    nothing, and have no cookies of anybody's.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def is_token(given: str, token: str) -> bool:
    """Whether that is the token of this session."""
    return hmac.compare_digest(given.encode(), token.encode())
