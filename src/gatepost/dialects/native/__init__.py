"""Dialect zero: Gatepost's own API, which is EmitKit's contract, extended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError
from gatepost.base.ids import CustomerId
from gatepost.dialects.native import (
    account,
    aggregators,
    alerts,
    audit,
    backtests,
    batch,
    bookmarks,
    channels,
    customers,
    deliveries,
    domains,
    endpoints,
    events,
    gate,
    gatekeys,
    identify,
    installation,
    keys,
    listing,
    mailbox,
    mailers,
    messages,
    messagesecret,
    meta,
    operations,
    operators,
    people,
    projects,
    push,
    quotas,
    recent,
    refusals,
    relays,
    reports,
    rules,
    seen,
    shares,
    standing,
    stream,
    suppressions,
    templates,
    trace,
    tracking,
    usage,
)
from gatepost.dialects.native.envelope import IDEMPOTENCY, THROTTLE, bearer, customer, render_error
from gatepost.dialects.native.manual import MANUAL
from gatepost.domains.keys.model import Key
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint, Header, Page


class Native:
    """The native dialect: `Authorization: Bearer …`, one envelope, `X-RateLimit-*`."""

    name: str = "native"
    mounts: Sequence[str] = ("/v1/", "/api/v1/")
    endpoints: Sequence[Endpoint] = (
        *events.ENDPOINTS,
        *batch.ENDPOINTS,
        *listing.ENDPOINTS,
        *stream.ENDPOINTS,
        *trace.ENDPOINTS,
        *channels.ENDPOINTS,
        *identify.ENDPOINTS,
        *people.ENDPOINTS,
        *keys.ENDPOINTS,
        *standing.ENDPOINTS,
        *projects.ENDPOINTS,
        *aggregators.ENDPOINTS,
        *reports.ENDPOINTS,
        *seen.ENDPOINTS,
        *shares.ENDPOINTS,
        *customers.ENDPOINTS,
        *quotas.ENDPOINTS,
        *usage.ENDPOINTS,
        *gate.ENDPOINTS,
        *gatekeys.ENDPOINTS,
        *relays.ENDPOINTS,
        *endpoints.ENDPOINTS,
        *rules.ENDPOINTS,
        *backtests.ENDPOINTS,
        *alerts.ENDPOINTS,
        *messages.ENDPOINTS,
        *messagesecret.ENDPOINTS,
        *push.ENDPOINTS,
        *deliveries.ENDPOINTS,
        *domains.ENDPOINTS,
        *templates.ENDPOINTS,
        *tracking.ENDPOINTS,
        *mailers.ENDPOINTS,
        *suppressions.ENDPOINTS,
        *mailbox.ENDPOINTS,
        *operators.ENDPOINTS,
        *bookmarks.ENDPOINTS,
        *audit.ENDPOINTS,
        *refusals.ENDPOINTS,
        *recent.ENDPOINTS,
        *operations.ENDPOINTS,
        *installation.ENDPOINTS,
        *account.ENDPOINTS,
        *meta.ENDPOINTS,
    )
    pages: Sequence[Page] = ()
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL
    headers: Sequence[Header] = ()
    preflight: Sequence[Header] = ()
    target_bytes_max = 65_536
    quota_first = False

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str | None:
        """Read `Authorization: Bearer <key>`; the scheme's case does not matter (RFC 9110)."""
        del query_string
        return bearer(headers)

    def customer(self, headers: Mapping[bytes, bytes]) -> CustomerId | None:
        """Read `X-Customer-ID`: a customer's id, as `customer_…` or as a UUID."""
        return customer(headers)

    def client(self, key: Key, headers: Mapping[bytes, bytes]) -> None:
        """Customers are named as usual, or not at all."""

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal as `{"success":false,"code":…,"error":…,"requestId":…}`."""
        return render_error(refusal, request_id, endpoint)
