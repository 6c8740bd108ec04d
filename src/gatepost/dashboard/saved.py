"""Views that an operator has saved: pages whose address says what they show, under a name."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from gatepost.dashboard import session
from gatepost.dashboard.desk import Refused, at
from gatepost.dashboard.routes import action
from gatepost.dashboard.visit import Visit

BOOKMARKS = "/v1/bookmarks"


async def views(visit: Visit, beginning: str) -> dict[str, Any]:
    """What a page shows of its saved views: the address it would be saved as, and those of its
    section, which is the beginning of their addresses.
    """
    found = (await visit.api.get(BOOKMARKS))["bookmarks"]
    mine = [one for one in found if one["place"].partition("?")[0].startswith(beginning)]
    return {"place": _place(visit), "views": mine, "address": lambda one: _address(visit, one)}


async def save(visit: Visit) -> Response:
    """Save the page that the form is on, and go back there."""
    form, back = visit.form, _address(visit, visit.form.get("place"))
    wanted = {"name": form.get("name"), "place": form.get("place")}
    try:
        await visit.api.send("POST", BOOKMARKS, wanted, once=form.once)
    except Refused as refused:
        said = "; ".join(one.message for one in refused.fields) or refused.detail
        return visit.redirect(back, f"Not saved: {said}", "problem")
    return visit.redirect(back, "The view is saved.")


async def remove(visit: Visit) -> Response:
    """Forget one."""
    await visit.api.send("DELETE", at(BOOKMARKS, visit.path["id"]), once=visit.form.once)
    return visit.redirect(_address(visit, visit.form.get("place")), "The view is removed.")


def _place(visit: Visit) -> str:
    """The address of this page below the account's own, without the place in its list."""
    below = visit.raw_path.removeprefix(session.path(visit.account.id)).strip("/")
    kept = [pair for pair in visit.query.pairs if pair[0] != "cursor"]
    return f"{below}?{urlencode(kept)}" if kept else below


def _address(visit: Visit, place: str) -> str:
    return session.safe_next(f"{session.path(visit.account.id)}/{place}")


ROUTES = (action("/saved", save), action("/saved/{id}/remove", remove))
