"""The first door, as a request over HTTP goes through it."""

from __future__ import annotations

from collections.abc import Awaitable

from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, CustomerId, ProjectId, parse
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit.model import Actor
from gatepost.domains.customers import store as customers
from gatepost.domains.projects import store as projects
from gatepost.engine import enroll
from gatepost.engine.enroll import NewCustomer
from gatepost.gate.admit import Caller, throttled
from gatepost.gate.budget import Payer
from gatepost.limiter.contract import Verdict
from gatepost.storage.db import Tx
from gatepost.web import address as addresses
from gatepost.web.contract import Dialect, Naming, Services
from gatepost.web.request import Request
from gatepost.web.router import Route


class Door:
    """Who asks, for whom, and whether that is allowed now."""

    def __init__(self, services: Services) -> None:
        """Hold what every request needs."""
        self._services = services
        self._admission = services.admission
        self._networks = services.settings.networks()
        self._clock = services.clock

    def admit(self, route: Route, request: Request) -> Caller | Awaitable[Caller]:
        """Authenticate → authorise → throttle. A known caller of a limiter in memory never waits
        here, and so is returned at once.
        """
        caller = self._present(route.dialect, request)
        if caller is None:
            return self._admit(route, request)
        verdict = self._charge(route, caller, request)
        if verdict is None or isinstance(verdict, Verdict):
            return self._judge(caller, request, verdict)
        return self._await(caller, request, verdict)

    async def identify(self, dialect: Dialect, request: Request) -> Caller:
        """Whose key it is; raises UNAUTHENTICATED, or THROTTLED for too many of nobody's. Whoever
        has signed in already is taken as they are.
        """
        return self._present(dialect, request) or await self._authenticate(dialect, request)

    async def enter(self, route: Route, caller: Caller, request: Request) -> None:
        """Authorise and throttle; raises FORBIDDEN, ACCOUNT_INACTIVE and THROTTLED."""
        verdict = self._charge(route, caller, request)
        if verdict is not None and not isinstance(verdict, Verdict):
            verdict = await verdict
        self._judge(caller, request, verdict)

    async def _admit(self, route: Route, request: Request) -> Caller:
        caller = await self.identify(route.dialect, request)
        await self.enter(route, caller, request)
        return caller

    def _present(self, dialect: Dialect, request: Request) -> Caller | None:
        """Whoever can be told without waiting."""
        caller = request.caller
        if caller is not None:
            request.address = self.address(request)
        else:
            try:
                secret = dialect.api_key(request.headers, request.scope["query_string"])
            except AppError:
                return None
            caller = self._admission.known(secret) if secret else None
            if caller is None:
                return None
            request.caller = caller
        request.now = self._clock()
        return caller

    def _charge(
        self, route: Route, caller: Caller, request: Request
    ) -> Verdict | Awaitable[Verdict] | None:
        """Authorise, and charge the limits; None where there are none."""
        if caller.networks or route.endpoint.admin:
            request.address = self.address(request)
        self._admission.authorise(caller, route.endpoint.scope, request.address)
        if caller.operator is None:
            self._services.ledger.used(caller, request.now)
        if not caller.subjects:
            return None
        return self._admission.limiter.hit(caller.subjects, lenient=not route.endpoint.writes)

    def _judge(self, caller: Caller, request: Request, verdict: Verdict | None) -> Caller:
        request.verdict = verdict
        if verdict is not None and not verdict.admitted:
            detail = "Too many requests. Please try again later."
            raise throttled(verdict, detail, request.now)
        return caller

    async def _await(self, caller: Caller, request: Request, verdict: Awaitable[Verdict]) -> Caller:
        return self._judge(caller, request, await verdict)

    async def _authenticate(self, dialect: Dialect, request: Request) -> Caller:
        try:
            secret = dialect.api_key(request.headers, request.scope["query_string"])
        except AppError as refusal:
            raise await self._unknown(request, refusal) from None
        caller = await self._admission.authenticate(secret) if secret is not None else None
        if caller is None:
            raise await self._unknown(request)
        request.caller = caller
        request.now = self._clock()
        return caller

    async def _unknown(self, request: Request, refusal: AppError | None = None) -> AppError:
        self._services.metrics.add("gatepost_unknown_keys")
        return await self._admission.unknown(self.address(request), refusal)

    def payer(self, route: Route, caller: Caller, request: Request) -> Awaitable[Payer] | None:
        """The customer this is done for, None where it names none; raises CUSTOMER_MISSING,
        -INVALID, -INACTIVE, NOT_FOUND and INVALID.
        """
        if route.endpoint.customer is Naming.IGNORED:
            return None
        identifier = route.dialect.client(caller.key, request.headers)
        if identifier is not None:
            return self._client(caller, identifier, request)
        named = self._customer(route, request)
        return None if named is None else self._admission.payer(caller, named)

    async def _client(self, caller: Caller, identifier: str, request: Request) -> Payer:
        """The customer of that identifier, registered if there is none."""
        known = await self._admission.client(caller, identifier)
        if known is None:
            actor = caller.actor(self.address(request))
            known = await self._services.database.write(
                lambda tx: _enrolled(tx, caller.account_id, identifier, actor, request.now)
            )
        return await self._admission.payer(caller, known)

    def _customer(self, route: Route, request: Request) -> CustomerId | None:
        """Whom a request names; raises CUSTOMER_MISSING or -INVALID."""
        naming = route.endpoint.customer
        customer_id = route.dialect.customer(request.headers)
        if customer_id is None and naming is Naming.REQUIRED:
            raise AppError(Code.CUSTOMER_MISSING, "The X-Customer-ID header is required")
        return customer_id

    async def stand(self, request: Request) -> None:
        """Of a request refused before it was charged, tell how its limits stand."""
        caller = request.caller
        if caller is None or not caller.subjects or request.verdict is not None:
            return
        verdict = self._admission.limiter.peek(caller.subjects)
        request.verdict = verdict if isinstance(verdict, Verdict) else await verdict

    async def project(self, caller: Caller, name: bytes) -> tuple[ProjectId, bool]:
        """The project that is named in `X-Project-ID`, and whether it counts its events."""
        project_id = ProjectId(parse("project", name.decode("latin-1")))
        if caller.project_id is not None and caller.project_id != project_id:
            raise AppError(Code.NOT_FOUND, "No project with this id")
        account_id = caller.account_id
        found = await self._services.database.read(
            lambda tx: projects.get(tx, account_id, project_id)
        )
        return found.id, found.counting

    def address(self, request: Request) -> str:
        return addresses.of(request.scope, request.headers, self._networks)


def _enrolled(tx: Tx, account_id: AccountId, identifier: str, actor: Actor, now: int) -> CustomerId:
    accounts.hold(tx, account_id)
    found = customers.find_by_identifier(tx, account_id, identifier)
    return (found or enroll.register(tx, account_id, NewCustomer(identifier), actor, now)).id
