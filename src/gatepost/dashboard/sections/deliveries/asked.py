"""What the addresses of the logs ask for: the API's own parameters, moments as people type them."""

from __future__ import annotations

from typing import Any

import msgspec

from gatepost.dashboard.desk import Query
from gatepost.dashboard.forms import Fields
from gatepost.dashboard.sections.deliveries.words import ENDED
from gatepost.dashboard.sections.feed.asked import moment
from gatepost.dashboard.visit import Visit

PAGE = 40
REPEATED = "state"
MOMENTS = ("since", "before")
DELIVERIES = ("transport", "endpoint", "message", "type", *MOMENTS)
MESSAGES = ("state", "type", "endpoint", "event", *MOMENTS)


class Asked(msgspec.Struct, frozen=True):
    """What was asked for, by parameter, as it stands in the address."""

    given: dict[str, str]
    states: tuple[str, ...] = ()
    cursor: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether anything but the state is asked for."""
        return bool(self.given)

    @property
    def newest(self) -> bool:
        """Whether what is new belongs to the top of this list."""
        return not (self.cursor or self.given.get("before"))

    def get(self, name: str) -> str:
        """A parameter, "" where it is not given."""
        return self.given.get(name, "")

    def filter(self, visit: Visit) -> dict[str, Any]:
        """The same as the API takes it, within the project."""
        found: dict[str, Any] = dict(self.given)
        for name in MOMENTS:
            if name in found:
                found[name] = moment(found[name], visit.zone)
        project = {"project": visit.project.id} if visit.project else {}
        return project | found | ({REPEATED: list(self.states)} if self.states else {})

    def query(self, visit: Visit) -> Query:
        """The same for a page of a list."""
        return {**self.filter(visit), "cursor": self.cursor, "limit": PAGE}


def read(query: Fields, names: tuple[str, ...] = DELIVERIES) -> Asked:
    """Read an address."""
    given = {name: query.get(name) for name in names if name in query}
    states = () if REPEATED in names else tuple(dict.fromkeys(query.all(REPEATED)))
    return Asked(given, states, query.get("cursor"))


def replay(asked: Asked, visit: Visit) -> dict[str, Any]:
    """Which deliveries to start again, as the API's body has it: of the states asked for those
    that have ended, or what failed.
    """
    named = {"endpoint": "endpointId", "message": "messageId", "before": "until"}
    found = {named.get(name, name): value for name, value in asked.filter(visit).items()}
    found.pop(REPEATED, None)
    if "project" in found:
        found["projectId"] = found.pop("project")
    return found | {"states": again(asked)}


def again(asked: Asked) -> list[str]:
    """Which states are started again."""
    return [one for one in asked.states if one in ENDED] or ["failed"]
