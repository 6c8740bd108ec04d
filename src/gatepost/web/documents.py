"""The API's documents: `/openapi.json` for machines, `/docs` for people. No key needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepost import __version__
from gatepost.base.config import Settings
from gatepost.base.errors import Code
from gatepost.web import openapi, reading
from gatepost.web.contract import Dialect
from gatepost.web.health import Page
from gatepost.web.manual import Schema
from gatepost.web.openapi import yaml
from gatepost.web.openapi.refusals import by_status

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PUBLIC = {"cache-control": "public, max-age=3600", "access-control-allow-origin": "*"}
JSON, YAML = "application/json", "application/yaml"
ADDRESS = b"http://address.invalid"
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
Make = Callable[[Request], Response]


class Documents:
    """`/openapi.json` is the first dialect's; `/openapi/<dialect>.json` is each one's, `all`
    of them together; `/docs` shows the first one's. Each is written when first asked for.
    """

    def __init__(self, settings: Settings, dialects: Sequence[Dialect]) -> None:
        """Name the pages; nothing is written yet."""
        self._settings = settings
        self._first = dialects[0]
        self._others = {one.manual.title: f"/openapi/{one.name}.json" for one in dialects[1:]}
        self._build = cache(partial(_build, settings.public_url.rstrip("/") or "/"))
        self._page = cache(self._render)
        first = self._machine((self._first,), msgspec.json.encode, JSON)
        sets = {one.name: (one,) for one in dialects} | {"all": tuple(dialects)}
        self.pages: Mapping[str, Page] = {
            "/": _page(lambda _request: RedirectResponse("/docs", 302)),
            "/docs": _page(self._docs),
            "/docs/page.css": _page(_file("docs.css", "text/css")),
            "/docs/page.js": _page(_file("docs.js", "text/javascript")),
            "/openapi.json": first,
            "/api/openapi.json": first,
            "/api/openapi.yaml": self._machine((self._first,), yaml.dump, YAML),
            **{
                f"/openapi/{name}.json": self._machine(dialects, msgspec.json.encode, JSON)
                for name, dialects in sets.items()
            },
        }

    def _machine(
        self, dialects: tuple[Dialect, ...], write: Callable[[Any], bytes], media: str
    ) -> Page:
        return _page(_kept(lambda: write(self._build(dialects)), media, PUBLIC))

    def _docs(self, request: Request) -> Response:
        page = self._page().replace(ADDRESS, self._address(request).encode())
        headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
        return Response(page, media_type="text/html", headers=_careful | headers)

    def _address(self, request: Request) -> str:
        """Where its reader reached this service; only a plain host may enter the commands."""
        host = request.headers.get("host", "")
        plain = host if _HOST.fullmatch(host) else "localhost"
        return self._settings.public_url.rstrip("/") or f"{request.url.scheme}://{plain}"

    def _render(self) -> bytes:
        grouped = by_status(self._first, list(Code))
        statuses = {str(code): status for status, codes in grouped.items() for code in codes}
        document = self._build((self._first,))
        return reading.render(document, ADDRESS.decode(), statuses, self._others)


_careful = {"x-content-type-options": "nosniff", "cache-control": "no-cache"}


def _build(server: str, dialects: tuple[Dialect, ...]) -> Schema:
    return openapi.build(dialects, __version__, server)


def _file(name: str, media: str) -> Make:
    """A file that comes with the program."""
    return _kept((files("gatepost.web") / "static" / name).read_bytes, media, _careful)


def _kept(write: Callable[[], bytes], media: str, headers: Mapping[str, str]) -> Make:
    """Write once; answer 304 to a client that has it already."""

    @cache
    def content() -> tuple[bytes, str]:
        body = write()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def make(request: Request) -> Response:
        body, etag = content()
        known = request.headers.get("if-none-match", "").replace("W/", "").split(",")
        own = {**headers, "etag": etag}
        if etag in (one.strip() for one in known):
            return Response(status_code=304, headers=own)
        return Response(body, media_type=media, headers=own)

    return make


def _page(make: Make) -> Page:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        if request.method in ("GET", "HEAD"):
            response = make(request)
        else:
            response = Response(status_code=405, headers={"allow": "GET, HEAD"})
        await response(scope, receive, send)

    return page
