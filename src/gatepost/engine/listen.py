"""Listen: an endpoint without an address, whose queue belongs to a program beside the server.

The program leases the queue as a pump does, so that the server sends nothing of it; what the
program sends is claimed, settled and logged like everything else. When it ends, or its lease does,
nothing more is kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gatepost.base import ids
from gatepost.base.clock import SECOND_MS
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, ProjectId
from gatepost.domains.audit.model import Actor
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint
from gatepost.domains.outbox import byhand, queues
from gatepost.domains.outbox.model import Queue, Transport
from gatepost.domains.outbox.policy import PRESETS
from gatepost.domains.outbox.queues import Need, Place
from gatepost.engine import enlist
from gatepost.engine.enlist import Changes, NewEndpoint, Safe
from gatepost.storage.db import Tx

NAME = "gatepost listen"
URL = "https://192.0.2.1/listen"
"""An address that is nobody's (RFC 5737): without the program each attempt fails at once."""
LEASE_MS = 20 * SECOND_MS
MARK = b"listen"


class Listener(NamedTuple):
    """Who listens, on whose behalf, and until when a pump leaves the queue alone."""

    owner: bytes
    endpoint: Endpoint
    place: Place
    fence: int


def begin(
    tx: Tx,
    account_id: AccountId,
    project_id: ProjectId,
    types: Sequence[str],
    secret: str,
    safe: Safe,
    actor: Actor,
    now: int,
) -> Listener:
    """Listen for types in a project, with the same endpoint each time; the secret is for a first
    one. What was left of the last time is canceled. Raises CONFLICT where somebody listens.
    """
    endpoint = _endpoint(tx, account_id, project_id, types, secret, safe, actor, now)
    place = enlist.place_of(endpoint)
    known = queues.find(tx, *place)
    if known is not None and _is_listening(known, now):
        raise AppError(Code.CONFLICT, "Somebody listens to this project already")
    queues.ensure(tx, [Need(place, Transport.WEBHOOK, NAME, now)])
    owner = MARK + ids.random()[len(MARK) :]
    found = byhand.take(tx, place, owner, now, now + LEASE_MS)
    byhand.clear(tx, place, now)
    return Listener(owner, endpoint, place, 0 if found is None else found.fence)


def stay(tx: Tx, one: Listener, now: int) -> Listener:
    """Go on listening; takes the queue back where a server has taken it."""
    if queues.hold(tx, [one.place], one.owner):
        queues.extend(tx, one.owner, now + LEASE_MS)
        return one
    found = byhand.take(tx, one.place, one.owner, now, now + LEASE_MS)
    return one if found is None else one._replace(fence=found.fence)


def end(tx: Tx, one: Listener, actor: Actor, now: int) -> None:
    """Listen no more: nothing is kept from now on."""
    enlist.disable(tx, one.place.account_id, one.endpoint.id, actor, now)
    byhand.clear(tx, one.place, now)
    queues.rest(tx, one.owner, [one.place])


def _endpoint(
    tx: Tx,
    account_id: AccountId,
    project_id: ProjectId,
    types: Sequence[str],
    secret: str,
    safe: Safe,
    actor: Actor,
    now: int,
) -> Endpoint:
    mine = endpoints.list_(tx, account_id, project_id=project_id)
    known = next((one for one in mine if one.url == URL), None)
    wanted = tuple(types)
    if known is None:
        once = PRESETS["once"]
        new = NewEndpoint(project_id=project_id, name=NAME, url=URL, types=wanted, policy=once)
        return enlist.create(tx, account_id, new, secret, safe, actor, now).endpoint
    enlist.update(tx, account_id, known.id, Changes(types=wanted), safe, actor, now)
    return enlist.enable(tx, account_id, known.id, actor, now)


def _is_listening(queue: Queue, now: int) -> bool:
    return (queue.owner or b"").startswith(MARK) and queue.lease_until > now
