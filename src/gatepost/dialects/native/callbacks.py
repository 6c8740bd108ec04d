"""`/mail/callbacks/…`: where providers report bounces and complaints, each in its own format.

It needs no key: the address itself is signed. One that is not is unknown, and whoever tries many
is refused like one who tries keys.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import PlainTextResponse, Response

from gatepost.base.errors import AppError, Code, not_found
from gatepost.delivery.email import reports
from gatepost.delivery.email.reports import NoReportError
from gatepost.domains.mailers import store
from gatepost.engine import callbacks
from gatepost.engine.callbacks import Called
from gatepost.web import address, body, standing
from gatepost.web.body import Disconnected
from gatepost.web.contract import Services
from gatepost.web.statuses import STATUSES

BYTES_MAX = 2 * 1_048_576
CHUNK = 100
"""How many addresses one transaction takes, so that others do not wait for long."""
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Callbacks:
    """The addresses, as an ASGI application."""

    def __init__(self, services: Services) -> None:
        """Hold what it needs."""
        self._services = services
        self._proxies = services.settings.networks()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any) -> Response:
        if scope["method"] != "POST":
            return Response(status_code=405, headers={"allow": "POST"})
        try:
            await self._take(scope, receive)
        except AppError as refusal:
            return _refused(refusal)
        except NoReportError:
            return PlainTextResponse("This is no report.", 400, headers=HEADERS)
        except Disconnected:
            return Response(status_code=400)
        return Response(status_code=204, headers=HEADERS)

    async def _take(self, scope: Any, receive: Any) -> None:
        services, headers = self._services, dict(scope["headers"])
        called = callbacks.read(services.pepper, scope["path"])
        if called is None:
            whence = address.of(scope, headers, self._proxies)
            raise await services.admission.unknown(whence, not_found("such address"))
        mailer = await services.database.read(lambda tx: store.get(tx, *called))
        given = await body.read(receive, headers, BYTES_MAX)
        await self._note(called, reports.read(mailer.kind, given))

    async def _note(self, called: Called, said: reports.Said) -> None:
        now, write = self._services.clock(), self._services.database.write
        for place in range(0, len(said.reports), CHUNK):
            some = said.reports[place : place + CHUNK]
            await write(partial(callbacks.note, called=called, reports=some, now=now))
        if said.confirm:
            await write(lambda tx: callbacks.ask(tx, called, said.confirm, now))


def _refused(refusal: AppError) -> Response:
    unknown = refusal.code is Code.NOT_FOUND
    words = "There is nothing here." if unknown else refusal.detail
    response = PlainTextResponse(words, STATUSES[refusal.code], headers=HEADERS)
    for name, value in standing.refused(refusal):
        response.headers[name.decode()] = value.decode()
    return response
