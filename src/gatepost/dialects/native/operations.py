"""`/v1/operations`: how the whole installation fares, and what is set: for superusers alone."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.base import clock
from gatepost.base.config import FIELDS
from gatepost.base.errors import AppError, Code
from gatepost.dialects.native.envelope import ok
from gatepost.dialects.native.meta import nothing
from gatepost.domains.outbox.gauges import Group, Held
from gatepost.domains.outbox.model import Priority, Transport
from gatepost.domains.processes.model import Process
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import vitals
from gatepost.web.contract import Call, Endpoint, free
from gatepost.web.vitals import Disk, Objective, Timing, Vitals

FORBIDDEN = AppError(Code.FORBIDDEN, "Only superusers who are signed in may do this")
Seconds = Annotated[float | None, Meta(description="Null where there is none.")]
Bytes = Annotated[int | None, Meta(description="Null where it is not known.")]


class ObjectiveOut(msgspec.Struct, rename="camel"):
    """Something that should be at most, or `at_least`, so much, and whether it is."""

    name: str
    unit: str
    target: float
    actual: float | None
    at_least: bool
    met: bool


class TimingOut(msgspec.Struct):
    """How long something took, since this process began."""

    count: int
    p50: Seconds
    p99: Seconds


class OpenOut(msgspec.Struct, rename="camel"):
    """Open deliveries of a transport and class."""

    transport: Transport
    priority: str
    state: Annotated[str, Meta(description="`due`, `later`, `waiting` or `sending`.")]
    deliveries: int
    oldest_seconds: Annotated[
        float | None, Meta(description="How long the oldest is due, whatever keeps it.")
    ]


class HeldOut(msgspec.Struct, rename="camel"):
    """What waits for destinations that are left alone for a while, because they do not answer."""

    transport: Transport
    circuits: int
    deliveries: int
    oldest_seconds: Seconds


class ProcessOut(msgspec.Struct, rename="camel"):
    """One process of this installation."""

    role: Annotated[str, Meta(description="`all`, `api` or `worker`.")]
    host: str
    pid: int
    version: str
    started_at: str
    seen_at: str


class DiskOut(msgspec.Struct, rename="camel"):
    """Room for the data folder, the size of the database and of its log, and the last copy."""

    free_bytes: Bytes
    total_bytes: Bytes
    database_bytes: Bytes
    log_bytes: Bytes
    copied_at: Annotated[
        str | None,
        Meta(
            description="When the database was last copied before an upgrade: the only backup that "
            "is made by itself. Null where none was."
        ),
    ]


class OperationsOut(msgspec.Struct, rename="camel"):
    """How the installation fares. Figures of commits, requests and failures are those of the one
    process that answers; all else is of the whole.
    """

    at: str
    version: str
    database: Annotated[str, Meta(description="`sqlite` or `postgresql`.")]
    process: Annotated[str, Meta(description="Who answers: host and number.")]
    objectives: list[ObjectiveOut]
    outbox: list[OpenOut]
    held: list[HeldOut]
    commits: TimingOut
    commit_failures: int
    waiting_writes: int
    requests: TimingOut
    server_errors: int
    tell_lag: Annotated[int, Meta(description="Events that nobody was told of yet.")]
    search_lag: Annotated[int, Meta(description="Events that the search has not reached yet.")]
    streams: int
    limiter_outage: bool
    processes: list[ProcessOut]
    disk: DiskOut


class SettingOut(msgspec.Struct):
    """One setting. Of a secret one it is told only whether it is set."""

    name: str
    value: str | int | float | bool
    source: Annotated[str, Meta(description="`default`, `flag`, a file or a variable.")]
    about: str


class SettingsOut(msgspec.Struct):
    """All settings, as `gatepost config show` tells them."""

    settings: list[SettingOut]


def check(call: Call) -> None:
    """Raise FORBIDDEN for anybody but a superuser who is signed in."""
    operator = call.caller.operator
    if operator is None or not operator.superuser:
        raise AppError(FORBIDDEN.code, FORBIDDEN.detail)


def parse(call: Call, body: bytes) -> None:
    """Read nothing; raises FORBIDDEN."""
    check(call)
    nothing(call, body)


def run(tx: Tx, call: Call, _command: None) -> Reply:
    """Tell how all of it fares."""
    seen = vitals.look(tx, call.services, call.now)
    return ok(call, _show(tx, call, seen))


def settings(_tx: Tx, call: Call, _command: None) -> Reply:
    """Tell what is set, and by whom."""
    origins = call.services.origins
    found = [
        SettingOut(
            name,
            _plain(vitals.shown(call.services, name)),
            origins[name].source if name in origins else "default",
            _about(field.type),
        )
        for name, field in FIELDS.items()
    ]
    return ok(call, SettingsOut(found))


def _plain(value: Any) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _about(type_: Any) -> str:
    """What a setting's own description says."""
    found = (one.description for one in getattr(type_, "__metadata__", ()) if one.description)
    return next(found, "")


