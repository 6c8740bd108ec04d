"""Start, watch and stop the servers under measurement. Linux: memory is read from /proc."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.client import get

ROOT = Path(__file__).parent.parent
# Servers start as installed programs do: compiled bytecode, no settings from the caller's shell.
DROPPED = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH", "LD_PRELOAD")


class InvalidRunError(Exception):
    """A run that cannot count: a server did not start, or an answer was wrong."""


class Server(msgspec.Struct, frozen=True):
    port: int
    pid: int
    ready_s: float


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in DROPPED and not name.startswith("GATEPOST_")
    }
    return kept | dict(extra or {})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Sequence[str],
    port: int,
    log: Path,
    *,
    ready_path: str,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run a server until the block ends; yields when `ready_path` answers 200.

    Raises:
        InvalidRunError: the server ended or was not ready within 60 seconds.
    """
    with log.open("ab") as output:
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(env),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        await_ready(child, port, ready_path, log)
        yield Server(port, child.pid, time.perf_counter() - start)
    finally:
        stop(child)


def await_ready(child: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise InvalidRunError(f"the server ended with {child.returncode}:\n{tail(log)}")
        if answers(port, path):
            return
        time.sleep(0.005)
    raise InvalidRunError(f"the server was not ready within 60 s:\n{tail(log)}")


def answers(port: int, path: str) -> bool:
    try:
        return get(port, path).status == 200
    except OSError:
        return False


def stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def rss_mb(pid: int) -> float:
    """Resident memory of a process and its children, in MB (10^6 bytes)."""
    fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    own = int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return own + sum(rss_mb(child) for child in children(pid))


def cpu_s(pid: int) -> float:
    """Processor time that a process has taken, all its threads together."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def python(*args: str) -> list[str]:
    return [sys.executable, *args]


def build_shim(folder: Path) -> Path:
    """Compile the preload shim into a folder; returns the library."""
    library = folder / "slow_sync.so"
    source = ROOT / "bench" / "slow_sync.c"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library


def busy_cores(seconds: float = 3) -> float:
    """How many cores are busy with other work now: nothing of ours runs yet."""

    def ticks() -> int:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
        return user + nice + system + irq + softirq + steal

    before = ticks()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds
