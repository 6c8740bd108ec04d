"""A `gatepost` for shells that is quicker to start: it asks the process that forks for a run.

Its streams, arguments, folder and environment are those of the one who called it; so are signals
and the exit code. What a shell leaves running ends with the desk.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.program import ask_template

REQUEST_BYTES = 1 << 20
STREAMS = 3
SCRIPT = """\
#!{python} -IS
import json, os, signal, socket, sys
desk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
desk.connect({address!r})
asked = dict(args=sys.argv[1:], env=dict(os.environ), folder=os.getcwd())
socket.send_fds(desk, [json.dumps(asked).encode()], [0, 1, 2])
process = int(desk.recv(64))
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, frame: os.kill(process, number))
code = int(desk.recv(64))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class Desk:
    """Takes runs at an address; a context manager. `folder` is for a PATH: `gatepost` is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._processes: list[int] = []

    def __enter__(self) -> Self:
        self.folder.mkdir()
        address = str(self.folder / "desk")
        self._socket.bind(address)
        self._socket.listen(64)
        script = self.folder / "gatepost"
        script.write_text(SCRIPT.format(python=sys.executable, address=address))
        script.chmod(0o755)
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._socket.accept()
                threading.Thread(target=self._run, args=(caller,), daemon=True).start()

    def _run(self, caller: socket.socket) -> None:
        """Ask for a run, and pass on what is told of it: its process, then its exit code."""
        request, streams, _, _ = socket.recv_fds(caller, REQUEST_BYTES, STREAMS)
        told, tell = os.pipe()
        ask_template(request, [*streams, tell])
        for one in (*streams, tell):
            os.close(one)
        with caller, os.fdopen(told, "rb") as lines:
            process = int(lines.readline())
            self._processes.append(process)
            caller.send(b"%d" % process)
            code = int(lines.readline())
            self._processes.remove(process)
            with contextlib.suppress(OSError):
                caller.send(b"%d" % code)
