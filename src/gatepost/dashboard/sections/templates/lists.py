"""The templates of an account, each with its versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Query
from gatepost.dashboard.forms import Form
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

PAGE = 100


class Entry(msgspec.Struct, frozen=True):
    """All versions of one alias that a page has, the newest first."""

    alias: str
    versions: list[Any]

    @property
    def published(self) -> Any:
        """The version that the alias means; None for none."""
        return next((one for one in self.versions if one["published"]), None)

    @property
    def shown(self) -> Any:
        """The version that stands for all: the published one, else the newest."""
        return self.published or self.versions[0]


async def list_(visit: Visit) -> Response:
    """Show a page of templates."""
    asked: Query = {name: visit.query.get(name) for name in ("alias", "cursor")}
    found = await visit.api.page("/v1/templates", "templates", {**asked, "limit": PAGE})
    return visit.page(
        "templates/list.html",
        entries=entries(found.items),
        found=found,
        form=Form.starting(asked),
        may_write=visit.api.may(Scope.TEMPLATES_WRITE),
    )


def entries(versions: Iterable[Any]) -> list[Entry]:
    """Versions, oldest first, by their aliases."""
    found: dict[str, list[Any]] = {}
    for one in versions:
        found.setdefault(one["alias"], []).insert(0, one)
    return [Entry(alias, mine) for alias, mine in sorted(found.items())]
