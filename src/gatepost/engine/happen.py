"""Happen: what Gatepost itself has to tell endpoints, in the transaction that does it.

What is told here is about deliveries, endpoints, quotas and keys. Deliveries of it are told to
nobody: so nothing goes round in circles.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from gatepost.base import clock, ids
from gatepost.base.ids import AccountId, EndpointId, ProjectId
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import DISABLE_AFTER_MS, EVERYTHING, Endpoint, EndpointStatus
from gatepost.domains.outbox.claims import Ended
from gatepost.domains.outbox.model import State
from gatepost.engine import payloads
from gatepost.engine.jobs import Sent
from gatepost.engine.notify import Notify, notify, to_endpoint
from gatepost.storage.db import Tx

MESSAGE = "message."
DELIVERED = "message.delivered"
OPENED = "message.opened"
CLICKED = "message.clicked"
FAILED = "message.failed"
WARNING = "endpoint.warning"
DISABLED = "endpoint.disabled"
QUOTA = "quota.threshold"
KEY = "key.expiring"
VERIFIED = "domain.verified"
WITHDRAWN = "domain.withdrawn"
OWN = frozenset(
    {
        DELIVERED,
        OPENED,
        CLICKED,
        FAILED,
        WARNING,
        DISABLED,
        QUOTA,
        KEY,
        VERIFIED,
        WITHDRAWN,
    }
)


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell the endpoints of a project, or of all of an account's; `besides` is one
    that it is about, which is not told.
    """

    account_id: AccountId
    project_id: ProjectId | None
    type: str
    data: dict[str, Any]
    besides: EndpointId | None = None


def tell(tx: Tx, happened: Sequence[Happened], now: int) -> int:
    """Tell the endpoints whose types cover it; returns how many messages that made."""
    wide = {one.account_id for one in happened if one.project_id is None}
    of_account = {account_id: _all_of(tx, account_id) for account_id in wide}
    mine = {one.project_id for one in happened if one.project_id is not None}
    of_project = endpoints.listening(tx, mine) if mine else {}
    commands: list[Notify] = []
    for one in happened:
        groups = of_account.get(one.account_id, {}) if one.project_id is None else of_project
        wanted = groups if one.project_id is None else (one.project_id,)
        for project_id in wanted:
            commands += _commands(one, project_id, groups.get(project_id, ()), now)
    notify(tx, commands)
    return len(commands)


def hearing(tx: Tx, project_ids: Collection[ProjectId]) -> set[ProjectId]:
    """Which of some projects may want to know how deliveries end."""
    if not project_ids:
        return set()
    return endpoints.hearing(tx, project_ids, (MESSAGE, EVERYTHING))


def ended(tx: Tx, ended_: Sequence[tuple[Sent, Ended]], now: int) -> None:
    """Tell how deliveries ended, where somebody may want to know."""
    loud = [
        _of_delivery(sent, end)
        for sent, end in ended_
        if sent.job.heard and end.state is not State.PENDING and sent.job.message.type not in OWN
    ]
    if loud:
        tell(tx, loud, now)


def of_endpoint(endpoint: Endpoint) -> Happened:
    """What an endpoint's failures have come to: a warning, or its end."""
    ended_ = endpoint.status is not EndpointStatus.ENABLED
    since = endpoint.failing_since
    data: dict[str, Any] = {
        "endpointId": ids.show("endpoint", endpoint.id),
        "name": endpoint.name,
        "url": endpoint.url,
        "status": endpoint.status.value,
        "failingSince": _moment(since),
    }
    if ended_:
        data["disabledAt"] = _moment(endpoint.disabled_at)
    else:
        data["disabledFrom"] = _moment(since and since + DISABLE_AFTER_MS)
    return Happened(
        account_id=endpoint.account_id,
        project_id=endpoint.project_id,
        type=DISABLED if ended_ else WARNING,
        data=data,
        besides=endpoint.id,
    )


def _all_of(tx: Tx, account_id: AccountId) -> dict[ProjectId, list[Endpoint]]:
    found: dict[ProjectId, list[Endpoint]] = {}
    for one in endpoints.list_(tx, account_id):
        if one.status is EndpointStatus.ENABLED:
            found.setdefault(one.project_id, []).append(one)
    return found


def _commands(
    one: Happened, project_id: ProjectId, listening: Sequence[Endpoint], now: int
) -> list[Notify]:
    wanting = [it for it in listening if it.wants(one.type) and it.id != one.besides]
    if not wanting:
        return []
    command = Notify(
        account_id=one.account_id,
        project_id=project_id,
        now=now,
        type=one.type,
        body=payloads.write(one.type, clock.iso(now), one.data),
        targets=tuple(to_endpoint(it) for it in wanting),
    )
    return [command]


def _of_delivery(sent: Sent, end: Ended) -> Happened:
    one, message = sent.job.delivery, sent.job.message
    data = {
        "messageId": ids.show("message", message.id),
        "deliveryId": ids.show("delivery", one.id),
        "type": message.type,
        "transport": one.transport.value,
        "endpointId": _shown("endpoint", one.endpoint_id),
        "eventId": _shown("event", message.event_id),
        "ruleId": _shown("rule", message.rule_id),
        "attempts": end.attempts,
        "status": end.status,
        "error": end.error,
        "doneAt": _moment(end.done_at),
    }
    return Happened(
        account_id=one.account_id,
        project_id=one.project_id,
        type=DELIVERED if end.state is State.SUCCEEDED else FAILED,
        data=data,
        besides=one.endpoint_id,
    )


def _shown(noun: str, raw: bytes | None) -> str | None:
    return None if raw is None else ids.show(noun, raw)


def _moment(at: int | None) -> str | None:
    return None if at is None else clock.iso(at)
