"""The road of a relayed request: authenticate → whose route → authorise → throttle → customer →
reserve → forward → settle → pass the answer on.
"""

from __future__ import annotations

import asyncio
import contextlib
from hashlib import blake2b
from time import perf_counter
from typing import Any, NamedTuple

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import NO_CUSTOMER, NO_PROJECT
from gatepost.domains.relays import paths
from gatepost.domains.relays.model import CustomerRule, Relay
from gatepost.domains.usage.model import Metered
from gatepost.gate import books
from gatepost.gate.admit import Caller
from gatepost.gate.books import Asked, Done, Order, Reserved, Settled
from gatepost.gate.once import Claim, Reply
from gatepost.gate.relays import Found
from gatepost.gate.scopes import Scope
from gatepost.web import beside
from gatepost.web.body import Disconnected, Receive
from gatepost.web.contract import Dialect, Endpoint, Naming, Services, free
from gatepost.web.door import Door
from gatepost.web.relay import headers, parcel, passing, signing
from gatepost.web.relay.answer import Answer
from gatepost.web.relay.parcel import Content, Target
from gatepost.web.relay.pool import Pool
from gatepost.web.request import Request, check_target
from gatepost.web.router import Route

MARGIN_MS = 10_000
"""How much longer a reservation stands than the upstream may take."""
UPLOAD_MS = 60_000
"""What is added while the client still sends."""
FAULTY = frozenset({Code.INVALID, Code.UNSUPPORTED_TYPE})
PLACE = "relay"
"""What stands for all relayed paths in the metrics: there may be any number of them."""

NAMING = {
    CustomerRule.IGNORED: Naming.IGNORED,
    CustomerRule.OPTIONAL: Naming.OPTIONAL,
    CustomerRule.REQUIRED: Naming.REQUIRED,
}


class Journey(NamedTuple):
    """One request, admitted and addressed."""

    request: Request
    caller: Caller
    secret: str
    relay: Relay
    target: Target
    content: Content
    order: Order


class Road:
    """Answers where no endpoint does, but somebody has a route."""

    def __init__(self, services: Services, door: Door, pool: Pool) -> None:
        """Hold what every request needs."""
        self._services = services
        self._door = door
        self._pool = pool
        self._limit = services.settings.relay_bytes_max
        self._stall_s = services.settings.stream_stall_s

    def leads(self, scope: Any) -> bool:
        """Whether anybody has a route for a path."""
        relays = self._services.relays
        return len(relays) > 0 and relays.knows(_raw(scope))

    async def answer(self, request: Request, receive: Receive, send: Any) -> Reply | None:
        """Carry a request there and its answer back; raises AppError and Disconnected.

        Returns what is left to be sent: that the account has no such route.
        """
        started = perf_counter()
        dialect = request.route.dialect
        check_target(dialect, request.scope)
        caller = await self._door.identify(dialect, request)
        found = self._find(caller, request)
        if not isinstance(found, Found):
            request.metered = True  # to be nowhere is no usage
            where = (request.scope["method"], request.scope["path"])
            return beside.nowhere(dialect, where, found, request.id)
        journey = await self._admit(request, caller, found, receive)
        upload = journey.content.upload
        reserved = await self._reserve(journey)
        leaving = asyncio.ensure_future(upload.left())
        try:
            got = await self._forward(journey, reserved, leaving)
            try:
                await self._settle(journey, reserved, got, perf_counter() - started)
                await passing.reply(request, got, send, leaving, self._stall_s)
            finally:
                got.close()
        finally:
            leaving.cancel()
        took = perf_counter() - started
        self._services.metrics.request(dialect.name, PLACE, got.status, took)
        return None

    async def _admit(
        self, request: Request, caller: Caller, found: Found, receive: Receive
    ) -> Journey:
        dialect, scope, relay = request.route.dialect, request.scope, found.relay
        request.route = route_of(dialect, relay, scope["method"])
        await self._door.enter(request.route, caller, request)
        paying = self._door.payer(request.route, caller, request)
        if paying is not None:
            request.payer = await paying
        secret = dialect.api_key(request.headers, scope["query_string"]) or ""
        target = parcel.target(found, headers.query_onward(scope["query_string"], secret))
        try:
            content = await parcel.content(request, relay, receive, self._limit)
        except AppError as fault:
            raise await self._sooner(request, caller, fault) from None
        takes = books.takes(caller, request.payer, content.units, request.now)
        claim = _claim(dialect, caller, request, target)
        order = Order(ids.new(), caller.account_id, takes, claim, request.now)
        return Journey(request, caller, secret, relay, target, content, order)

    async def _sooner(self, request: Request, caller: Caller, fault: AppError) -> AppError:
        """What is told of a faulty body: that, or what the dialect tells before it."""
        if not request.route.dialect.quota_first or fault.code not in FAULTY:
            return fault
        takes = books.takes(caller, request.payer, 1, request.now)
        if all(take.limit is None for take in takes):
            return fault
        now, read = request.now, self._services.database.read
        return await read(lambda tx: books.spent(tx, takes, now)) or fault

    def _find(self, caller: Caller, request: Request) -> Found | set[str]:
        """The account's own route, or the methods it has there. A path that a server could take
        for a way up leads nowhere.
        """
        method, raw = request.scope["method"], _raw(request.scope)
        found = self._services.relays.find(caller.account_id, method, raw)
        if isinstance(found, Found) and not paths.is_safe(found.values.values()):
            return set()
        return found

    async def _reserve(self, journey: Journey) -> Reserved | None:
        """Take what quotas must have room for, before anything is done."""
        order = journey.order
        if not order.is_limited:
            return None
        more = UPLOAD_MS if journey.content.is_coming else 0
        ends_at = order.now + journey.relay.timeout_ms + MARGIN_MS + more
        asked, submit = Asked(order, ends_at), self._services.database.submit
        reserved: Reserved = await submit(books.reserve, asked, light=True)
        return reserved

    async def _forward(
        self, journey: Journey, reserved: Reserved | None, leaving: asyncio.Future[None]
    ) -> Answer:
        try:
            return await self._ask(journey, leaving)
        except Exception:
            if reserved is not None and not reserved.repeat:
                with contextlib.suppress(AppError):  # it ends by itself
                    order = journey.order
                    await self._services.database.write(lambda tx: books.release(tx, order))
            raise

    async def _ask(self, journey: Journey, leaving: asyncio.Future[None]) -> Answer:
        """Wait for the head of the answer, as long as the client does.

        Raises UPSTREAM_FAILED, UPSTREAM_TIMEOUT, Disconnected, and what the body was refused for.
        """
        upload = journey.content.upload
        asking = asyncio.ensure_future(self._send(journey))
        try:
            async with asyncio.timeout(None) as deadline:
                upload.press(deadline, journey.relay.timeout_ms / 1000)
                return await _first(asking, leaving)
        except BaseException as fault:
            await _abandon(asking)
            if isinstance(fault, TimeoutError):
                late = AppError(Code.UPSTREAM_TIMEOUT, "The upstream did not answer in time")
                raise late from None
            if upload.fault is not None:
                raise upload.fault from None
            raise
        finally:
            upload.press(None)

    async def _send(self, journey: Journey) -> Answer:
        upstreams = await self._pool.open()
        request, relay, content = journey.request, journey.relay, journey.content
        services = self._services
        signed = signing.secret_of(services.pepper, journey.caller.account_id)
        about = parcel.identity(request, journey.target, signed, request.now)
        address = self._door.address(request)
        sent = parcel.all_headers(request, content, journey.secret, about, address)
        method, url = request.scope["method"], journey.target.url
        return await upstreams.ask(method, url, sent, content.data, trusted=relay.trusted)

    async def _settle(
        self, journey: Journey, reserved: Reserved | None, got: Answer, took_s: float
    ) -> None:
        """Charge and meter by what the upstream says, before the client hears of it."""
        request, caller, payer = journey.request, journey.caller, journey.request.payer
        metered = Metered(
            account_id=caller.account_id,
            customer_id=NO_CUSTOMER if payer is None else payer.customer_id,
            project_id=caller.default_project or NO_PROJECT,
            key_id=caller.key_id,
            route=request.route.name,
            status=got.status,
            units=journey.content.units,
            at=request.now,
            request_id=request.id,
            response_bytes=passing.length_of(got),
            duration_ms=round(took_s * 1000),
        )
        done, submit = Done(journey.order, reserved, metered), self._services.database.submit
        settled: Settled = await submit(books.settle, done, light=True)
        request.left = settled.left
        request.metered = True


