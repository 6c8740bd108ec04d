"""The dashboard's own client of the native API: the same road as a request over HTTP takes, without
the socket, and with a caller in the place of a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

import msgspec

from gatepost.base.errors import Code
from gatepost.gate.admit import Caller
from gatepost.web.pipeline import Pipeline
from gatepost.web.protocol import EXTENSION, PUSH

OK_MAX = 299
JSON = b"application/json"
PASSED_ON = frozenset({b"x-forwarded-for", b"user-agent", b"accept-language"})
"""Headers of the visitor's own request that the API may see, beside what a call needs."""

Value = str | int | bool | Iterable[str] | None
Query = Mapping[str, Value]


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with one field: `path` leads to it from the body's root."""

    path: tuple[str | int, ...]
    message: str

    @property
    def name(self) -> str:
        """The path as a form names it: `limits.0.seconds`."""
        return ".".join(str(part) for part in self.path)


class Refused(Exception):  # noqa: N818 # as the API calls it
    """The API said no. `detail` is for people; `fields` is what it found wrong in a body."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        fields: tuple[Problem, ...] = (),
        request_id: str = "",
    ) -> None:
        """Hold what was answered."""
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.request_id = request_id


class Answer(msgspec.Struct):
    """A whole reply: `headers` in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Page(msgspec.Struct, frozen=True):
    """A page of a list: its items, and the cursor of the next one."""

    items: list[Any]
    next: str | None


class Api:
    """The native API as one member of one account sees it, within one project."""

    def __init__(self, pipeline: Pipeline, caller: Caller, scope: Any, project: str | None) -> None:
        """Ask on behalf of the visitor whose request `scope` is."""
        self._pipeline = pipeline
        self._caller = caller
        self._scope = scope
        self._project = project

    def within(self, project: str | None) -> Api:
        """The same for another project, by its id."""
        return Api(self._pipeline, self._caller, self._scope, project)

    def may(self, scope: str) -> bool:
        """Whether the visitor's role grants a scope; what it does not is not shown."""
        return scope in self._caller.scopes

    async def get(self, path: str, query: Query | None = None) -> Any:
        """Read something: the reply's `data`. Raises Refused."""
        return _data(await self.ask("GET", path, query))

    async def page(self, path: str, member: str, query: Query | None = None) -> Page:
        """Read a page of a list, whose items are in that member. Raises Refused."""
        found = await self.get(path, query)
        return Page(found[member], found.get("nextCursor"))

    async def send(
        self, method: str, path: str, body: Any = None, *, once: str | None = None
    ) -> Any:
        """Change something: the reply's `data`. `once` names this change, so that a form that is
        sent again changes nothing more. Raises Refused.
        """
        return _data(await self.ask(method, path, body=body, once=once))

    async def ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        body: Any = None,
        once: str | None = None,
        accept: str = "",
    ) -> Answer:
        """Make one call; whatever its status, this is the reply. Files come this way."""
        content = b"" if body is None else msgspec.json.encode(body)
        headers = [(b"content-length", b"%d" % len(content))]
        if body is not None:
            headers.append((b"content-type", JSON))
        if once:
            headers.append((b"idempotency-key", once.encode()))
        if accept:
            headers.append((b"accept", accept.encode()))
        kept = _Kept(content)
        scope = self._like(method, path, encode(query or {}), headers)
        await self._pipeline(scope, kept.receive, kept.send, caller=self._caller)
        return kept.answer()

    async def pass_on(
        self, path: str, query: bytes, receive: Any, send: Any, extra: Iterable[bytes] = ()
    ) -> None:
        """Hand the visitor's own request over as it is, to another path: for streams and scripts.

        `extra` are names of further headers that go with it.
        """
        names = {b"content-type", b"content-length", b"content-encoding", b"accept", *extra}
        headers = [one for one in self._scope["headers"] if one[0] in names]
        scope = self._like(self._scope["method"], path, query, headers)
        exchange = (self._scope.get("extensions") or {}).get(EXTENSION)
        if exchange is not None:
            scope["extensions"] = {PUSH: exchange.push}
        await self._pipeline(scope, receive, send, caller=self._caller)

    def _like(
        self, method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]]
    ) -> dict[str, Any]:
        """A scope as the server would have made it of such a request."""
        own = [one for one in self._scope["headers"] if one[0] in PASSED_ON]
        if self._project is not None:
            own.append((b"x-project-id", self._project.encode()))
        return {
            "type": "http",
            "method": method,
            "scheme": self._scope["scheme"],
            "http_version": self._scope["http_version"],
            "server": self._scope.get("server"),
            "client": self._scope.get("client"),
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query,
            "headers": own + headers,
        }


class _Kept:
    """Both ends of a call: the body that is read, the reply that is written."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._read = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        if self._read:
            await asyncio.Event().wait()  # it stays for as long as the call takes
        self._read = True
        return {"type": "http.request", "body": self._content, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            pairs = message["headers"]
            self._headers = {name.decode(): value.decode("latin-1") for name, value in pairs}
        else:
            self._parts.append(message.get("body", b""))

    def answer(self) -> Answer:
        return Answer(self._status, self._headers, b"".join(self._parts))


def at(path: str, *segments: str) -> str:
    """A path of the API with names from outside in it: `at("/v1/people", user_id, "events")`."""
    return "/".join([path, *(quote(one, safe="") for one in segments)])


def encode(query: Query) -> bytes:
    """Write a query: None and "" are left out, a list is repeated."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if isinstance(value, bool):
            pairs.append((name, str(value).lower()))
        elif isinstance(value, str | int):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs += [(name, one) for one in value]
    return urlencode([pair for pair in pairs if pair[1] != ""]).encode()


def _data(answer: Answer) -> Any:
    if answer.status > OK_MAX:
        raise refusal(answer)
    return msgspec.json.decode(answer.body)["data"] if answer.body else None


def refusal(answer: Answer) -> Refused:
    """What a reply refuses, and why."""
    told = msgspec.json.decode(answer.body)
    fields = tuple(Problem(tuple(one["path"]), one["message"]) for one in told.get("details", ()))
    code, request_id = told.get("code", Code.INTERNAL), told.get("requestId", "")
    return Refused(answer.status, code, told.get("message", ""), fields, request_id)
