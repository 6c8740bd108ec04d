"""EMMI's API: an account's customers, and what is asked and used for each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError
from gatepost.base.ids import CustomerId
from gatepost.dialects.emmi import customers, data, pages, quota, usage, wire
from gatepost.dialects.emmi.envelope import HEADERS, IDEMPOTENCY, THROTTLE, render_error
from gatepost.dialects.emmi.manual import MANUAL
from gatepost.domains.keys.model import Key
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint, Header, Page

DATA = (
    "emissions-estimates",
    "emissions-projections",
    "climate-risk",
    "temperature-alignment",
    "company-ranking",
    "hazard-risk",
)
"""How the paths of EMMI's data endpoints begin, which relays may lead on from."""


class Emmi:
    """`X-API-Key` says which account, `X-Customer-ID` for which of its customers."""

    name: str = "emmi"
    # Others have paths below /api/v1, too.
    mounts: Sequence[str] = (
        "/latest/api/v1/",
        "/v1/api/v1/",
        "/api/v1/customers",
        "/api/v1/usage",
        "/api/v1/health",
        "/api/v1/echo-estimates",
        *(f"/api/v1/{name}" for name in DATA),
    )
    endpoints: Sequence[Endpoint] = (
        *data.ENDPOINTS,
        *customers.ENDPOINTS,
        *quota.ENDPOINTS,
        *usage.ENDPOINTS,
    )
    pages: Sequence[Page] = pages.PAGES
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL
    headers: Sequence[Header] = HEADERS
    preflight: Sequence[Header] = ()
    target_bytes_max = 65_536
    quota_first = True

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Read `X-API-Key`; raises UNAUTHENTICATED where it holds none."""
        del query_string
        return wire.api_key(headers)

    def customer(self, headers: Mapping[bytes, bytes]) -> CustomerId | None:
        """Read `X-Customer-ID`: a customer's UUID."""
        return wire.customer(headers)

    def client(self, key: Key, headers: Mapping[bytes, bytes]) -> str | None:
        """Find whom a request is done for with a key of the earlier generation."""
        return wire.client(key, headers)

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal as `{"error":{"code":…,"message":…},"request_id":…}`."""
        return render_error(refusal, request_id, endpoint)
