"""The one path every API request takes, from the socket to the reply."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from time import perf_counter
from types import CoroutineType
from typing import Any

import msgspec

from gatepost.base import log
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import NO_CUSTOMER, NO_PROJECT, ProjectId
from gatepost.domains.usage.model import Metered
from gatepost.gate import once
from gatepost.gate.admit import Caller
from gatepost.gate.denials import Refusal
from gatepost.gate.once import Claim, Reply
from gatepost.gate.recent import Answered
from gatepost.signals.contract import ARRIVALS
from gatepost.web import beside, body
from gatepost.web.contract import Call, Services
from gatepost.web.door import Door
from gatepost.web.line import Channel, Lines
from gatepost.web.relay.pool import Pool
from gatepost.web.relay.road import Road, unknown
from gatepost.web.request import Request, check_target, send_reply
from gatepost.web.router import Route, Router
from gatepost.web.stream import Streams

HASHED_AT_ONCE = 2047
_encode = msgspec.json.Encoder(order="deterministic").encode


class Pipeline:
    """An ASGI application over the dialects' endpoint tables."""

    def __init__(self, services: Services, router: Router, pool: Pool) -> None:
        """Hold what every request needs."""
        self._services = services
        self._door = Door(services)
        self._relay = Road(services, self._door, pool)
        self._streams = Streams(Lines(services.draining), services.settings)
        self._router = router
        self._clock = services.clock
        self._log = log.get("web")

    async def __call__(
        self, scope: Any, receive: Any, send: Any, caller: Caller | None = None
    ) -> None:
        """Answer one HTTP request; a `caller` that is given has been authenticated already."""
        started = perf_counter()
        methods, params = self._find(scope)
        route = methods.get(scope["method"]) if methods else None
        request = Request.begin(scope, params, caller)
        if route is None and (methods or not self._is_relayed(scope)):
            await self._answer_beside(request, methods, send, started)
            return
        answer: Reply | None
        try:
            if route is None:
                request.route = unknown(self._router.dialect_of(scope["path"]))
                answer = await self._relay.answer(request, receive, send)
            else:
                request.route = route
                answer = await self._answer(route, request, receive, send)
        except body.Disconnected:
            return
        except AppError as refusal:
            await self._door.stand(request)
            answer = self._refuse(request.route, request, refusal)
        except Exception as fault:  # noqa: BLE001 # one request may fail, never the server
            self._log.exception("request failed", request_id=request.id, exc_info=fault)
            answer = self._refuse(request.route, request, AppError(Code.INTERNAL))
        if answer is None:
            return
        route = request.route
        leaving = send_reply(request, send, answer, request.headers_out(route.dialect))
        if leaving is not None:
            await leaving
        took = perf_counter() - started
        self._services.metrics.request(route.dialect.name, route.endpoint.path, answer.status, took)
        by = request.caller
        if by is None or by.operator is not None:
            return
        self._services.recent.add(by.account_id, _answered(request, by, answer, took))
        if not request.metered:
            self._meter(route, request, by, answer, took)

    async def _answer_beside(
        self, request: Request, methods: Any, send: Any, started: float
    ) -> None:
        where = (request.scope["method"], request.scope["path"])
        found = beside.answer(self._router, self._services, where, methods, request.id)
        leaving = send_reply(request, send, found.reply, request.headers_out(found.dialect))
        if leaving is not None:
            await leaving
        took = perf_counter() - started
        self._services.metrics.request(*found.place, found.reply.status, took)

    def _is_relayed(self, scope: Any) -> bool:
        return self._relay.leads(scope) and self._router.page_of(scope["path"])[1] is None

    def _find(self, scope: Any) -> Any:
        methods = self._router.exact.get(scope["path"])
        if methods is not None:
            return methods, {}
        return self._router.find(scope["path"], scope.get("raw_path") or b"")

    async def _answer(
        self, route: Route, request: Request, receive: Any, send: Any
    ) -> Reply | None:
        """The road: authenticate → authorise → throttle → parse → commit → reply."""
        endpoint = route.endpoint
        check_target(route.dialect, request.scope)
        admitted = self._door.admit(route, request)
        caller = admitted if isinstance(admitted, Caller) else await admitted
        paying = self._door.payer(route, caller, request)
        if paying is not None:
            request.payer = await paying
        # The key's own project, or the account's only one, unless another one is named.
        project, counting = caller.default_project, caller.counting
        named = request.headers.get(b"x-project-id") if endpoint.project else None
        if named is not None:
            project, counting = await self._door.project(caller, named)
        call = self._call(request, caller, project, counting=counting)
        if endpoint.project:
            call.project_id  # noqa: B018 # refuses here a key that leads to no project
        content = b""
        if endpoint.request is not None:
            limit = endpoint.limit(self._services.settings)
            content = request.arrived(limit) or await body.read(receive, request.headers, limit)
        command = endpoint.parse(call, content)
        if endpoint.about is not None:
            request.about = endpoint.about(command)
        if endpoint.writes:
            return await self._write(route, request, call, command)
        if endpoint.stream is None:
            run = endpoint.run
            reply: Reply = await self._services.database.read(lambda tx: run(tx, call, command))
            return reply
        headers = request.headers_out(route.dialect)
        channel = Channel(send, receive, request.push)
        await self._streams.send(channel, headers, partial(endpoint.stream, call, command))
        return None

    def _call(
        self, request: Request, caller: Caller, project: ProjectId | None, *, counting: bool
    ) -> Call:
        return Call(
            caller=caller,
            services=self._services,
            request_id=request.id,
            now=request.now,
            address=request.address,
            project=project,
            counting=counting,
            payer=request.payer,
            verdict=request.verdict,
            params=request.params,
            query_string=request.scope["query_string"],
            headers=request.headers,
        )

    async def _write(self, route: Route, request: Request, call: Call, command: Any) -> Reply:
        endpoint, policy = route.endpoint, route.dialect.idempotency
        key = request.headers.get(policy.header)
        if key and endpoint.idempotent:
            call.claim = _claim(route, call, key, command)
        if endpoint.recipients is not None:
            await self._post(call, endpoint.recipients(command))
        if endpoint.prepare is not None:
            prepared = endpoint.prepare(call, command)
            command = await prepared if isinstance(prepared, CoroutineType) else prepared
        database = self._services.database
        if endpoint.vector:
            item, weight = (call, command), _weight(command)
            reply: Reply = await database.submit(route.verb, item, weight, light=endpoint.light)
        else:
            reply = await database.write(lambda tx: _single(route, tx, call, command))
        request.metered = True
        request.replayed = reply.replayed
        if reply.replayed and policy.status is not None:
            reply.status = policy.status
        request.left = None if reply.replayed else call.left
        if reply.ring is not None:
            self._services.signals.ring(reply.ring)
            self._services.signals.ring(ARRIVALS)
        return reply

    async def _post(self, call: Call, recipients: int) -> None:
        """Charge a mail to its account's limits, unless this is a repetition; raises THROTTLED."""
        claim = call.claim if call.caller.mail_subjects else None
        if claim is not None:
            write = self._services.database.write
            if await write(lambda tx: once.is_known(tx, claim, call.now)):
                return
        call.posted = await self._services.admission.post(call.caller, recipients, call.now)

    def _meter(
        self, route: Route, request: Request, caller: Caller, answer: Reply, took: float
    ) -> None:
        """Note what was only read, or refused."""
        payer = request.payer
        self._services.reads.add(
            Metered(
                account_id=caller.account_id,
                customer_id=NO_CUSTOMER if payer is None else payer.customer_id,
                project_id=caller.default_project or NO_PROJECT,
                key_id=caller.key_id,
                route=route.name,
                status=answer.status,
                units=0,
                at=request.now,
                request_id=request.id,
                response_bytes=len(answer.body),
                duration_ms=round(took * 1000),
            )
        )

    def _refuse(self, route: Route, request: Request, refusal: AppError) -> Reply:
        caller = request.caller
        request.refusal = refusal
        if caller is not None:
            endpoint = route.endpoint
            about = Refusal(
                code=refusal.code,
                route=route.name,
                detail=refusal.detail,
                address=self._door.address(request),
                request_id=request.id,
                at=request.now or self._clock(),
            )
            if caller.operator is None:
                self._services.ledger.refused(caller, about)
            if endpoint.admin:
                self._services.ledger.denials.add(caller, about, endpoint.operation, request.params)
        return route.dialect.error(refusal, request.id, route.endpoint)


