"""What the part `shared` has measured: the content of `costs.json`, which the model reads."""

from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).parent / "costs.json"


class Row(msgspec.Struct, frozen=True):
    """What one request costs at so many connections; of a batch, what one event costs.

    Times are microseconds on a core; `threads_us` are the server's threads beside the event
    loop. `group` is requests per commit; `trips` go to Valkey; `client_us` is the load generator.
    """

    connections: int
    per_s: float
    p50_ms: float
    group: float
    statements: float
    log_bytes: float
    loop_us: float
    threads_us: float
    database_us: float
    valkey_us: float
    trips: float
    client_us: float


class Kept(msgspec.Struct, frozen=True):
    """Bytes on disk: of an event, of its terms in the index, of a remembered reply."""

    event: float
    terms: float
    reply: float


class Indexing(msgspec.Struct, frozen=True):
    """What the index costs for one event, and how many a second one process enters."""

    per_s: float
    worker_us: float
    database_us: float
    log_bytes: float


class Costs(msgspec.Struct, frozen=True):
    """All of one backend. `sync_ms` is one sync of the log, `rounds` the round trips to the
    database of one commit.
    """

    rows: list[Row]
    batch: Row
    kept: Kept
    indexing: Indexing
    sync_ms: float
    rounds: int


class Measured(msgspec.Struct, frozen=True):
    sqlite: Costs
    postgres: Costs
    conditions: list[str]


def read() -> Measured:
    return msgspec.json.decode(FILE.read_bytes(), type=Measured)


def write(measured: Measured) -> None:
    rounded = _rounded(msgspec.to_builtins(measured))
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(rounded)) + b"\n")


def _rounded(value: Any) -> Any:
    """To four digits: the rest is noise."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
