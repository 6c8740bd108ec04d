"""Emailit's API: e-mails, and all that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gatepost.base.errors import AppError, Code
from gatepost.dialects.emailit import (
    api_keys,
    audiences,
    contactbulk,
    contacts,
    domains,
    emails,
    events,
    resends,
    subscribers,
    suppressions,
    templates,
    verificationlists,
    verifications,
    webhooks,
    wire,
)
from gatepost.dialects.emailit.envelope import HEADERS, IDEMPOTENCY, THROTTLE, render_error
from gatepost.dialects.emailit.manual import MANUAL
from gatepost.domains.keys.model import Key
from gatepost.gate.once import Reply
from gatepost.web.contract import Endpoint, Header, Page


class Emailit:
    """`Authorization: Bearer …`, objects as they are, pages by number."""

    name: str = "emailit"
    mounts: Sequence[str] = ("/v2/",)
    endpoints: Sequence[Endpoint] = (
        *api_keys.ENDPOINTS,
        *emails.ENDPOINTS,
        *domains.ENDPOINTS,
        *webhooks.ENDPOINTS,
        *resends.ENDPOINTS,
        *events.ENDPOINTS,
        *templates.ENDPOINTS,
        *suppressions.ENDPOINTS,
        *contacts.ENDPOINTS,
        *contactbulk.ENDPOINTS,
        *audiences.ENDPOINTS,
        *subscribers.ENDPOINTS,
        *verifications.ENDPOINTS,
        *verificationlists.ENDPOINTS,
    )
    pages: Sequence[Page] = ()
    throttle = THROTTLE
    idempotency = IDEMPOTENCY
    manual = MANUAL
    headers: Sequence[Header] = HEADERS
    preflight: Sequence[Header] = ()
    target_bytes_max = 65_536
    quota_first = False

    def api_key(self, headers: Mapping[bytes, bytes], query_string: bytes) -> str:
        """Read `Authorization: Bearer <key>`; raises UNAUTHENTICATED where there is none."""
        del query_string
        scheme, _, secret = headers.get(b"authorization", b"").partition(b" ")
        key = secret.strip().decode("latin-1")
        if scheme.lower() != b"bearer" or not key:
            raise wire.refusal(Code.UNAUTHENTICATED, "API key required")
        return key

    def customer(self, headers: Mapping[bytes, bytes]) -> None:
        """Nothing here is done for a customer."""

    def client(self, key: Key, headers: Mapping[bytes, bytes]) -> None:
        """Nothing here is done for a customer."""

    def error(self, refusal: AppError, request_id: str, endpoint: Endpoint | None) -> Reply:
        """Render a refusal in the shape of what was asked for."""
        return render_error(refusal, request_id, endpoint)
