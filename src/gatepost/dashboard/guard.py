"""Who may come in: one place that looks at sessions, memberships, tokens and origins."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId
from gatepost.dashboard import headers, session
from gatepost.dashboard.desk import Api, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.routes import Entry, Route, Section
from gatepost.dashboard.session import Named
from gatepost.dashboard.stays import Stays
from gatepost.dashboard.visit import NAMED_PROJECT, PROJECT, SEE_OTHER, Member, Visit
from gatepost.gate.admit import Caller
from gatepost.web import body
from gatepost.web.pipeline import Pipeline

FORM = "application/x-www-form-urlencoded"
PROJECTS_MAX = 100
SECOND_FACTOR = "/dashboard/sign-in/code"
STRANGE = AppError(
    Code.FORBIDDEN,
    "This form was sent from another site, or its page is too old: reload it and send it again.",
)


class Guard:
    """Lets a visit in, or says where else to go."""

    def __init__(self, pipeline: Pipeline, sections: Sequence[Section], stays: Stays) -> None:
        """Hold what members are given."""
        self._pipeline = pipeline
        self._sections = sections
        self._stays = stays

    async def admit(self, route: Route, visit: Visit) -> Response | None:
        """Fill the visit in for its route. A response is where to go instead; raises AppError."""
        scope = visit.request.scope
        visit.ask_as = lambda caller, project: Api(self._pipeline, caller, scope, project)
        visit.stays = self._stays
        secret = visit.request.cookies.get(session.COOKIE)
        if secret:
            visit.signed_in = await visit.services.operators.session(secret)
        signed_in = visit.signed_in
        if route.entry is not Entry.ANYBODY:
            if signed_in is None:
                return RedirectResponse(session.sign_in(visit.request), SEE_OTHER)
            if not signed_in.passed:
                return RedirectResponse(SECOND_FACTOR, SEE_OTHER)
        await self._check(route, visit)
        if route.entry is Entry.MEMBER:
            visit.member = await self._member(visit)
        return None

    async def _check(self, route: Route, visit: Visit) -> None:
        """Of what changes something, make sure that one of our own pages sent it."""
        request = visit.request
        if request.method in headers.HARMLESS:
            return
        if not headers.from_here(request):
            raise STRANGE
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
            limit = visit.services.settings.body_bytes_max
            visit.form = await _form(visit, limit)
        if route.entry is Entry.ANYBODY:
            return
        given = request.headers.get(headers.CSRF_HEADER) or visit.form.get(headers.CSRF_FIELD)
        if not headers.is_token(given, visit.operator.csrf):
            raise STRANGE

    async def _member(self, visit: Visit) -> Member:
        account_id = session.account_of(visit.path["account"])
        found = None if account_id is None else await _caller(visit, account_id)
        if found is None:
            raise AppError(Code.NOT_FOUND, "There is no such page, or none that you may see.")
        account, caller = found
        bare = Api(self._pipeline, caller, visit.request.scope, None)
        projects = await _projects(bare)
        wanted = visit.query.get(NAMED_PROJECT) or visit.query.get(PROJECT)
        project = await _chosen(bare, projects, wanted)
        api = bare.within(project.id if project else None)
        seen = [one for one in self._sections if api.may(one.scope)]
        return Member(account, api, projects, project, seen)


async def _caller(visit: Visit, account_id: AccountId) -> tuple[Named, Caller] | None:
    mine = next((one for one in visit.operator.memberships if one.account_id == account_id), None)
    caller = await visit.services.operators.caller(visit.operator, account_id)
    if mine is None or caller is None:
        return None
    return Named(ids.show("account", account_id), mine.account_name, str(mine.role)), caller


async def _form(visit: Visit, limit: int) -> Form:
    request = visit.request
    read = await body.read(request.receive, dict(request.scope["headers"]), limit)
    try:
        return Form.of(read)
    except ValueError:
        raise AppError(Code.INVALID, "That form has too many fields.") from None


async def _projects(api: Api) -> list[Named]:
    found = await api.page("/v1/projects", "projects", {"limit": PROJECTS_MAX})
    return [Named(one["id"], one["name"]) for one in found.items]


async def _chosen(api: Api, projects: Sequence[Named], wanted: str) -> Named | None:
    """The project that is asked for, else the first one; raises Refused for one that is not."""
    if not wanted:
        return projects[0] if projects else None
    known = next((one for one in projects if one.id == wanted), None)
    if known is not None:
        return known
    one = await api.get(at("/v1/projects", wanted))
    return Named(one["id"], one["name"])
