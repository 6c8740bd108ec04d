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
    yield Check("settings", ok=True, detail="all known, none fights another")
    yield _guarded("folder", _folder, settings)
    yield _guarded("disk", _disk, settings)
    yield _guarded("port", _port, settings)
    if not (settings.folder / DATABASE).is_file():
        yield Check("database", ok=False, detail="there is none yet: `gatepost serve` makes it")
        return
    yield _guarded("pepper", _pepper, settings)
    yield _guarded("database", _database, settings)
    yield _guarded("schema", _schema, settings)
    yield _guarded("clock", _clock, settings)


def _guarded(name: str, look: Callable[[Settings], str], settings: Settings) -> Check:
    """Run one look: its text is the finding, whatever it raises is what is wrong."""
    try:
        return Check(name, ok=True, detail=look(settings))
    except Exception as error:  # noqa: BLE001 # a doctor reports, whatever it is
        return Check(name, ok=False, detail=str(error) or type(error).__name__)


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

    path = settings.folder / PEPPER
    if not path.is_file():
        raise Failure(f"{path} is missing: without it no key is recognised; restore it")
    load_pepper(path)
    return _private(path, "the pepper", "600")


def _database(settings: Settings) -> str:
    from gatepost.storage.sqlite import engine_of

    path = settings.folder / DATABASE
    with engine_of(path).connect() as sql:
        (answer,) = sql.exec_driver_sql("PRAGMA quick_check(1)").fetchone() or ("no answer",)
    if answer != "ok":
        raise Failure(f"{path} is damaged: {answer}")
    return _private(path, "the database", "600") + ", WAL, synced at every commit"


def _schema(settings: Settings) -> str:
    from gatepost import migrations
    from gatepost.storage.sqlite import engine_of

    found = migrations.current(engine_of(settings.folder / DATABASE))
    if found is not None and not migrations.knows(found):
        raise Failure(f"version {found} is a newer program's: upgrade this one")
    if found != migrations.head():
        raise Failure(f"version {found}: the next `gatepost serve` brings it to the newest")
    return f"version {found}, the newest"


def _clock(settings: Settings) -> str:
    from gatepost.base.clock import iso, now_ms
    from gatepost.storage.db import Tx
    from gatepost.storage.sqlite import engine_of

    with engine_of(settings.folder / DATABASE).connect() as sql:
        newest = _newest(Tx(sql, sql.connection.driver_connection, "sqlite"))
    now = now_ms()
    if newest > now + SKEW_MS_MAX:
        raise Failure(f"it is {iso(now)} here, but the newest event is of {iso(newest)}")
    return iso(now)


def _newest(tx: Tx) -> int:
    from gatepost.base import ids
    from gatepost.domains.events import store

    last = store.after(tx, store.last_seq(tx) - 1, 1)
    return ids.time_of(last[0].event.id) if last else 0
