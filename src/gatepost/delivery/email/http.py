"""Providers over HTTP: what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Any, NamedTuple, Protocol

import msgspec

from gatepost.delivery.email.letter import Carried, Letter
from gatepost.delivery.safehttp import Answer, Failed, SafeHttp
from gatepost.delivery.webhook import retry_after_ms
from gatepost.domains.mailers.model import Mailer
from gatepost.domains.outbox.model import Fault, Outcome

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
AGENT = {"User-Agent": "Gatepost/1.0"}
LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
AUTHORISATION = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class Request(NamedTuple):
    """A POST that sends a mail."""

    url: str
    headers: dict[str, str]
    body: bytes


class Account(NamedTuple):
    """A mailer, and what its provider knows it by."""

    mailer: Mailer
    secret: str
    now: Callable[[], int]


class Provider(Protocol):
    """How one provider is spoken to."""

    async def request(self, letter: Letter, account: Account) -> Request:
        """Write a letter in its words."""
        ...

    def error(self, body: Any) -> str:
        """What its answer says in words, empty where it says nothing."""
        ...

    def bounced(self, body: Any) -> bool:
        """Whether it sends nothing to this recipient because there is none."""
        ...


class Http:
    """A carrier by way of a provider."""

    def __init__(self, http: SafeHttp, provider: Provider, account: Account) -> None:
        """Hold the way out."""
        self.via = account.mailer.kind.value
        self._http = http
        self._provider = provider
        self._account = account

    async def carry(self, letter: Letter) -> Carried:
        """Try once."""
        began = monotonic()
        request = await self._provider.request(letter, self._account)
        try:
            headers = {**AGENT, **request.headers}
            answer = await self._http.ask("POST", request.url, headers, request.body)
        except Failed as failed:
            return Carried(self._unanswered(letter, failed, began))
        return self._read(letter, answer, began)

    def _read(self, letter: Letter, answer: Answer, began: float) -> Carried:
        body = _json(answer.text)
        took, ok = _since(began), answer.status in range(200, 300)
        outcome = Outcome(
            ok=ok,
            status=answer.status,
            duration_ms=took,
            fault=None if ok else Fault.STATUS,
            error=None if ok else self._words(answer, body),
            headers=letter.shown(),
            response=answer.text,
            via=self.via,
            retry_after_ms=retry_after_ms(answer.headers.get("retry-after"), self._account.now()),
            reached=answer.status not in LATER and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR,
            permanent=not ok and is_permanent(answer.status),
        )
        return Carried(outcome, not ok and self._provider.bounced(body))

    def _words(self, answer: Answer, body: Any) -> str:
        said = self._provider.error(body) if isinstance(body, dict) else ""
        return f"{answer.status} - {said}" if said else f"Request failed with {answer.status}"

    def _unanswered(self, letter: Letter, failed: Failed, began: float) -> Outcome:
        return Outcome(
            ok=False,
            duration_ms=_since(began),
            fault=failed.fault,
            error=str(failed),
            headers=letter.shown(),
            via=self.via,
            reached=False,
        )


def is_permanent(status: int) -> bool:
    """Whether the same request would be answered the same again; a key can be set right."""
    client = range(400, 500)
    return status in client and status not in LATER and status not in AUTHORISATION


def base(account: Account, own: str) -> str:
    """Where a provider is."""
    return (account.mailer.url or own).rstrip("/")


def encode(body: object) -> bytes:
    """Write JSON; bytes become base64."""
    return msgspec.json.encode(body)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)
