"""Refused administrative calls, on their way to the audit log.

A refused call keeps nothing of its own transaction, so its line is written beside it, in the
background. The first refusal of a kind is written with the next flush; after it, further ones
are counted and written once a minute, so that a key which hammers cannot flood a log that
nobody may shorten. The end of a process may lose the counts of the last minute, a crash the
last second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gatepost.base import ids
from gatepost.base.clock import MINUTE_MS
from gatepost.base.errors import Code
from gatepost.base.ids import AuditId, KeyId
from gatepost.base.log import mask
from gatepost.domains.audit.model import Entry
from gatepost.gate.admit import Caller

ACTION = "refused"
ID = re.compile(r"[a-z]+_[0-9a-f]{32}")
# These say nothing about who may do what; the ledger of refusals counts them.
PASSING = frozenset({Code.THROTTLED, Code.UNAVAILABLE, Code.INTERNAL})


class Refusal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One refused request. `route` is method and path template; `at` in ms."""

    code: Code
    route: str
    detail: str
    address: str
    request_id: str
    at: int


class _Kind(NamedTuple):
    key_id: KeyId
    operation: str
    code: Code


class _Denied(msgspec.Struct, frozen=True):
    """Refusals of one kind that wait: the latest of them, and how many."""

    caller: Caller
    refusal: Refusal
    target: str
    count: int


class Denials:
    """What waits to be audited. Used from the event loop alone."""

    def __init__(self) -> None:
        """Start with nothing waiting."""
        self._waiting: dict[_Kind, _Denied] = {}
        self._written: dict[_Kind, int] = {}

    def add(
        self, caller: Caller, refusal: Refusal, operation: str, params: Mapping[str, str]
    ) -> None:
        """Note a refusal; `params` name what the call was about.

        Only an id is kept of them: somebody may have put a secret there.
        """
        if refusal.code in PASSING:
            return
        kind = _Kind(caller.key_id, operation, refusal.code)
        before = self._waiting.get(kind)
        target = next((one for one in params.values() if ID.fullmatch(one)), "")
        count = before.count + 1 if before else 1
        self._waiting[kind] = _Denied(caller, refusal, target, count)

    def take(self, now: int) -> list[Entry]:
        """Hand over the lines that are due."""
        due = [kind for kind in self._waiting if self._due(kind, now)]
        self._written = {kind: at for kind, at in self._written.items() if now < at + MINUTE_MS}
        self._written |= dict.fromkeys(due, now)
        return [_entry(kind, self._waiting.pop(kind)) for kind in due]

    def _due(self, kind: _Kind, now: int) -> bool:
        return now >= self._written.get(kind, 0) + MINUTE_MS


def _entry(kind: _Kind, denied: _Denied) -> Entry:
    caller, refusal = denied.caller, denied.refusal
    actor = caller.actor(refusal.address)
    return Entry(
        id=AuditId(ids.new()),
        account_id=caller.account_id,
        project_id=caller.project_id,
        at=refusal.at,
        actor=actor,
        action=ACTION,
        object=denied.target,
        object_name=kind.operation,
        after={
            "route": refusal.route,
            "code": str(refusal.code),
            "message": mask(refusal.detail),
            "requestId": refusal.request_id,
            "count": denied.count,
        },
    )
