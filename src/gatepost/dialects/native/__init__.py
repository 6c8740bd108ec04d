"""Dialect zero: Gatepost's own API, which is EmitKit's contract, extended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError
from gatepost.dialects.native import events, identify, meta
from gatepost.dialects.native.envelope import IDEMPOTENCY, THROTTLE, render_error
from gatepost.dialects.native.manual import MANUAL
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint


class Native:
    """The native dialect: `Authorization: Bearer …`, one envelope, `X-RateLimit-*`."""

    name: str = "native"
    mounts: Sequence[str] = ("/v1/", "/api/v1/")
    endpoints: Sequence[Endpoint] = (*events.ENDPOINTS, *identify.ENDPOINTS, *meta.ENDPOINTS)
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Read `Authorization: Bearer <key>`; the scheme's case does not matter (RFC 9110)."""
        del query_string
        scheme, _, secret = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        return secret.strip().decode("latin-1") or None

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal as `{"success":false,"code":…,"error":…,"requestId":…}`."""
        return render_error(refusal, request_id, endpoint)