def unknown(dialect: Dialect) -> Route:
    """Stands for a dialect's routes until it is known which one is meant."""
    return _route(dialect, PLACE, Scope.DATA_WRITE, "ANY", Naming.IGNORED)


def route_of(dialect: Dialect, relay: Relay, method: str) -> Route:
    """A declared route as the rest of the program knows routes."""
    name = f"{method} {relay.path}"
    return _route(dialect, name, Scope(relay.scope), method, NAMING[relay.customer])


def _route(dialect: Dialect, name: str, scope: Scope, method: str, naming: Naming) -> Route:
    endpoint = Endpoint(
        operation="relay",
        method=method,
        path=PLACE,
        scope=scope,
        summary="",
        tag="Relays",
        parse=_never,
        run=_never,
        charge=free,
        writes=True,
        response=None,
        customer=naming,
    )
    return Route(dialect, endpoint, name, _never, b"")


def _never(*_: Any) -> Any:
    """Nothing is run here: the upstream does the work."""
    raise AppError(Code.INTERNAL)


def _claim(dialect: Dialect, caller: Caller, request: Request, sent: Target) -> Claim | None:
    """An idempotency key counts for one customer, method and target. What was sent is not
    compared: it may have been forwarded unread.
    """
    policy = dialect.idempotency
    key = request.headers.get(policy.header)
    if not key:
        return None
    if len(key) > policy.length_max:
        name = policy.header.decode().title()
        raise invalid(([name], f"At most {policy.length_max} characters"))
    customer = NO_CUSTOMER if request.payer is None else request.payer.customer_id
    what = f"relay\n{request.scope['method']} {sent.url}\n".encode()
    digest = blake2b(what + customer + key, digest_size=16).digest()
    return Claim(caller.account_id, digest, digest)


def _raw(scope: Any) -> str:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1")


async def _first(asking: asyncio.Future[Answer], leaving: asyncio.Future[None]) -> Answer:
    """The answer; raises Disconnected if the client leaves before it is there."""
    both: set[asyncio.Future[Any]] = {asking, leaving}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not asking.done():
        raise Disconnected
    return asking.result()


async def _abandon(asking: asyncio.Future[Answer]) -> None:
    """End what nobody waits for any more, and hang up should it have succeeded meanwhile."""
    asking.cancel()
    await asyncio.wait({asking})
    if not asking.cancelled() and asking.exception() is None:
        asking.result().close()
