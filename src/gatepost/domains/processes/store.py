"""Processes in the database."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from gatepost.domains.processes.model import ALIVE_MS, Process, Role
from gatepost.domains.processes.tables import processes
from gatepost.storage import sql
from gatepost.storage.db import Tx


def seen(tx: Tx, process: Process) -> None:
    """Note that a process is there, and forget those that are not any more."""
    sql.upsert(tx, processes, msgspec.structs.asdict(process), ["id"])
    tx.run(sa.delete(processes).where(processes.c.seen_at < process.seen_at - 4 * ALIVE_MS))


def remove(tx: Tx, process_id: bytes) -> None:
    """Note that a process has ended."""
    tx.run(sa.delete(processes).where(processes.c.id == process_id))


def alive(tx: Tx, now: int) -> list[Process]:
    """The processes seen lately, oldest first."""
    query = sa.select(processes).where(processes.c.seen_at > now - ALIVE_MS)
    return [_process(row) for row in tx.run(query.order_by(processes.c.started_at))]


def _process(row: Any) -> Process:
    return Process(
        id=row.id,
        role=Role(row.role),
        host=row.host,
        pid=row.pid,
        version=row.version,
        started_at=row.started_at,
        seen_at=row.seen_at,
    )
