"""A process that has imported Gatepost, and forks into whatever command is asked for.

To start Python and import everything takes longer than most commands do. What is forked is a
process of its own, with its own arguments, environment, streams and session, as if it had been
started.
"""

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import time
from typing import Any

REQUEST_BYTES = 1 << 20
STREAMS = 3
FIRST_OWN = 3
LAST_OWN = 64
PR_SET_PDEATHSIG = 1
# What is imported by name, once it is known that it is needed.
BY_NAME = (
    "alembic.config",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "valkey.asyncio",
)


def import_all() -> None:
    import gatepost

    for module in pkgutil.walk_packages(gatepost.__path__, "gatepost."):
        if not module.name.startswith(("gatepost.migrations.", "gatepost.__main__")):
            importlib.import_module(module.name)
    for name in BY_NAME:
        importlib.import_module(name)


def serve(control: socket.socket) -> dict[str, Any]:
    """Fork for each request until there are no more; returns in a child, with its request."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, _flags, _from = socket.recv_fds(control, REQUEST_BYTES, STREAMS + 1)
        if not message:
            os._exit(0)
        if os.fork() == 0 and keep(files):
            return dict(json.loads(message))
        for file in files:
            os.close(file)


def keep(files: list[int]) -> bool:
    """Fork once more: true in the child, and its parent tells its id and how it ended."""
    *streams, told = files
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end_with_parent()
    child = os.fork()
    if child == 0:
        end_with_parent()
        for number, file in enumerate(streams):
            os.dup2(file, number)
        os.closerange(FIRST_OWN, LAST_OWN)
        return True
    os.setsid()
    os.closerange(0, FIRST_OWN)
    for file in streams:
        os.close(file)
    os.write(told, b"%d\n" % child)
    _process, status = os.waitpid(child, 0)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def end_with_parent() -> None:
    """Nothing that was forked outlives the tests, even those that are killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become(request: dict[str, Any]) -> None:
    """Take over what a new process would have been given."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv = ["gatepost", *request["args"]]


if __name__ == "__main__":
    import_all()
    if threading.active_count() > 1:
        raise SystemExit("a process with threads cannot be forked")
    gc.freeze()  # what no collection touches stays shared
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
    from gatepost.cli import main

    main()
