"""The servers that are compared, each one uvicorn process with uvloop and httptools."""

import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.client import Client, get, metric
from bench.process import ROOT, InvalidRunError, Server, environment, free_port, python, serving

LIMIT = 10_000_000
LAG = "gatepost_search_lag_events"
UVICORN = (
    *("--loop", "uvloop", "--http", "httptools", "--no-access-log"),
    *("--log-level", "warning", "--host", "127.0.0.1", "--port"),
)


class Shim(msgspec.Struct, frozen=True):
    """The preload library, how much it adds to each sync, and where it counts them."""

    library: Path
    delay_us: int
    counter: Path

    def env(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "SLOW_SYNC_US": str(self.delay_us),
            "SLOW_SYNC_COUNT": str(self.counter),
        }

    def count(self) -> int:
        return int.from_bytes(self.counter.read_bytes(), "little") if self.counter.exists() else 0


class Contestant(msgspec.Struct, frozen=True):
    """A server under load; `others` are processes beside it that share the load."""

    name: str
    server: Server
    key: str
    others: tuple[Server, ...] = ()

    @property
    def indexes(self) -> bool:
        """Whether it puts work off that must be done before the next contestant's turn."""
        return self.name.startswith("gatepost")

    @property
    def ports(self) -> list[int]:
        return [server.port for server in (self.server, *self.others)]

    def client(self) -> Client:
        return Client(self.server.port, self.key)


@contextmanager
def echo(folder: Path) -> Iterator[Contestant]:
    port = free_port()
    command = python("-m", "uvicorn", "bench.echo:app", "--lifespan", "off", *UVICORN, str(port))
    with serving(command, port, folder / "echo.log", ready_path="/") as server:
        yield Contestant("echo", server, "unused")


@contextmanager
def diy(folder: Path, shim: Shim | None = None) -> Iterator[Contestant]:
    key = secrets.token_hex(16)
    with postgres(folder, key, shim) as url, diy_on(folder, url, key) as contestant:
        yield contestant


@contextmanager
def diy_on(folder: Path, url: str, key: str) -> Iterator[Contestant]:
    """Run the baseline on a prepared database."""
    port, log = free_port(), folder / "diy.log"
    command = python("-m", "uvicorn", "bench.diy.app:app", *UVICORN, str(port))
    env = {"DIY_DATABASE_URL": url}
    with serving(command, port, log, ready_path="/openapi.json", env=env) as server:
        contestant = Contestant("diy", server, key)
        check_replay(contestant)
        yield contestant


@contextmanager
def postgres(folder: Path, key: str, shim: Shim | None) -> Iterator[str]:
    """Run an empty PostgreSQL that knows one key; yields its address."""
    child = subprocess.Popen(
        python("-m", "bench.diy.postgres", str(folder / "postgres"), key, str(LIMIT)),
        cwd=ROOT,
        env=environment({"PYTHONWARNINGS": "ignore"} | (shim.env() if shim else {})),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        if not url:
            raise InvalidRunError("PostgreSQL did not start")
        yield url
    finally:
        child.communicate()


@contextmanager
def gatepost(folder: Path, shim: Shim | None = None) -> Iterator[Contestant]:
    """Run Gatepost on a data folder, with a fresh key whose limit never refuses."""
    data = folder / "data"
    with serve(data, folder / "gatepost.log", shim) as server:
        contestant = Contestant("gatepost", server, create_key(data))
        check_replay(contestant)
        yield contestant


@contextmanager
def serve(data: Path, log: Path, shim: Shim | None = None) -> Iterator[Server]:
    with role("serve", data, log, shim.env() if shim else {}) as server:
        yield server


@contextmanager
def role(
    command: str, data: Path, log: Path, env: Mapping[str, str], *flags: str
) -> Iterator[Server]:
    """Run one process of an installation: `serve` or `worker`."""
    port = free_port()
    line = gatepost_command(command, "--data", str(data), "--port", str(port), *flags)
    with serving(line, port, log, ready_path="/readyz", env=env) as server:
        yield server


def gatepost_command(*args: str) -> list[str]:
    return python("-m", "gatepost", *args)


def run(*args: str, env: Mapping[str, str] | None = None) -> bytes:
    """Run a command of Gatepost; returns what it printed. Raises InvalidRunError."""
    line = gatepost_command(*args)
    done = subprocess.run(line, check=False, capture_output=True, env=environment(env))
    if done.returncode:
        words = " ".join(args[:2])
        raise InvalidRunError(f"{words} ended with {done.returncode}:\n{done.stderr.decode()}")
    return done.stdout


def create_key(data: Path, env: Mapping[str, str] | None = None) -> str:
    name = f"bench-{secrets.token_hex(4)}"
    flags = ("--limit", f"{LIMIT}/60s", "--json", "--data", str(data))
    key: str = msgspec.json.decode(run("key", "create", name, *flags, env=env))["key"]
    return key


def check_replay(contestant: Contestant) -> None:
    """Send one event twice: the run counts only if the second is answered as a replay."""
    body = b'{"channelName":"check","title":"Before the run"}'
    client, key = contestant.client(), secrets.token_hex(8)
    first, second = (client.post("/v1/events", body, key) for _ in range(2))
    client.close()
    replayed = second.headers.get("x-idempotent-replay") == "true"
    limited = int(first.headers.get("x-ratelimit-remaining", LIMIT)) < LIMIT
    same = msgspec.json.decode(first.body) == msgspec.json.decode(second.body)
    if (first.status, second.status) != (201, 201) or not (replayed and same and limited):
        raise InvalidRunError(f"{contestant.name} does not do the work: {first}, {second}")


def await_quiet(contestant: Contestant, *, timeout_s: float = 3600) -> float:
    """Wait until Gatepost's search index has caught up; returns the seconds that took."""
    start = time.perf_counter()
    while time.perf_counter() - start < timeout_s:
        lag = metric(get(contestant.server.port, "/metrics").body.decode(), LAG)
        if lag is None:
            raise InvalidRunError(f"/metrics has no {LAG}")
        if lag == 0:
            return time.perf_counter() - start
        time.sleep(0.1)
    raise InvalidRunError(f"{LAG} did not reach 0 within {timeout_s} s")