def _answered(request: Request, by: Caller, answer: Reply, took: float) -> Answered:
    refusal = request.refusal
    return Answered(
        request.now,
        by.key_id,
        by.key_name,
        by.project_id or by.default_project,
        request.route.name,
        answer.status,
        round(took * 1000),
        request.id,
        request.about,
        "" if refusal is None else str(refusal.code),
        "" if refusal is None else refusal.detail,
    )


def _claim(route: Route, call: Call, key: bytes, command: Any) -> Claim:
    policy = route.dialect.idempotency
    if len(key) > policy.length_max:
        raise invalid(([policy.name], f"At most {policy.length_max} characters"))
    if policy.pattern is not None and not policy.pattern.fullmatch(key):
        raise invalid(([policy.name], "Letters, digits, - and _ alone"))
    what = route.mark + _encode(call.params) if call.params else route.mark
    if call.payer is not None:
        what += call.payer.customer_id
    realm = route.endpoint.realm
    if realm is not None:
        key = realm(command) + key
    return Claim(
        call.project_id if route.endpoint.project else call.caller.account_id,
        blake2b(key, digest_size=16).digest(),
        _fingerprint(what + _encode(command) if policy.compares else what),
    )


def _fingerprint(content: bytes) -> bytes:
    """Hash in parts: from 2,048 bytes on, hashlib lets go of the interpreter, and under load the
    way back takes longer than the hashing.
    """
    digest = blake2b(content[:HASHED_AT_ONCE], digest_size=16)
    for at in range(HASHED_AT_ONCE, len(content), HASHED_AT_ONCE):
        digest.update(content[at : at + HASHED_AT_ONCE])
    return digest.digest()


def _single(route: Route, tx: Any, call: Call, command: Any) -> Reply:
    (outcome,) = route.verb(tx, [(call, command)])
    if isinstance(outcome, AppError):
        raise outcome
    reply: Reply = outcome
    return reply


def _weight(command: Any) -> int:
    return len(command) if isinstance(command, tuple) else 1
