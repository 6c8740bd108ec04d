"""All relayed routes, kept in memory: which of them a path means is asked with every request.

What changes in this process is known before the change is answered. What another process changes
is known when its signal comes, and after `EVERY_S` without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from gatepost.base.clock import Clock
from gatepost.base.ids import AccountId, RelayId
from gatepost.domains.relays import paths, store
from gatepost.domains.relays.model import ANY, EVERYBODY, Relay
from gatepost.domains.relays.store import Version
from gatepost.storage.db import Database, Tx

EVERY_S = 0.5
FRESH_MS = 5000
"""Changes so young may have others of the same moment beside them, or clocks may differ."""

Values = Mapping[str, str]


class Found(NamedTuple):
    """A route, and what the raw path has in the place of its names."""

    relay: Relay
    values: Values


class _Pattern(NamedTuple):
    parts: Sequence[str]
    relay: Relay


class _Table:
    """Routes that are looked up together, those that say most about a path first."""

    def __init__(self, relays: Iterable[Relay]) -> None:
        self._exact: dict[str, list[Relay]] = {}
        self._patterns: dict[str | None, list[_Pattern]] = {}
        for relay in sorted(relays, key=_rank):
            if relay.path.endswith("/*") or "{" in relay.path:
                parts = paths.split(relay.path)
                first = None if parts[0][:1] in "{*" else parts[0]
                self._patterns.setdefault(first, []).append(_Pattern(parts, relay))
            else:
                self._exact.setdefault(relay.path, []).append(relay)

    def fitting(self, path: str) -> Iterable[Found]:
        """The routes a raw path fits, of any method."""
        for relay in self._exact.get(_plain(path), ()):
            yield Found(relay, {})
        if not self._patterns:
            return
        parts = paths.split(path)
        patterns = self._patterns.get(unquote(parts[0]), []), self._patterns.get(None, [])
        for one in sorted((*patterns[0], *patterns[1]), key=lambda one: _rank(one.relay)):
            values = paths.match(one.parts, parts)
            if values is not None:
                yield Found(one.relay, values)


class Relays:
    """The routes of all accounts. Used from the event loop alone."""

    def __init__(
        self, database: Database, clock: Clock, everybodys: Sequence[Relay], own: Sequence[str]
    ) -> None:
        """Know those of the settings; `own` are the path templates of Gatepost itself."""
        self.own = own
        self._database = database
        self._clock = clock
        self._everybodys = everybodys
        self._living: dict[RelayId, Relay] = {}
        self._version = Version(0, 0)
        self._generation = 0
        self._build()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._living) + len(self._everybodys)

    def knows(self, path: str) -> bool:
        """Whether anybody has a route for a raw path, whatever the method."""
        return any(True for _ in self._all.fitting(path))

    def find(self, account_id: AccountId, method: str, path: str) -> Found | set[str]:
        """The account's route for a method and raw path; without one, the methods it has there."""
        methods: set[str] = set()
        for found in self._tables.get(account_id, self._shared).fitting(path):
            if found.relay.method in (method, ANY):
                return found
            methods.add(found.relay.method)
        return methods

    def put(self, relay: Relay) -> None:
        """Know of one that was made, changed or ended in this process."""
        self._generation += 1
        self._living.pop(relay.id, None)
        if relay.deleted_at is None:
            self._living[relay.id] = relay
        self._build()

    async def load(self) -> None:
        """Read them all, again if one has changed here meanwhile."""
        while True:
            generation = self._generation
            version, relays = await self._database.read(_read)
            if generation == self._generation:
                break
        self._version = version
        self._living = {relay.id: relay for relay in relays}
        self._build()

    async def refresh(self) -> float:
        """Read them if any has changed; returns the pause (seconds) until the next look."""
        version = await self._database.read(store.version)
        if version != self._version or self._clock() < version.changed_at + FRESH_MS:
            await self.load()
        return EVERY_S

    def _build(self) -> None:
        relays = list(self._living.values())
        mine: dict[AccountId, list[Relay]] = {}
        for relay in relays:
            mine.setdefault(relay.account_id, []).append(relay)
        everybodys = self._everybodys
        self._all = _Table([*relays, *everybodys])
        self._shared = _Table(everybodys)
        self._tables = {owner: _Table([*own, *everybodys]) for owner, own in mine.items()}


def _read(tx: Tx) -> tuple[Version, list[Relay]]:
    return store.version(tx), store.all_(tx)


def _rank(relay: Relay) -> tuple[tuple[int, ...], bool, bool]:
    """Precise paths first, then a method of its own, then an account's own."""
    return paths.rank(relay.path), relay.method == ANY, relay.account_id == EVERYBODY


def _plain(path: str) -> str:
    """A raw path decoded, unless that would make segments out of one."""
    if "%" not in path:
        return path
    plain = "/".join(unquote(part) for part in path.split("/"))
    return plain if plain.count("/") == path.count("/") else path
