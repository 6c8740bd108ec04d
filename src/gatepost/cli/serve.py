"""`gatepost serve`: one process, one data folder, from the open socket to the drained exit."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from gatepost.cli.common import COMMON, OK, USAGE, Common, Failure, load, put, put_json, say

if TYPE_CHECKING:
    from gatepost.app import App
    from gatepost.base.config import Origin, Settings
    from gatepost.domains.processes.model import Role
    from gatepost.engine.onboard import Onboarded

LOCK = "serve.lock"
BACKLOG = 2048
KEEP_ALIVE_S = 75
DRAIN_S = 10
SWITCH_S = 0.001
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # shown as an address to call


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on: 127.0.0.1.")] = None,
    port: Annotated[int | None, Parameter(help="Port: 8080; 0 takes a free one.")] = None,
    workers: Annotated[
        bool, Parameter(negative="--no-workers", help="Work in the background as well.")
    ] = True,
    common: Common = COMMON,
) -> int:
    """Serve the installation; the first run makes an account, a project and a key.

    SIGTERM and SIGINT drain: open requests are finished, streams end, then the program exits
    with 0. A second signal ends it at once.
    """
    from gatepost.domains.processes.model import Role

    loaded = load(common, host=host, port=port)
    return _run(*loaded, Role.ALL if workers else Role.API, json=common.json)


def worker(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on: 127.0.0.1.")] = None,
    port: Annotated[int | None, Parameter(help="Port: 8080; 0 takes a free one.")] = None,
    common: Common = COMMON,
) -> int:
    """Work in the background alone, beside `gatepost serve --no-workers`.

    It answers `/healthz`, `/readyz` and `/metrics`, and ends as `serve` does.
    """
    from gatepost.domains.processes.model import Role

    loaded = load(common, host=host, port=port)
    return _run(*loaded, Role.WORKER, json=common.json)


def _run(settings: Settings, origins: Mapping[str, Origin], role: Role, *, json: bool) -> int:
    import uvloop

    from gatepost.base import log

    log.setup(settings.log_level, settings.log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if role is not role.ALL and not settings.database_url:
        raise Failure("SQLite is served by one process: set database_url for several", USAGE)
    with _only_one(settings), listen(settings.host, settings.port) as sock:
        app = make_app(settings, role, origins)
        uvloop.run(_serve(app, sock, json=json))
    return OK


def _only_one(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """A SQLite file has one server; a database of a server of its own has any number."""
    if settings.database_url:
        return contextlib.nullcontext()
    from gatepost.base.durable import make_folder

    make_folder(settings.folder)
    return locked(settings.folder)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the data folder as its one server; the system lets go when the process ends."""
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            text = f"{folder} is served already, by process {file.read().strip() or 'unknown'}"
            raise Failure(text) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def listen(host: str, port: int) -> socket.socket:
    """Open the socket before anything else, so that a taken port costs nothing."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        text = f"cannot listen on {host} port {port}: {error.strerror or error}"
        raise Failure(text) from None


def make_app(settings: Settings, role: Role, origins: Mapping[str, Origin] | None = None) -> App:
    """Build the service; a damaged pepper or a database that cannot sync is a refusal."""
    from gatepost.app import App
    from gatepost.storage.db import NotDurable

    try:
        return App(settings, role, origins=origins)
    except (ValueError, NotDurable) as error:
        raise Failure(str(error)) from None


async def _serve(app: App, sock: socket.socket, *, json: bool) -> None:
    server = make_server(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    try:
        made = await app.start()
        _tune_interpreter()
        _announce(app.settings, app.role, sock, made, json=json)
        await server.serve([sock])
    finally:
        await app.close()


def _tune_interpreter() -> None:
    """Spare the hot path: what stands after the start stays for good, so it is never walked
    again, and a request makes hardly any cycles, so collections can be rare. Back from a sync,
    the writer must not wait out the loop's burst for the interpreter.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def make_server(app: App) -> Any:
    """Configure uvicorn; the service itself does what can be switched off here."""
    import uvicorn

    from gatepost.web.protocol import Protocol

    class Server(uvicorn.Server):
        """Drains the service at the first signal, exits at the second."""

        asked = False

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # they are caught already, from before the service starts

        def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ARG002 # as signal calls it
            if self.asked:
                os._exit(128 + sig)
            self.asked = True
            app.unready()
            delay_s = app.settings.drain_delay_s
            if delay_s and self.started:
                loop = asyncio.get_running_loop()
                loop.call_soon_threadsafe(loop.call_later, delay_s, self.stop)
            else:
                self.stop()

        def stop(self) -> None:
            """Take no more connections, finish the requests there are."""
            self.should_exit = True

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            say("Draining")
            app.drain()
            await super().shutdown(sockets)

    return Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="warning",
            access_log=False,
            # trusted_proxies decides whose X-Forwarded-For is believed, in web/address.py.
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
        )
    )


def _announce(
    settings: Settings,
    role: Role,
    sock: socket.socket,
    made: Onboarded | None,
    *,
    json: bool,
) -> None:
    address = address_of(sock)
    public = settings.public_url.rstrip("/") or address
    dashboard = f"{public}/dashboard/open/{made.link}" if made else None
    if json:
        key = made.secret if made else None
        put_json({"address": address, "key": key, "dashboard": dashboard})
        return
    if not role.answers:
        put(f"Working; health at {address}/healthz")
        return
    page = dashboard or f"{public}/dashboard"
    put(f"API        {public}\nDocs       {public}/docs\nDashboard  {page}")
    if made:
        put("           (opens once, within 24 hours; `gatepost operator link` makes another one)")
        put(f"Key        {made.secret}  (shown this once)\n\nSend a first event:\n")
        put(first_event(public, made.secret))


def address_of(sock: socket.socket) -> str:
    """Write the address a client on this machine can call."""
    host, port = sock.getsockname()[:2]
    host = WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def first_event(address: str, key: str) -> str:
    """Write a command to copy into a shell."""
    return (
        f"curl {address}/v1/events \\\n"
        f"  -H 'Authorization: Bearer {key}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        """  -d '{"channelName": "hello", "title": "My first event"}'"""
    )
