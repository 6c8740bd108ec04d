"""`gatepost doctor`: is this installation sound? It looks, and changes nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatepost.base.config import DATABASE, PEPPER, Settings
from gatepost.cli.common import COMMON, FAILED, OK, Common, Failure, load, put, put_json
from gatepost.cli.serve import LOCK, listen

if TYPE_CHECKING:
    from gatepost.storage.db import Tx

FREE_BYTES_MIN = 512 * 1024 * 1024
OTHERS = 0o077
SKEW_MS_MAX = 300_000
REACH_S = 2.0


class Check(msgspec.Struct, frozen=True):
    """One thing looked at; `detail` says what was found, and what to do if it is wrong."""

    name: str
    ok: bool
    detail: str


def doctor(*, common: Common = COMMON) -> int:
    """Check settings, data folder, secrets, database, disk, clock and port.

    Exits with 1 if anything is wrong.
    """
    checks = list(examine(common))
    sound = all(check.ok for check in checks)
    if common.json:
        put_json({"ok": sound, "checks": checks})
    else:
        for check in checks:
            put(f"{'ok   ' if check.ok else 'WRONG'}  {check.name:9} {check.detail}")
    return OK if sound else FAILED


def examine(common: Common) -> Iterator[Check]:
    """Look at everything that can be looked at."""
    try:
        settings, _ = load(common)
    except Failure as failure:
        yield Check("settings", ok=False, detail=str(failure))
        return
    yield _guarded("settings", _settings, settings)
    if not (settings.database_url and settings.pepper):  # else nothing is kept on this machine
        yield _guarded("folder", _folder, settings)
        yield _guarded("disk", _disk, settings)
    yield _guarded("port", _port, settings)
    if not settings.database_url and not (settings.folder / DATABASE).is_file():
        yield Check("database", ok=False, detail="there is none yet: `gatepost serve` makes it")
        return
    yield _guarded("pepper", _pepper, settings)
    yield _guarded("database", _database, settings)
    yield _guarded("schema", _schema, settings)
    yield _guarded("clock", _clock, settings)
    yield _guarded("limits", _limits, settings)


def _guarded(name: str, look: Callable[[Settings], str], settings: Settings) -> Check:
    """Run one look: its text is the finding, whatever it raises is what is wrong."""
    try:
        return Check(name, ok=True, detail=look(settings))
    except Exception as error:  # noqa: BLE001 # a doctor reports, whatever it is
        return Check(name, ok=False, detail=str(error) or type(error).__name__)


def _settings(settings: Settings) -> str:
    from gatepost.dialects import DIALECTS
    from gatepost.engine.route import everybodys
    from gatepost.web.router import templates

    everybodys(settings, templates(DIALECTS))
    return "all known, none fights another"


def _folder(settings: Settings) -> str:
    return _private(settings.folder, "the data folder", "700")


def _private(path: Path, what: str, mode: str) -> str:
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise Failure(f"{what} {path} belongs to another user")
    if found.st_mode & OTHERS:
        raise Failure(f"others can reach {what}: chmod {mode} {path}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise Failure(f"{what} {path} cannot be read and written")
    return f"{path} is the owner's alone"


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.folder).free
    text = f"{free // 1_048_576:,} MiB free"
    if free < FREE_BYTES_MIN:
        raise Failure(f"{text}: at least {FREE_BYTES_MIN // 1_048_576} are advisable")
    return text


def _port(settings: Settings) -> str:
    server = served_by(settings.folder)
    if server:
        return f"served now by process {server}"
    if settings.port == 0:
        return "any free one"
    with listen(settings.host, settings.port) as sock:
        return f"{settings.host} {_number(sock)} is free"


def _number(sock: socket.socket) -> int:
    port: int = sock.getsockname()[1]
    return port


def served_by(folder: Path) -> str | None:
    """The process that serves the folder now, if one does."""
    try:
        file = (folder / LOCK).open()
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().strip() or "unknown"
    return None


def _pepper(settings: Settings) -> str:
    from gatepost.base.crypto import load_pepper
    from gatepost.prepare import check_pepper
    from gatepost.storage.backend import backend_of

    path = settings.folder / PEPPER
    if not settings.pepper and not path.is_file():
        raise Failure(f"{path} is missing: without it no key is recognised; restore it")
    with backend_of(settings).read() as tx:
        check_pepper(tx, load_pepper(path, settings.pepper))
    if settings.pepper:
        return "set, and the one the keys were made with"
    return _private(path, "the pepper", "600")


def _database(settings: Settings) -> str:
    from gatepost.storage.backend import backend_of

    backend = backend_of(settings)
    if backend.shared:
        backend.check()
        return f"{backend.shown}, synced at every commit"
    path = settings.folder / DATABASE
    with backend.engine.connect() as sql:
        (answer,) = sql.exec_driver_sql("PRAGMA quick_check(1)").fetchone() or ("no answer",)
    if answer != "ok":
        raise Failure(f"{path} is damaged: {answer}")
    return _private(path, "the database", "600") + ", WAL, synced at every commit"


def _schema(settings: Settings) -> str:
    from gatepost import migrations
    from gatepost.storage.backend import backend_of

    backend = backend_of(settings)
    found = migrations.current(backend.engine)
    if found is not None and not migrations.knows(found):
        raise Failure(f"version {found} is a newer program's: upgrade this one")
    if found != migrations.head():
        who = "`gatepost migrate`" if backend.shared else "the next `gatepost serve`"
        raise Failure(f"version {found}: {who} brings it to the newest")
    return f"version {found}, the newest"


def _clock(settings: Settings) -> str:
    from gatepost.base.clock import iso, now_ms
    from gatepost.storage.backend import backend_of

    with backend_of(settings).read() as tx:
        newest = _newest(tx)
    now = now_ms()
    if newest > now + SKEW_MS_MAX:
        raise Failure(f"it is {iso(now)} here, but the newest event is of {iso(newest)}")
    return iso(now)


def _limits(settings: Settings) -> str:
    """Several processes need one place to count."""
    from gatepost.base.clock import now_ms
    from gatepost.domains.processes import store
    from gatepost.storage.backend import backend_of

    if settings.valkey_url:
        return _reach(settings.valkey_url)
    with backend_of(settings).read() as tx:
        alive = [one for one in store.alive(tx, now_ms()) if one.role.answers]
    if len(alive) > 1:
        raise Failure(f"{len(alive)} processes limit each by itself: set valkey_url")
    return "counted in the one process that serves"


def _reach(url: str) -> str:
    import valkey

    with valkey.Valkey.from_url(url, socket_timeout=REACH_S, socket_connect_timeout=REACH_S) as one:
        try:
            one.ping()
        except valkey.exceptions.ValkeyError as error:
            raise Failure(f"Valkey cannot be reached ({type(error).__name__})") from None
    return "shared through Valkey"


def _newest(tx: Tx) -> int:
    from gatepost.base import ids
    from gatepost.domains.events import store

    last = store.after(tx, store.last_seq(tx) - 1, 1)
    return ids.time_of(last[0].event.id) if last else 0
