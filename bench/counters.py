"""What a server and what it stands on have used so far. Linux: time on the cores is from /proc."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.backing import Backing, Installation
from bench.client import get, metric
from bench.process import InvalidRunError, Server, children

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
# BEGIN and COMMIT are added by the number of commits: once they are prepared, the extension
# does not count them any more.
STATEMENTS = """
    SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
    WHERE query !~ '^(BEGIN|COMMIT)'
      AND dbid = (SELECT oid FROM pg_database WHERE datname = %s)
"""
LOG_BYTES = "SELECT pg_current_wal_lsn() - '0/0'"


class Counters(NamedTuple):
    """Totals since the start; times in microseconds. SQLite works in the server's own threads,
    so it has no `database_us`, and it does not tell its statements.
    """

    requests: float = 0
    commits: float = 0
    statements: float = 0
    log_bytes: float = 0
    loop_us: float = 0
    threads_us: float = 0
    database_us: float = 0
    valkey_us: float = 0
    trips: float = 0
    client_us: float = 0

    def since(self, before: "Counters") -> "Counters":
        return Counters(*(now - then for now, then in zip(self, before, strict=True)))


def on_postgres(server: Server, here: Installation, servers: Backing) -> Counters:
    """Read all there is to count of one process, its database and its Valkey."""
    postgres, valkey = servers.postgres, servers.valkey
    own = of_server(server)
    ((statements,),) = postgres.execute(STATEMENTS, here.url.rpartition("/")[2])
    return own._replace(
        statements=float(statements) + 2 * own.commits,
        log_bytes=_log_bytes(servers),
        database_us=_database_us(servers),
        valkey_us=used_us(valkey.pid),
        trips=valkey.calls("evalsha"),
    )


def on_sqlite(server: Server) -> Counters:
    """The log is written by the thread that works most, apart from the event loop."""
    writer = max(_threads(server.pid), key=lambda one: _ticks(one / "stat"))
    return of_server(server)._replace(log_bytes=_written(writer))


def of_server(server: Server) -> Counters:
    text = get(server.port, "/metrics").body.decode()
    loop = _ticks(Path(f"/proc/{server.pid}/task/{server.pid}/stat")) * TICK_US
    client = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Counters(
        requests=_counted(text, "gatepost_http_requests_total"),
        commits=_counted(text, "gatepost_commits_total"),
        loop_us=loop,
        threads_us=used_us(server.pid) - loop,
        client_us=(client.ru_utime + client.ru_stime) * 1e6,
    )


def indexing(worker: Server, servers: Backing) -> Counters:
    """Of a process that does nothing else, and its database."""
    return Counters(
        log_bytes=_log_bytes(servers),
        threads_us=used_us(worker.pid),
        database_us=_database_us(servers),
    )


def _database_us(servers: Backing) -> float:
    """Time of all processes of PostgreSQL, those included that have ended."""
    postmaster = servers.postgres.pid
    return sum(map(used_us, [postmaster, *children(postmaster)]))


def _log_bytes(servers: Backing) -> float:
    ((written,),) = servers.postgres.execute(LOG_BYTES)
    return float(written)


def used_us(pid: int) -> float:
    """Time of a process and of its ended children; 0 when it has ended itself."""
    try:
        return _ticks(Path(f"/proc/{pid}/stat"), ended_children=True) * TICK_US
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _counted(text: str, name: str) -> float:
    value = metric(text, name)
    if value is None:
        raise InvalidRunError(f"/metrics has no {name}")
    return value


def _threads(pid: int) -> Iterator[Path]:
    """All but the first, which runs the event loop."""
    found = Path(f"/proc/{pid}/task").iterdir()
    return (thread for thread in found if thread.name != str(pid))


def _ticks(stat: Path, *, ended_children: bool = False) -> int:
    """User and system time of a process or a thread, in clock ticks."""
    fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended_children else 13]))


def _written(thread: Path) -> int:
    """Bytes a thread has handed to files and sockets."""
    lines = (thread / "io").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])
