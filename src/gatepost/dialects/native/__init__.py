"""Dialect zero: Gatepost's own API, which is EmitKit's contract, extended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError
from gatepost.dialects.native import (
    audit,
    batch,
    channels,
    events,
    identify,
    keys,
    listing,
    meta,
    people,
    projects,
    refusals,
    standing,
    stream,
)
from gatepost.dialects.native.envelope import IDEMPOTENCY, THROTTLE, bearer, render_error
from gatepost.dialects.native.manual import MANUAL
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint


class Native:
    """The native dialect: `Authorization: Bearer …`, one envelope, `X-RateLimit-*`."""

    name: str = "native"
    mounts: Sequence[str] = ("/v1/", "/api/v1/")
    endpoints: Sequence[Endpoint] = (
        *events.ENDPOINTS,
        *batch.ENDPOINTS,
        *listing.ENDPOINTS,
        *stream.ENDPOINTS,
        *channels.ENDPOINTS,
        *identify.ENDPOINTS,
        *people.ENDPOINTS,
        *keys.ENDPOINTS,
        *standing.ENDPOINTS,
        *projects.ENDPOINTS,
        *audit.ENDPOINTS,
        *refusals.ENDPOINTS,
        *meta.ENDPOINTS,
    )
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Read `Authorization: Bearer <key>`; the scheme's case does not matter (RFC 9110)."""
        del query_string
        return bearer(headers)

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal as `{"success":false,"code":…,"error":…,"requestId":…}`."""
        return render_error(refusal, request_id, endpoint)
