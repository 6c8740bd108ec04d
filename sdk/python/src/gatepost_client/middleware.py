"""The gate in front of an ASGI app: every HTTP request is checked before the app sees it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection
from functools import partial
from typing import Literal, TypeAlias, TypeVar

from gatepost_client.admission import Admission, Bounds
from gatepost_client.asgi import App, Receive, Scope, Send, header
from gatepost_client.batching import INVALID
from gatepost_client.calls import check_access
from gatepost_client.client import AsyncGateClient
from gatepost_client.errors import RefusedError, UnavailableError
from gatepost_client.lifespan import Lifespan
from gatepost_client.refusals import (
    CHECK_INVALID,
    KEY_MISSING,
    UNAVAILABLE,
    Refusal,
    of_verdict,
    problem,
    rate_headers,
    refusal,
    refusal_headers,
    with_headers,
)
from gatepost_client.routes import path_template
from gatepost_client.wire import Check, Verdict

T = TypeVar("T")
Text: TypeAlias = str | Callable[[Scope], str | None] | None
UNVERIFIED = Verdict(allowed=True, verified=False)


def key_of(scope: Scope) -> str | None:
    """The key in `Authorization: Bearer`, else in `X-API-Key`; None without one."""
    scheme, _, key = (header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return (header(scope, b"x-api-key") or "").strip() or None


class GateMiddleware:
    """Lets a request through to `app` if Gatepost says that its key may.

    `url` and `api_key` lead to Gatepost; the API key needs the scope `gate:check`. What is checked:
    `key` finds the key of the request; `scope`, `route`, `cost` and `customer` are constants or
    functions of the ASGI scope, `route` by default the path template. `exempt` is paths, or a
    function that is true for what passes unchecked. Websockets are not checked.

    `cache_s` is how long, in seconds, a verdict may be used again, at most `cache_entries` of
    them, with at most `pending_max` uses uncharged; 0 asks Gatepost every time. A request waits at
    most `timeout_s` seconds; without a verdict it is refused, or passes if `on_unavailable` says
    so. `render` makes an ASGI app (a Starlette response is one) from a refusal.
    """

    def __init__(  # noqa: PLR0913 - options by name, most of them with a default
        self,
        app: App,
        *,
        url: str,
        api_key: str,
        key: Callable[[Scope], str | None] = key_of,
        scope: Text = None,
        route: Text = None,
        cost: int | Callable[[Scope], int] = 1,
        customer: Text = None,
        cache_s: float = 1.0,
        cache_entries: int = 10_000,
        pending_max: int = 1_000,
        on_unavailable: Literal["refuse", "allow"] = "refuse",
        exempt: Collection[str] | Callable[[Scope], bool] = (),
        timeout_s: float = 2.0,
        trust: ssl.SSLContext | None = None,
        render: Callable[[Refusal], App] = problem,
    ) -> None:
        if on_unavailable not in {"refuse", "allow"}:
            raise ValueError('on_unavailable is "refuse" or "allow"')
        check_access(url, api_key)
        self.app = app
        self._key = key
        self._scope = scope
        self._route: Text = partial(path_template, app=app) if route is None else route
        self._cost = cost
        self._customer = customer
        self._exempt = exempt
        self._lenient = on_unavailable == "allow"
        self._render = render
        self._bounds = Bounds(cache_s, cache_entries, pending_max, timeout_s)
        self._client = partial(AsyncGateClient, url, api_key, timeout_s=timeout_s, trust=trust)
        self._admission: Admission | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check HTTP requests; websockets go on to the app, the lifespan is watched."""
        if scope["type"] == "lifespan":
            await Lifespan(self.app, self.aclose).run(scope, receive, send)
        elif scope["type"] != "http" or self._is_exempt(scope):
            await self.app(scope, receive, send)
        else:
            await self._gate(scope, receive, send)

    async def aclose(self) -> None:
        """Charge what is owed and close the connections; the lifespan's end does it."""
        admission, self._admission = self._admission, None
        if admission is not None and self._loop is asyncio.get_running_loop():
            await admission.aclose()

    async def _gate(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome = await self._decide(scope)
        if isinstance(outcome, Refusal):
            send = with_headers(send, refusal_headers(outcome))
            await self._render(outcome)(scope, receive, send)
            return
        scope["gatepost"] = outcome
        scope.setdefault("state", {})["gatepost"] = outcome
        headers = rate_headers(outcome)
        await self.app(scope, receive, with_headers(send, headers) if headers else send)

    async def _decide(self, scope: Scope) -> Verdict | Refusal:
        key = self._key(scope)
        if not key:
            return refusal(KEY_MISSING, "Send your key as `Authorization: Bearer <key>`")
        try:
            verdict = await (await self._here()).admit(self._check(key, scope))
        except RefusedError as error:
            return _not_checked(error)
        except UnavailableError:
            if self._lenient:
                return UNVERIFIED
            return refusal(UNAVAILABLE, "Keys cannot be checked at the moment", 1)
        return verdict if verdict.allowed else of_verdict(verdict)

    def _check(self, key: str, scope: Scope) -> Check:
        return Check(
            key=key,
            scope=_value(self._scope, scope),
            route=_value(self._route, scope),
            cost=_value(self._cost, scope),
            customer=_value(self._customer, scope),
        )

    def _is_exempt(self, scope: Scope) -> bool:
        return self._exempt(scope) if callable(self._exempt) else scope["path"] in self._exempt

    async def _here(self) -> Admission:
        """The gate of the running event loop, made when it is first needed: after a fork, and in
        the loop that it will be used in.
        """
        loop = asyncio.get_running_loop()
        if self._admission is None or self._loop is not loop:
            self._admission = admission = Admission(self._client(), self._bounds)
            self._loop = loop
            await admission.open()
        return self._admission


def _value(given: T | Callable[[Scope], T], scope: Scope) -> T:
    return given(scope) if callable(given) else given


def _not_checked(error: RefusedError) -> Refusal:
    """Gatepost refused to check. That is never let through: a client might have made it so."""
    if error.status in INVALID:
        return refusal(CHECK_INVALID, "Gatepost finds the check of this request invalid")
    return refusal(UNAVAILABLE, "Keys cannot be checked at the moment", 1)
