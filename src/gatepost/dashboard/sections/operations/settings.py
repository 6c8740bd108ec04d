"""What is set, and by whom, for superusers."""

from __future__ import annotations

from starlette.responses import Response

from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.operations import common
from gatepost.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    """Show the settings; those that were changed come first."""
    common.check(visit)
    found = await visit.api.get("/v1/operations/settings")
    words = visit.query.get("q").lower()
    rows = [one for one in found["settings"] if words in f"{one['name']} {one['about']}".lower()]
    return visit.page(
        "operations/settings.html",
        form=Form(visit.query.pairs),
        changed_=[one for one in rows if one["source"] != "default"],
        others=[one for one in rows if one["source"] == "default"],
        tabs=common.tabs(visit, "settings"),
    )