def _show(tx: Tx, call: Call, seen: Vitals) -> OperationsOut:
    metrics = call.services.metrics
    return OperationsOut(
        at=clock.iso(call.now),
        version=version("gatepost"),
        database=tx.engine.name,
        process=call.services.recent.place,
        objectives=[_objective(one) for one in vitals.objectives(seen, call.now)],
        outbox=[_open(one, call.now) for one in seen.groups if one.many],
        held=[_held(one, call.now) for one in seen.held],
        commits=_timing(seen.commits),
        commit_failures=int(metrics.counters.get("gatepost_commit_failures", 0)),
        waiting_writes=int(metrics.gauges["gatepost_writer_queue"]()),
        requests=_timing(seen.requests),
        server_errors=seen.server_errors,
        tell_lag=seen.tell_lag,
        search_lag=seen.search_lag,
        streams=int(metrics.levels["gatepost_streams"]),
        limiter_outage=_on(call, "gatepost_limiter_outage"),
        processes=[_process(one) for one in seen.running],
        disk=_disk(seen.disk),
    )


def _on(call: Call, gauge: str) -> bool:
    read = call.services.metrics.gauges.get(gauge)
    return read is not None and bool(read())


def _objective(one: Objective) -> ObjectiveOut:
    return ObjectiveOut(one.name, one.unit, one.target, one.actual, one.at_least, one.met)


def _timing(one: Timing) -> TimingOut:
    return TimingOut(one.many, one.p50, one.p99)


def _open(one: Group, now: int) -> OpenOut:
    priority = Priority(one.priority).name.lower()
    return OpenOut(one.transport, priority, str(one.state), one.many, _age(one.oldest, now))


def _held(one: Held, now: int) -> HeldOut:
    return HeldOut(one.transport, one.circuits, one.many, _age(one.oldest, now))


def _age(since: int | None, now: int) -> float | None:
    return None if since is None else max(now - since, 0) / 1000


def _process(one: Process) -> ProcessOut:
    return ProcessOut(
        str(one.role),
        one.host,
        one.pid,
        one.version,
        clock.iso(one.started_at),
        clock.iso(one.seen_at),
    )


def _disk(one: Disk) -> DiskOut:
    copied_at = None if one.copied_at is None else clock.iso(one.copied_at)
    return DiskOut(one.free, one.total, one.database, one.log, copied_at)


def _endpoint(operation: str, path: str, summary: str, words: str, **more: Any) -> Endpoint:
    return Endpoint(
        operation=operation,
        method="GET",
        path=path,
        scope=Scope.AUDIT_READ,
        summary=summary,
        description=f"{words} It is told to operators who are superusers, by the dashboard's "
        "session: no key may ask. On the machine itself `gatepost doctor` and `gatepost config "
        "show` tell it, and `/metrics` has the numbers for Prometheus.",
        tag="Meta",
        parse=parse,
        charge=free,
        writes=False,
        project=False,
        admin=True,
        samples=(FORBIDDEN,),
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "getOperations",
        "/v1/operations",
        "Read how the installation fares",
        "Ages of what is due by class, whatever keeps it: a rate, an open circuit or an earlier "
        "delivery. Commits, lags, disk, and which processes there are.",
        run=run,
        response=OperationsOut,
    ),
    _endpoint(
        "getSettings",
        "/v1/operations/settings",
        "Read what is set",
        "All settings with where they come from; secrets are not told.",
        run=settings,
        response=SettingsOut,
    ),
)
