"""What a report can be of: an aggregator, or the events of a project."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.dashboard.desk import at
from gatepost.dashboard.sections.reports.manage import AGGREGATORS, NO_PROJECT, where
from gatepost.dashboard.visit import Visit

STATS = "/v1/stats"


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where counts are read from. `id` is None for the events of a project."""

    name: str
    zone: str
    report: str
    base: str
    id: str | None = None
    archived: bool = False
    counting: bool = True

    def listing(self, what: str) -> str:
        """The path of its events or tags."""
        return f"{self.base}/{what}"


async def aggregator(visit: Visit) -> Source:
    """The one in the path; raises Refused where it is none."""
    return of(await visit.api.get(where(visit)))


def of(one: Any) -> Source:
    """An aggregator of the API's."""
    base = at(AGGREGATORS, one["id"])
    return Source(
        name=one["name"],
        zone=one["timezone"],
        report=base + "/report",
        base=base,
        id=one["id"],
        archived=one["archived"],
    )


async def project(visit: Visit) -> Source:
    """The events of the project, by the viewer's clock."""
    if visit.project is None:
        raise NO_PROJECT
    return of_project(await visit.api.get(at("/v1/projects", visit.project.id)), str(visit.zone))


def of_project(one: Any, zone: str) -> Source:
    """A project of the API's."""
    return Source(name=one["name"], zone=zone, report=STATS, base=STATS, counting=one["counting"])
