"""What belongs to no section: the way in, the theme, and the API for the pages' scripts."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.dashboard import session
from gatepost.dashboard.routes import Entry, Route, action, page
from gatepost.dashboard.visit import NAMED_PROJECT, SEE_OTHER, Visit

YEAR_S = 31_536_000
FURTHER = (b"idempotency-key", b"last-event-id")
"""Headers of a script's request that the API is given beside the usual ones."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Passed(Response):
    """A reply that the API itself sends, as it comes: also a stream."""

    def __init__(self, visit: Visit, path: str, query: bytes) -> None:
        """Hold what is asked for; nothing is sent yet."""
        super().__init__()
        self._visit = visit
        self._asked = (path, query)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 # as ASGI
        """Send it."""
        secret = self._visit.request.cookies[session.COOKIE]
        with self._visit.stays.stay(secret, self._visit.account_id) as over:

            async def heard() -> Any:
                """What the client says; it has gone as well when its session has."""
                said = asyncio.ensure_future(receive())
                try:
                    await asyncio.wait({said, over}, return_when=asyncio.FIRST_COMPLETED)
                    return said.result() if said.done() else {"type": "http.disconnect"}
                finally:
                    said.cancel()

            await self._visit.api.pass_on(*self._asked, heard, send, FURTHER)


async def home(visit: Visit) -> Response:
    """Lead to the first account."""
    memberships = visit.operator.memberships
    if not memberships:
        return visit.page("errors/no_account.html")
    first = ids.show("account", memberships[0].account_id)
    return RedirectResponse(session.path(first), SEE_OTHER)


async def account(visit: Visit) -> Response:
    """Lead to the first section that the role may see."""
    if not visit.here.sections:
        raise AppError(Code.FORBIDDEN, "Your role sees nothing of this account.")
    segments = visit.here.sections[0].path.split("/")[1:]
    return RedirectResponse(visit.url(*segments), SEE_OTHER)


async def theme(visit: Visit) -> Response:
    """Remember the theme; without one that is known, the system's counts again."""
    response = visit.redirect(session.safe_next(visit.form.get("next")))
    chosen = visit.form.get("theme")
    if chosen in session.THEMES:
        response.set_cookie(
            session.THEME_COOKIE,
            chosen,
            max_age=YEAR_S,
            path=session.HOME,
            samesite="lax",
            secure=visit.secure,
        )
    else:
        response.delete_cookie(session.THEME_COOKIE, path=session.HOME)
    return response


async def api(visit: Visit) -> Response:
    """Hand a script's request over to the API. The query may name the project."""
    query = parse_qsl(visit.request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    own = urlencode([pair for pair in query if pair[0] != NAMED_PROJECT]).encode()
    path = "/" + visit.path["rest"]
    if not path.startswith("/v1/"):
        raise AppError(Code.NOT_FOUND, "No such path")
    return Passed(visit, path, own)


ROUTES = (
    page("", home, Entry.OPERATOR),
    page("", account),
    action("/theme", theme, Entry.ANYBODY),
    *(Route(method, "/api/{rest:path}", api, Entry.MEMBER) for method in METHODS),
)
