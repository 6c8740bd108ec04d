"""The program, started as a process of its own: `python -m gatepost`, or a fork that is quicker."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

PROGRAM = (sys.executable, "-m", "gatepost")
COMMAND_S = 60.0
FOREVER_S = 3600.0


class Program:
    """One run of `gatepost ARGS`, forked from a process that has imported it already.

    It is used like subprocess.Popen, and has a session of its own.
    """

    def __init__(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        out: IO[bytes],
        err: IO[bytes],
        stdin: IO[bytes] | None = None,
    ) -> None:
        """Start; `env` is all of its environment."""
        self.args = list(args)
        self.returncode: int | None = None
        asked = {"args": self.args, "env": dict(env), "folder": str(Path.cwd())}
        self._asking = threading.Lock()
        self._told, tell = os.pipe()
        with Path(os.devnull).open("rb") as nothing:
            streams = [(stdin or nothing).fileno(), out.fileno(), err.fileno()]
            _template().ask(json.dumps(asked).encode(), [*streams, tell])
        os.close(tell)
        self.pid = self._number(FOREVER_S)

    def poll(self) -> int | None:
        """The exit code, negative for a signal, None as long as it runs."""
        with self._asking:
            if self.returncode is None and self._ready(0):
                self.returncode = self._number(0)
                os.close(self._told)
        return self.returncode

    def wait(self, timeout: float = FOREVER_S) -> int:
        """The exit code; raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._ready(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def send_signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ready(self, timeout_s: float) -> bool:
        return bool(select.select([self._told], [], [], timeout_s)[0])

    def _number(self, timeout_s: float) -> int:
        """The next line of what is told."""
        line = b""
        while not line.endswith(b"\n"):
            self._ready(timeout_s)
            said = os.read(self._told, 1)
            if not said:
                raise AssertionError(f"nobody knows how {self.args[0]} ended")
            line += said
        return int(line)


def started(
    args: Sequence[str], *, env: Mapping[str, str], out: IO[bytes], err: IO[bytes]
) -> "subprocess.Popen[bytes]":
    """The same as users start it, which takes longer."""
    command = [*PROGRAM, *args]
    return subprocess.Popen(command, env=env, stdout=out, stderr=err, start_new_session=True)


def run(
    args: Sequence[str],
    *,
    env: Mapping[str, str],
    said: str = "",
    anew: bool = False,
    timeout_s: float = COMMAND_S,
) -> "subprocess.CompletedProcess[str]":
    """One run of `gatepost ARGS` to its end, whatever its exit code; `said` is its input."""
    if anew:
        return subprocess.run(
            [*PROGRAM, *args],
            env=env,
            input=said,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    with TemporaryFile() as stdin, TemporaryFile() as out, TemporaryFile() as err:
        stdin.write(said.encode())
        stdin.seek(0)
        program = Program(args, env=env, stdin=stdin, out=out, err=err)
        try:
            code = program.wait(timeout_s)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
        return subprocess.CompletedProcess([*PROGRAM, *args], code, _text(out), _text(err))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Template:
    """The process that forks; it ends when this one does."""

    def __init__(self) -> None:
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        number = far.fileno()
        command = [sys.executable, "-m", "tests.template", str(number)]
        self._process = subprocess.Popen(
            command, pass_fds=[number], start_new_session=True, cwd=Path(__file__).parents[1]
        )
        far.close()
        self._turn = threading.Lock()
        atexit.register(self._end)

    def ask(self, request: bytes, files: list[int]) -> None:
        with self._turn:
            socket.send_fds(self._control, [request], files)

    def _end(self) -> None:
        self._control.close()
        self._process.wait()


def ask_template(request: bytes, files: list[int]) -> None:
    """Fork a run: `files` are its streams, and where its id and then its exit code are told."""
    _template().ask(request, files)


@cache
def _template() -> _Template:
    return _Template()
