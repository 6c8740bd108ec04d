"""Heal: what tries to reach an endpoint say of its health."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.domains.audit.model import Actor
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus, Health, health
from gatepost.domains.outbox.model import Fault
from gatepost.engine import enlist, happen
from gatepost.engine.jobs import Sent
from gatepost.storage.db import Tx

SYSTEM = Actor("system", "", "delivery")
NOT_ITS_OWN = frozenset({Fault.CONFIGURATION, Fault.EXPIRED, Fault.SUPPRESSED, Fault.HELD})
"""Faults of tries that never came to the endpoint."""


def endpoints_of(tx: Tx, sent: Sequence[Sent]) -> None:
    """Note what has changed for the endpoints of some tries, and tell of warnings and ends; tries
    by hand say nothing.
    """
    for one in sent:
        endpoint = one.job.endpoint
        quiet = one.job.delivery.manual or one.outcome.fault in NOT_ITS_OWN
        if endpoint is None or quiet or _says(one, endpoint) is None:
            continue
        found = endpoints.find(tx, endpoint.account_id, endpoint.id)
        change = None if found is None else _says(one, found)
        if found is not None and change is not None:
            _note(tx, found, change, one.now)


def _note(tx: Tx, before: Endpoint, change: Health, now: int) -> None:
    after = _changed(before, change, now)
    endpoints.save(tx, after)
    if after.status is not EndpointStatus.ENABLED:
        enlist.note_change(tx, SYSTEM, "endpoint.disable", before, after, now)
    if change.warn or change.status is not None:
        happen.tell(tx, [happen.of_endpoint(after)], now)


def _says(sent: Sent, endpoint: Endpoint) -> Health | None:
    return health(endpoint, sent.now, ok=sent.outcome.ok, gone=sent.outcome.gone)


def _changed(endpoint: Endpoint, change: Health, now: int) -> Endpoint:
    healed = change.failing_since is None
    return msgspec.structs.replace(
        endpoint,
        failing_since=change.failing_since,
        warned_at=None if healed else now if change.warn else endpoint.warned_at,
        status=change.status or endpoint.status,
        disabled_at=endpoint.disabled_at if change.status is None else now,
    )
