"""The endpoints that events are told to, remembered between chunks as long as none has changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gatepost.base.ids import ProjectId
from gatepost.domains.endpoints import store
from gatepost.domains.endpoints.model import RECORD_MS, Endpoint
from gatepost.storage.db import Tx


class Audience:
    """The endpoints of a project; those that name a type whole are found by it."""

    def __init__(self, version: int, listening: Iterable[Endpoint]) -> None:
        """Sort them."""
        self.version = version
        self.endpoints = list(listening)
        self._by_type: dict[str, list[Endpoint]] = {}
        self._by_pattern = [one for one in self.endpoints if _has_pattern(one)]
        for one in self.endpoints:
            for name in set(one.types) if not _has_pattern(one) else ():
                self._by_type.setdefault(name, []).append(one)

    def wanting(self, type_: str, now: int) -> list[Endpoint]:
        """Those that want a type, oldest first; none that its failures ended long ago."""
        found = [one for one in self._by_pattern if one.wants(type_)]
        found += self._by_type.get(type_, ())
        kept = [one for one in found if (one.disabled_at or now) > now - RECORD_MS]
        return sorted(kept, key=lambda one: one.id)


class Listeners:
    """The endpoints of all projects that events have come to."""

    def __init__(self) -> None:
        """Begin with none."""
        self._audiences: dict[ProjectId, Audience] = {}

    def audiences(
        self, tx: Tx, project_ids: Collection[ProjectId], now: int
    ) -> dict[ProjectId, Audience]:
        """The endpoints of some projects as they are now: how often they have changed is read
        first, so that what changes meanwhile is read again.
        """
        versions = store.versions(tx, project_ids)
        stale = [one for one, version in versions.items() if self._version(one) != version]
        if stale:
            found = store.listening(tx, stale, missed_since=now - RECORD_MS)
            for one in stale:
                self._audiences[one] = Audience(versions[one], found.get(one, ()))
        return {one: self._audiences[one] for one in versions}

    def _version(self, project_id: ProjectId) -> int | None:
        known = self._audiences.get(project_id)
        return None if known is None else known.version


def _has_pattern(endpoint: Endpoint) -> bool:
    return any(one.endswith("*") for one in endpoint.types)
