"""Drive wrk: one thread a server, keep-alive connections, a new Idempotency-Key each time."""

import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.contestants import Contestant
from bench.process import ROOT, InvalidRunError, environment

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


def fire(
    runner: Contestant,
    path: str,
    bodies: Sequence[Path],
    seconds: float,
    connections: int,
    *,
    keyed: bool = True,
) -> Load:
    """Run wrk once, without warm-up: a thread and an equal part of the connections for each port.
    Only `keyed` requests have an Idempotency-Key.

    Raises:
        InvalidRunError: any request was refused (status 400 or above) or lost.
    """
    ports = runner.ports
    command = [
        *("wrk", "--threads", str(len(ports)), "--connections", str(connections)),
        *("--timeout", "30s", "--duration", f"{max(1, round(seconds))}s"),
        *("--script", str(ROOT / "bench/fire.lua"), f"http://127.0.0.1:{ports[0]}{path}"),
        *("--", runner.key, secrets.token_hex(6) if keyed else ""),
        *map(str, bodies),
    ]
    env = environment({"FIRE_PORTS": " ".join(map(str, ports))})
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    load = msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Load)
    if load.refused or load.socket_errors or not load.requests:
        raise InvalidRunError(f"not every request was accepted: {load}")
    return load


def measure(
    runner: Contestant,
    path: str,
    bodies: Sequence[Path],
    seconds: float,
    connections: int,
    *,
    keyed: bool = True,
) -> Load:
    """Warm up, then measure. Raises InvalidRunError like `fire`."""
    fire(runner, path, bodies, WARM_UP_S, connections, keyed=keyed)
    return fire(runner, path, bodies, seconds, connections, keyed=keyed)
