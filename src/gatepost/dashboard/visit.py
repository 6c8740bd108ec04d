"""One request to the dashboard: all that a page's function is given, and how it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gatepost.base.ids import AccountId, parse, show
from gatepost.dashboard import flash, late, session
from gatepost.dashboard.desk import Api, Query, encode
from gatepost.dashboard.flash import Flash
from gatepost.dashboard.forms import Fields, Form
from gatepost.dashboard.headers import HARMLESS
from gatepost.dashboard.render import render
from gatepost.dashboard.routes import Section
from gatepost.dashboard.session import Named
from gatepost.dashboard.stays import Stays
from gatepost.gate.admit import Caller
from gatepost.gate.operators import SignedIn
from gatepost.web.contract import Services

SEE_OTHER = 303
PROJECT = "project"
NAMED_PROJECT = "_project"
"""The same where the page's scripts use the API, some of whose lists have a `project` as well."""


class Member:
    """What only a member of the account in the path has."""

    def __init__(
        self,
        account: Named,
        api: Api,
        projects: Sequence[Named],
        project: Named | None,
        sections: Sequence[Section],
    ) -> None:
        """Hold it: `sections` are those that the role may see."""
        self.account = account
        self.api = api
        self.projects = projects
        self.project = project
        self.sections = sections


class Visit:
    """One request. `path` has the parameters of the route, `query` those of the address."""

    def __init__(self, services: Services, request: Request, request_id: str) -> None:
        """Begin with what every request has; the rest is found on the way."""
        self.services = services
        self.request = request
        self.request_id = request_id
        self.path: Mapping[str, str] = {}
        self.query = Fields.of(request.scope["query_string"])
        self.form = Form()
        self.signed_in: SignedIn | None = None
        self.member: Member | None = None
        self.section: Section | None = None
        self.ask_as: Callable[[Caller, str | None], Api]
        self.stays: Stays
        self._taste = session.taste(request)

    @property
    def here(self) -> Member:
        """The account in the path; only where the route is for members."""
        if self.member is None:
            raise LookupError("this route is not for members")
        return self.member

    @property
    def account(self) -> Named:
        """The account in the path."""
        return self.here.account

    @property
    def account_id(self) -> AccountId:
        """The same as it is inside."""
        return AccountId(parse("account", self.account.id))

    @property
    def project(self) -> Named | None:
        """The chosen project, or the first one; None where the account has none."""
        return self.here.project

    @property
    def api(self) -> Api:
        """The native API, as this member may use it."""
        return self.here.api

    @property
    def zone(self) -> tzinfo:
        """The zone of the visitor's clock."""
        return self._taste.zone

    @property
    def operator(self) -> SignedIn:
        """Who is signed in; only where the route is not for anybody."""
        if self.signed_in is None:
            raise LookupError("nobody is signed in")
        return self.signed_in

    @property
    def accounts(self) -> list[Named]:
        """All accounts of whoever is signed in."""
        mine = self.operator.memberships
        return [Named(show("account", one.account_id), one.account_name, one.role) for one in mine]

    @property
    def raw_path(self) -> str:
        """The path of this very page, as it was asked for."""
        raw: bytes = self.request.scope["raw_path"]
        return raw.decode("latin-1")

    @property
    def place(self) -> str:
        """This very page, to come back to; a form's target leads back to the start."""
        if self.request.method not in HARMLESS:
            return session.HOME
        return _with(self.raw_path, _listed(self.query))

    @property
    def address(self) -> str:
        """Where the visitor reaches this service: `https://gatepost.example`."""
        public = self.services.settings.public_url.rstrip("/")
        return public or f"{self.request.scope['scheme']}://{self.request.headers.get('host', '')}"

    @property
    def secure(self) -> bool:
        """Whether cookies are for HTTPS alone."""
        return self.address.startswith("https:")

    # Addresses

    def url(self, *segments: str, **query: Any) -> str:
        """The address of a page of this account, in the same project."""
        kept: dict[str, Any] = {}
        if PROJECT in self.query:
            kept[PROJECT] = self.query.get(PROJECT)
        return _with(session.path(self.account.id, *segments), kept | query)

    def changed(self, **query: Any) -> str:
        """The address of this very page with other parameters; None takes one away. Whoever
        changes something begins at the first page again.
        """
        kept = _listed(self.query)
        kept.pop("cursor", None)
        return _with(self.raw_path, kept | query)

    def stream(self, path: str, **query: Any) -> str:
        """The address of an endpoint of the API for the page's scripts."""
        chosen = {NAMED_PROJECT: self.project.id} if self.project else {}
        below = session.path(self.account.id, "api")
        return _with(below + path, chosen | query)

    # Answers

    def page(self, template: str, status: int = 200, /, **context: Any) -> Response:
        """Show a page. Templates know `visit`, and `url`, `changed` and `stream` as here."""
        written = render(template, self._common() | context)
        return self._clean(HTMLResponse(written, status))

    async def page_with(
        self,
        template: str,
        part: str,
        coming: asyncio.Future[Any],
        shown: Callable[[], tuple[int, dict[str, Any]]],
        /,
        **context: Any,
    ) -> Response:
        """Show a page with something that may take long. `shown` gives its status and what it adds
        to the context, once it has come. Where that is late, the page has `late` where it will be,
        and `part` is the template of it alone.
        """
        if await late.soon(coming):
            status, more = shown()
            return self.page(template, status, **context | more)
        before = render(template, self._common() | context | {"late": late.MARK})

        def write() -> str:
            return render(part, self._common() | context | shown()[1])

        return self._clean(late.response(before, coming, write, self.request_id))

    def _common(self) -> dict[str, Any]:
        section = self.section
        return {
            "visit": self,
            "url": self.url,
            "changed": self.changed,
            "stream": self.stream,
            "zone": self.zone,
            "theme": self._taste.theme,
            "flash": flash.find(self.request),
            "here": section.name if section else "",
            "section_path": section.path.split("/")[1:] if section else (),
            "late": "",
        }

    def _clean(self, response: Response) -> Response:
        """What was said once is not said again."""
        if flash.COOKIE in self.request.cookies:
            flash.clear(response)
        return response

    def redirect(self, where: str, say: str = "", kind: flash.Kind = "done") -> Response:
        """Go on to another page after a form, which says once what was done. Nothing secret."""
        response = RedirectResponse(where, SEE_OTHER)
        if say:
            flash.leave(response, Flash(say, kind), secure=self.secure)
        return response


def _listed(query: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in query.pairs:
        found.setdefault(name, []).append(value)
    return found


def _with(path: str, query: Query) -> str:
    text = encode(query).decode()
    return f"{path}?{text}" if text else path
