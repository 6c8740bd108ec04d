"""A request to a URL, as a draft for the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.endpoints.model import Shape
from gatepost.domains.outbox.model import Transport
from gatepost.domains.outbox.policy import STANDARD, Policy
from gatepost.engine.enlist import Safe
from gatepost.engine.notify import Draft, Target
from gatepost.storage.db import Tx

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")


class Address(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where a direct webhook goes; `headers` are sealed, in base64."""

    url: str
    method: str = "POST"
    headers: bytes = b""
    shape: Shape = Shape.STANDARD


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A request to make. `payload` is JSON; `shape` says whose signature goes with it."""

    url: str
    payload: str
    method: str = "POST"
    headers: Mapping[str, str] = {}
    shape: Shape = Shape.STANDARD
    policy: Policy = STANDARD


def compose(
    tx: Tx, account_id: AccountId, project_id: ProjectId, given: Webhook, safe: Safe
) -> Draft:
    """Seal what is secret; requests to one host share what that one bears."""
    del tx, project_id  # other transports look things up
    sealed = safe.seal_headers(given.headers, account_id) if given.headers else b""
    address = Address(given.url, given.method, sealed, given.shape)
    host = urlsplit(given.url).netloc.lower()
    target = Target(
        transport=Transport.WEBHOOK,
        queue=host,
        name=host,
        address=msgspec.json.encode(address).decode(),
        policy=given.policy,
    )
    return Draft(given.payload, (target,))
