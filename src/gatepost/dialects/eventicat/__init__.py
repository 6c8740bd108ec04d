"""Eventicat's API: events that are counted, sent by a URL alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError
from gatepost.base.ids import CustomerId
from gatepost.dialects.eventicat import management, reports, routes
from gatepost.dialects.eventicat.envelope import (
    HEADERS,
    IDEMPOTENCY,
    PREFLIGHT,
    THROTTLE,
    render_error,
)
from gatepost.dialects.eventicat.manual import MANUAL
from gatepost.dialects.eventicat.wire import api_key
from gatepost.domains.keys.model import Key
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint, Header, Page


class Eventicat:
    """`GET /api/event?_id=…&_apikey=…&name=…`: everything else in the query is a tag."""

    name: str = "eventicat"
    mounts: Sequence[str] = ("/api/event", management.PATH, f"{management.KEY_PATH}/")
    endpoints: Sequence[Endpoint] = (
        *routes.ENDPOINTS,
        *management.ENDPOINTS,
        *reports.ENDPOINTS,
    )
    pages: Sequence[Page] = ()
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL
    headers: Sequence[Header] = HEADERS
    preflight: Sequence[Header] = PREFLIGHT
    target_bytes_max = 8192
    quota_first = False

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Read `Authorization: Bearer <key>`, else `_apikey` in the query."""
        return api_key(headers, query_string)

    def customer(self, headers: Mapping[bytes, bytes]) -> CustomerId | None:
        """Nothing is done for a customer here."""
        del headers
        return None

    def client(self, key: Key, headers: Mapping[bytes, bytes]) -> None:
        """Customers are named as usual, or not at all."""

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal as `{"error": "<sentence>"}`."""
        del request_id
        return render_error(_told(refusal), endpoint)


def _told(refusal: AppError) -> AppError:
    """A sentence is all there is, so it has to name the member at fault."""
    path = ".".join(str(step) for step in refusal.fields[0].path) if refusal.fields else ""
    if not path:
        return refusal
    return AppError(refusal.code, f"{path}: {refusal.detail}", extra=refusal.extra)
