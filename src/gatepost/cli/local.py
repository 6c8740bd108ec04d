"""The data folder from the command line: the same tables and verbs, beside a running server."""

from __future__ import annotations

import contextlib
import getpass
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from gatepost import migrations
from gatepost.base import clock
from gatepost.base.config import Settings
from gatepost.cli.common import Common, Failure, load
from gatepost.domains.audit.model import Actor
from gatepost.domains.plans import store as plans
from gatepost.gate.keycache import TTL_S
from gatepost.prepare import check_pepper, pepper_of, prepare
from gatepost.storage.backend import Backend, backend_of
from gatepost.storage.db import NotDurable, Tx


class Local(msgspec.Struct, frozen=True):
    """One command's way into the installation."""

    settings: Settings
    backend: Any
    pepper: bytes
    actor: Actor

    @contextlib.contextmanager
    def write(self, *, revokes: bool = False) -> Iterator[Tx]:
        """One transaction, committed and synced at the end of the block.

        A server that runs believes what it has read of a key for up to TTL_S. `revokes` waits
        that long after the commit, so that revocation is true when the command returns.
        """
        with self.backend.write() as tx:
            yield tx
        if revokes:
            time.sleep(TTL_S)

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """One snapshot."""
        with self.backend.read() as tx:
            yield tx

    def now(self) -> int:
        """Read the clock, in ms."""
        return clock.now_ms()


def open_folder(common: Common, *, create: bool = False) -> Local:
    """Open the installation. Only `create` may make a data folder, with the plans that come
    along.
    """
    settings, _ = load(common)
    backend = backend_of(settings)
    if not create and not backend.exists():
        text = f"no data folder at {settings.folder}: `gatepost serve` makes one, --data names it"
        raise Failure(text)
    _prepare(settings, backend)
    pepper = _pepper(settings)
    local = Local(settings, backend, pepper, _actor())
    with local.read() as tx:
        check_pepper(tx, pepper)
    if create:
        with local.write() as tx:
            plans.add_presets(tx, local.now())
    return local


def _prepare(settings: Settings, backend: Backend) -> None:
    """Bring a SQLite schema up to date; the quick look spares most commands the server."""
    fresh = backend.shared or not backend.exists()
    if not fresh and migrations.current(backend.engine) == migrations.head():
        return
    try:
        prepare(settings)
    except NotDurable as error:
        raise Failure(str(error)) from None


def _pepper(settings: Settings) -> bytes:
    try:
        return pepper_of(settings)
    except ValueError as error:
        raise Failure(str(error)) from None


def _actor() -> Actor:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # a container's user may have no name
    return Actor("cli", "", user)
