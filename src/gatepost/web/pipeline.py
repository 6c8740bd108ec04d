"""The one path every API request takes, from the socket to the reply."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from time import perf_counter
from typing import Any

import msgspec
import uuid_utils

from gatepost.base import log
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import ProjectId, parse
from gatepost.domains.projects import store as projects
from gatepost.gate.admit import Caller
from gatepost.gate.denials import Refusal
from gatepost.gate.once import Claim, Reply
from gatepost.limiter.contract import Verdict
from gatepost.web import address, body
from gatepost.web.contract import Call, Dialect, Endpoint, Header, Services
from gatepost.web.protocol import EXTENSION, Exchange
from gatepost.web.router import Route, Router
from gatepost.web.stream import Channel, send_stream

JSON: Header = (b"content-type", b"application/json")
HASHED_AT_ONCE = 2047
_encode = msgspec.json.Encoder(order="deterministic").encode


class Pipeline:
    """An ASGI application over the dialects' endpoint tables."""

    def __init__(self, services: Services, router: Router) -> None:
        """Hold what every request needs."""
        self._services = services
        self._admission = services.admission
        self._router = router
        self._networks = services.settings.networks()
        self._clock = services.clock
        self._log = log.get("web")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one HTTP request."""
        started = perf_counter()
        methods, params = self._find(scope)
        route = methods.get(scope["method"]) if methods else None
        request = Request(scope, params)
        if route is None:
            reply = self._nowhere(scope, methods, request)
            await _send(request, send, reply, request.headers_out())
            self._services.metrics.request("none", "none", reply.status, perf_counter() - started)
            return
        answer: Reply | None
        try:
            answer = await self._answer(route, request, receive, send)
        except body.Disconnected:
            return
        except AppError as refusal:
            await self._stand(request)
            answer = self._refuse(route, request, refusal)
        except Exception as fault:  # noqa: BLE001 # one request may fail, never the server
            self._log.exception("request failed", request_id=request.id, exc_info=fault)
            answer = self._refuse(route, request, AppError(Code.INTERNAL))
        if answer is None:
            return
        await _send(request, send, answer, request.headers_out(route.dialect))
        self._services.metrics.request(
            route.dialect.name, route.endpoint.path, answer.status, perf_counter() - started
        )

    def _find(self, scope: Any) -> Any:
        methods = self._router.exact.get(scope["path"])
        if methods is not None:
            return methods, {}
        return self._router.find(scope["path"], scope.get("raw_path") or b"")

    async def _answer(
        self, route: Route, request: Request, receive: Any, send: Any
    ) -> Reply | None:
        """The road: authenticate → authorise → throttle → parse → commit → reply."""
        endpoint, settings = route.endpoint, self._services.settings
        caller = await self._admit(route, request)
        call = self._call(request, caller, await self._project(endpoint, caller, request))
        if endpoint.project:
            call.project_id  # noqa: B018 # refuses here a key that leads to no project
        content = b""
        if endpoint.request is not None:
            limit = settings.batch_bytes_max if endpoint.batch else settings.body_bytes_max
            content = request.arrived(limit) or await body.read(receive, request.headers, limit)
        command = endpoint.parse(call, content)
        if endpoint.writes:
            return await self._write(route, request, call, command)
        if endpoint.stream is None:
            run = endpoint.run
            reply: Reply = await self._services.database.read(lambda tx: run(tx, call, command))
            return reply
        headers = request.headers_out(route.dialect)
        channel = Channel(send, receive, self._services.draining)
        await send_stream(channel, headers, endpoint.stream(call, command), settings)
        return None

    async def _admit(self, route: Route, request: Request) -> Caller:
        """Through the first door. A known caller of a limiter in memory never waits here."""
        secret = route.dialect.api_key(request.headers, request.scope["query_string"])
        caller = self._admission.known(secret) if secret else None
        if caller is None:
            caller = await self._authenticate(secret, request)
        request.caller = caller
        request.now = self._clock()
        if caller.networks or route.endpoint.admin:
            request.address = self._address(request)
        self._admission.authorise(caller, route.endpoint.scope, request.address)
        self._services.ledger.used(caller, request.now)
        if caller.subjects:
            await self._throttle(route, caller, request)
        return caller

    def _call(self, request: Request, caller: Caller, project: ProjectId | None) -> Call:
        return Call(
            caller=caller,
            services=self._services,
            request_id=request.id,
            now=request.now,
            address=request.address,
            project=project,
            verdict=request.verdict,
            params=request.params,
            query_string=request.scope["query_string"],
            headers=request.headers,
        )

    async def _write(self, route: Route, request: Request, call: Call, command: Any) -> Reply:
        key = request.headers.get(route.dialect.idempotency.header)
        if key:
            call.claim = _claim(route, call, key, command)
        database = self._services.database
        if route.endpoint.vector:
            reply: Reply = await database.submit(route.verb, (call, command), _weight(command))
        else:
            reply = await database.write(lambda tx: _single(route, tx, call, command))
        request.replayed = reply.replayed
        if reply.ring is not None:
            self._services.signals.ring(reply.ring)
        return reply

    async def _authenticate(self, secret: str | None, request: Request) -> Caller:
        if secret is not None:
            caller = await self._admission.authenticate(secret)
            if caller is not None:
                return caller
        self._services.metrics.add("gatepost_unknown_keys")
        raise await self._admission.unknown(self._address(request))

    async def _throttle(self, route: Route, caller: Caller, request: Request) -> None:
        lenient = not route.endpoint.writes
        verdict = self._admission.limiter.hit(caller.subjects, lenient=lenient)
        if not isinstance(verdict, Verdict):
            verdict = await verdict
        request.verdict = verdict
        if not verdict.admitted:
            raise AppError(
                Code.THROTTLED,
                "Too many requests. Please try again later.",
                retry_after_s=verdict.retry_after_s,
            )

    async def _stand(self, request: Request) -> None:
        """Of a request refused before it was charged, tell how its limits stand."""
        caller = request.caller
        if caller is None or not caller.subjects or request.verdict is not None:
            return
        verdict = self._admission.limiter.peek(caller.subjects)
        request.verdict = verdict if isinstance(verdict, Verdict) else await verdict

    async def _project(
        self, endpoint: Endpoint, caller: Caller, request: Request
    ) -> ProjectId | None:
        """The project that is meant: the key's own, the one named, or the account's only one."""
        name = request.headers.get(b"x-project-id") if endpoint.project else None
        if name is None:
            return caller.project_id or caller.default_project
        project_id = ProjectId(parse("project", name.decode("latin-1")))
        if caller.project_id is not None and caller.project_id != project_id:
            raise AppError(Code.NOT_FOUND, "No project with this id")
        account_id = caller.account_id
        found = await self._services.database.read(
            lambda tx: projects.get(tx, account_id, project_id)
        )
        return found.id

    def _address(self, request: Request) -> str:
        return address.of(request.scope, request.headers, self._networks)

    def _refuse(self, route: Route, request: Request, refusal: AppError) -> Reply:
        caller = request.caller
        if caller is not None:
            endpoint = route.endpoint
            about = Refusal(
                code=refusal.code,
                route=f"{endpoint.method} {endpoint.path}",
                detail=refusal.detail,
                address=self._address(request),
                request_id=request.id,
                at=request.now or self._clock(),
            )
            self._services.ledger.refused(caller, about)
            if endpoint.admin:
                self._services.ledger.denials.add(caller, about, endpoint.operation, request.params)
        return route.dialect.error(refusal, request.id, route.endpoint)

    def _nowhere(self, scope: Any, methods: Any, request: Request) -> Reply:
        dialect = self._router.dialect_of(scope["path"])
        if not methods:
            return dialect.error(AppError(Code.NOT_FOUND, "No such path"), request.id, None)
        allowed = ", ".join(sorted(methods))
        refusal = AppError(Code.METHOD_NOT_ALLOWED, f"Use {allowed}", extra={"allow": allowed})
        return dialect.error(refusal, request.id, None)


class Request:
    """What is learnt of a request on its way, so that a refusal can still tell it."""

    __slots__ = (
        "address",
        "caller",
        "exchange",
        "headers",
        "id",
        "now",
        "params",
        "replayed",
        "scope",
        "verdict",
    )

    def __init__(self, scope: Any, params: Mapping[str, str]) -> None:
        self.scope = scope
        extensions = scope.get("extensions")
        self.exchange: Exchange | None = extensions.get(EXTENSION) if extensions else None
        self.params = params
        self.id = str(uuid_utils.uuid4())
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.address = client[0] if (client := scope.get("client")) else ""
        self.caller: Caller | None = None
        self.verdict: Verdict | None = None
        self.now = 0
        self.replayed = False

    def arrived(self, limit: int) -> bytes | None:
        """The body, decompressed, if it is here already; raises as `body.read` does."""
        whole = None if self.exchange is None else self.exchange.body()
        return None if whole is None else body.settle(whole, self.headers, limit)

    def headers_out(self, dialect: Dialect | None = None) -> list[Header]:
        """The headers every reply to this request carries."""
        headers = [JSON, (b"x-request-id", self.id.encode())]
        if dialect is not None and self.verdict is not None and self.verdict.standings:
            headers += dialect.throttle.headers(self.verdict, self.now)
        if dialect is not None and self.replayed:
            headers.append(dialect.idempotency.replay)
        return headers


def _claim(route: Route, call: Call, key: bytes, command: Any) -> Claim:
    policy = route.dialect.idempotency
    if len(key) > policy.length_max:
        name = policy.header.decode().title()
        raise invalid(([name], f"At most {policy.length_max} characters"))
    what = route.mark + _encode(call.params) if call.params else route.mark
    return Claim(
        call.project_id if route.endpoint.project else call.caller.account_id,
        blake2b(key, digest_size=16).digest(),
        _fingerprint(what + _encode(command)),
    )


def _fingerprint(content: bytes) -> bytes:
    """Hash in parts: from 2,048 bytes on, hashlib lets go of the interpreter, and under load the
    way back takes longer than the hashing.
    """
    digest = blake2b(digest_size=16)
    for at in range(0, len(content), HASHED_AT_ONCE):
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


async def _send(request: Request, send: Any, reply: Reply, headers: list[Header]) -> None:
    own = reply.headers
    if own:
        names = {name for name, _ in own}
        headers = [one for one in headers if one[0] not in names] + list(own)
    headers.append((b"content-length", b"%d" % len(reply.body)))
    # A header that a handler has made is left to the server to check.
    exchange = None if own else request.exchange
    if exchange is not None and exchange.reply(reply.status, headers, reply.body):
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
