"""`/unsubscribe`: the link in mails that ends them, for people and for mail programs (RFC 8058).

It needs no key: the link itself is signed. Looking at it changes nothing, for programs follow
links before people do.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepost.base.errors import AppError
from gatepost.domains.audit.model import Actor
from gatepost.domains.suppressions.model import Why
from gatepost.engine import post
from gatepost.engine.unsubscribe import PARAMETER, Leaving, read
from gatepost.web.contract import Services

METHODS = ("GET", "HEAD", "POST")
REASON = "One-click unsubscribe"
RECIPIENT = Actor("system", "", "unsubscribe link")
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; form-action 'self'; style-src 'unsafe-inline'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1.1rem system-ui;max-width:30rem;margin:15vh auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem}}</style>
<h1>{title}</h1>
{content}
</html>
"""
ASK = '<form method="post"><button>Unsubscribe</button></form>'
DONE = "<p>No more mails will be sent to this address.</p>"
UNKNOWN = "<p>This link is not complete.</p>"


class Unsubscribe:
    """The page, as an ASGI application."""

    def __init__(self, services: Services) -> None:
        """Hold what it needs."""
        self._services = services

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; its body is not read."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in METHODS:
            return Response(status_code=405, headers={"allow": ", ".join(METHODS)})
        leaving = read(self._services.pepper, request.query_params.get(PARAMETER, ""))
        if leaving is None:
            return _page("Unknown link", UNKNOWN, 404)
        if request.method != "POST":
            return _page("Unsubscribe", ASK)
        try:
            await self._end(leaving)
        except AppError:
            return _page("Please try again", ASK, 503)
        return _page("You are unsubscribed", DONE)

    async def _end(self, leaving: Leaving) -> None:
        now = self._services.clock()
        await self._services.database.write(
            lambda tx: post.stop(tx, *leaving, Why.UNSUBSCRIBE, REASON, RECIPIENT, now)
        )


def _page(title: str, content: str, status: int = 200) -> Response:
    return HTMLResponse(PAGE.format(title=title, content=content), status, headers=HEADERS)
