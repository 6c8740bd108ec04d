"""NotifyKit's API: e-mails and webhooks that are sent through a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError
from gatepost.dialects.notifykit import (
    jobs,
    sends,
    service,
    user_domain,
    user_key,
    user_providers,
    user_secret,
    user_usage,
    wire,
)
from gatepost.dialects.notifykit.envelope import HEADERS, IDEMPOTENCY, THROTTLE, render_error
from gatepost.dialects.notifykit.manual import MANUAL
from gatepost.domains.keys.model import Key
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint, Header, Page


class NotifyKit:
    """`X-API-Key: nh_…`; data in an envelope with the moment, and jobs that tell how it went."""

    name: str = "notifykit"
    # Others have paths below /api/v1, too.
    mounts: Sequence[str] = (
        "/api/v1/ping",
        "/api/v1/info",
        "/api/v1/health/simple",
        "/api/v1/notifications",
        "/api/v1/user",
    )
    endpoints: Sequence[Endpoint] = (
        *service.ENDPOINTS,
        *sends.ENDPOINTS,
        *jobs.ENDPOINTS,
        *user_usage.ENDPOINTS,
        *user_key.ENDPOINTS,
        *user_providers.ENDPOINTS,
        *user_secret.ENDPOINTS,
        *user_domain.ENDPOINTS,
    )
    pages: Sequence[Page] = service.PAGES
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL
    headers: Sequence[Header] = HEADERS
    preflight: Sequence[Header] = ()
    target_bytes_max = 65_536
    quota_first = True

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str:
        """Read `X-API-Key`, else `Authorization: Bearer <key>`; raises UNAUTHENTICATED."""
        del query_string
        return wire.api_key(headers)

    def customer(self, headers: Mapping[bytes, bytes]) -> None:
        """Nothing here is done for a customer."""

    def client(self, key: Key, headers: Mapping[bytes, bytes]) -> None:
        """Nothing here is done for a customer."""

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal as `{"success":false,"error":"<sentence>","timestamp":…}`."""
        del request_id, endpoint
        return render_error(refusal)
