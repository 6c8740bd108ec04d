"""Drive wrk: one thread, keep-alive connections, a new Idempotency-Key on every request."""

import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.process import ROOT, InvalidRunError

WARM_UP_S = 2


class Load(msgspec.Struct, frozen=True):
    """What one measured run saw. Latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    socket_errors: int

    @property
    def per_s(self) -> float:
        return self.requests / self.seconds


def fire(url: str, key: str, bodies: Sequence[Path], seconds: float, connections: int) -> Load:
    """Run wrk once, without warm-up.

    Raises:
        InvalidRunError: any request was refused (status 400 or above) or lost.
    """
    command = [
        *("wrk", "--threads", "1", "--connections", str(connections), "--timeout", "30s"),
        *("--duration", f"{max(1, round(seconds))}s", "--script", str(ROOT / "bench/fire.lua")),
        *(url, "--", key, secrets.token_hex(6)),
        *map(str, bodies),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    load = msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Load)
    if load.refused or load.socket_errors or not load.requests:
        raise InvalidRunError(f"not every request was accepted: {load}")
    return load


def measure(url: str, key: str, bodies: Sequence[Path], seconds: float, connections: int) -> Load:
    """Warm up, then measure. Raises InvalidRunError like `fire`."""
    fire(url, key, bodies, WARM_UP_S, connections)
    return fire(url, key, bodies, seconds, connections)
