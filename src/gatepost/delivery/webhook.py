"""Webhooks: a request to a managed endpoint, or to a URL that came with its message."""

from __future__ import annotations

import email.utils
import re
from datetime import UTC
from http import HTTPStatus
from time import monotonic
from typing import NamedTuple

import msgspec

from gatepost.base import ids
from gatepost.base.clock import Clock
from gatepost.base.ids import EndpointId
from gatepost.base.vault import Damaged
from gatepost.delivery import signing
from gatepost.delivery.safehttp import Answer, Failed, SafeHttp
from gatepost.domains.endpoints import store as endpoints
from gatepost.domains.endpoints.model import Endpoint, EndpointStatus, Secret, Shape, is_ours
from gatepost.domains.outbox.model import Fault, Outcome
from gatepost.domains.webhooksecrets import store as webhooksecrets
from gatepost.engine.compose.webhook import Address
from gatepost.engine.enlist import Safe
from gatepost.engine.jobs import Job
from gatepost.engine.sign import Ring
from gatepost.storage.db import Database

UNREACHED = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524})
CLIENT_ERRORS = range(400, 500)
REDIRECTS = range(300, 400)
SUCCESS = range(200, 300)
HIDDEN = "…"
JSON = "application/json"
FRESH_MS = 1000
SEEN_MAX = 10_000
DIGITS_MAX = 9
AFTER_MS_MAX = 1_000_000_000_000
_SECONDS = re.compile(r"[0-9]+")

_decode_address = msgspec.json.Decoder(Address).decode


class Letter(NamedTuple):
    """A request, ready but for its signature. Its shape's own one goes with it where that is one of
    the `vendors`.
    """

    method: str
    url: str
    own: dict[str, str]
    shape: Shape
    secrets: list[str]
    body: bytes
    vendors: bool = True


class Webhooks:
    """Sends webhooks."""

    def __init__(self, http: SafeHttp, pepper: bytes, clock: Clock, database: Database) -> None:
        """Hold what opens the sealed, and the way out."""
        self._http = http
        self._database = database
        self._seen: dict[EndpointId, tuple[int, Endpoint | None]] = {}
        self._pepper = pepper
        self._safe = Safe(pepper)
        self._ring = Ring(pepper)
        self._clock = clock

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()

    async def send(self, job: Job) -> Outcome:
        """Try once."""
        began = monotonic()
        try:
            letter = self._letter(await self._fresh(job))
        except (Damaged, msgspec.MsgspecError) as fault:
            return Outcome(ok=False, fault=Fault.CONFIGURATION, error=str(fault), permanent=True)
        if isinstance(letter, Outcome):
            return letter
        message_id = ids.show("message", job.message.id)
        at_s = self._clock() // 1000
        signature = letter.shape if letter.vendors else Shape.STANDARD
        signed = signing.headers(signature, letter.secrets, message_id, at_s, letter.body)
        sent = _headers(letter, signed)
        shown = msgspec.json.encode(sent | dict.fromkeys(letter.own.keys() & sent, HIDDEN)).decode()
        try:
            answer = await self._http.ask(letter.method, letter.url, sent, letter.body)
        except Failed as failed:
            return _unanswered(failed, shown, _since(began))
        return read(answer, job, shown, _since(began), self._clock())

    async def _fresh(self, job: Job) -> Job:
        """The job with its endpoint as it is now: it may have waited long for its turn."""
        known = job.endpoint
        if self._clock() - job.claimed_at < FRESH_MS:
            return job
        if known is None:
            return job if job.delivery.endpoint_id else await self._renewed(job)
        seen = self._seen.get(known.id)
        if seen is None or not 0 <= self._clock() - seen[0] < FRESH_MS:
            seen = await self._look(known)
        return job._replace(endpoint=seen[1])

    async def _renewed(self, job: Job) -> Job:
        """The job with its account's secrets as they are now."""
        account_id = job.delivery.account_id
        read = self._database.read
        found = await read(lambda tx: webhooksecrets.sealed(tx, [account_id]))
        return job._replace(secrets=found.get(account_id))

    async def _look(self, known: Endpoint) -> tuple[int, Endpoint | None]:
        """Read an endpoint; a backlog of deliveries to it need not read it again and again."""
        account_id, endpoint_id, now = known.account_id, known.id, self._clock()
        read = self._database.read
        found = await read(lambda tx: endpoints.find(tx, account_id, endpoint_id))
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        self._seen[endpoint_id] = (now, found)
        return now, found

    def _letter(self, job: Job) -> Letter | Outcome:
        if job.message.body is None:
            return _never("What the message said has been erased")
        if job.delivery.endpoint_id is None:
            return self._direct(job, job.message.body.encode())
        endpoint = job.endpoint
        if endpoint is None:
            return _never("The endpoint has been deleted")
        if endpoint.status is not EndpointStatus.ENABLED and not job.delivery.manual:
            return _never("The endpoint is disabled")
        return self._managed(endpoint, job.message.body.encode())

    def _managed(self, endpoint: Endpoint, body: bytes) -> Letter:
        own = self._safe.headers(endpoint.headers, endpoint.id)
        secrets = self._living(self._safe.secrets(endpoint))
        content = b"[" + body + b"]" if endpoint.array else body
        return Letter("POST", endpoint.url, own, endpoint.shape, secrets, content)

    def _direct(self, job: Job, body: bytes) -> Letter:
        address = _decode_address(job.delivery.target)
        account_id = job.delivery.account_id
        sealed = address.headers
        own = self._safe.headers(sealed, account_id) if sealed else {}
        if job.secrets is None:
            secrets = [signing.secret_of(self._pepper, account_id)]
        else:
            secrets = self._living(self._ring.open(job.secrets, account_id))
        chosen = job.secrets is not None
        return Letter(
            address.method, address.url, own, address.shape, secrets, body, vendors=chosen
        )

    def _living(self, kept: list[Secret]) -> list[str]:
        now = self._clock()
        return [one.text for one in kept if one.until is None or one.until > now]


def read(answer: Answer, job: Job, headers: str, took_ms: int, now: int) -> Outcome:
    """What an answer means."""
    status = answer.status
    if status in SUCCESS:
        return Outcome(
            ok=True, status=status, duration_ms=took_ms, headers=headers, response=answer.text
        )
    wish = answer.headers.get("webhook-delivery", "").strip().lower()
    refused = status in CLIENT_ERRORS and not job.delivery.policy.client_errors
    return Outcome(
        ok=False,
        status=status,
        duration_ms=took_ms,
        fault=Fault.REDIRECT if status in REDIRECTS else Fault.STATUS,
        error=_reason(answer),
        headers=headers,
        response=answer.text,
        retry_after_ms=retry_after_ms(answer.headers.get("retry-after"), now),
        reached=status not in UNREACHED,
        permanent=refused or wish == "abort-message",
        gone=status == HTTPStatus.GONE or wish == "disable",
    )


def retry_after_ms(text: str | None, now: int) -> int | None:
    """How long a receiver asks to be left alone (RFC 9110, 10.2.3): seconds, or a date."""
    text = (text or "").strip()
    if _SECONDS.fullmatch(text):
        return int(text) * 1000 if len(text) <= DIGITS_MAX else AFTER_MS_MAX
    try:
        until = email.utils.parsedate_to_datetime(text)
        moment: float = until.replace(tzinfo=until.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(int(moment * 1000) - now, 0), AFTER_MS_MAX)


def _headers(letter: Letter, signed: dict[str, str]) -> dict[str, str]:
    """What is sent: the caller's own go before ours, but for those that are not the caller's."""
    own = {name: value for name, value in letter.own.items() if not is_ours(name)}
    ours = {"Content-Type": JSON, "User-Agent": signing.AGENTS[letter.shape]}
    taken = {name.lower() for name in own}
    return {k: v for k, v in ours.items() if k.lower() not in taken} | own | signed


def _reason(answer: Answer) -> str:
    if answer.status in REDIRECTS:
        return f"{answer.status}: redirects are not followed"
    return f"{answer.status} {_phrase(answer.status)}".strip()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _unanswered(failed: Failed, headers: str, took_ms: int) -> Outcome:
    return Outcome(
        ok=False,
        duration_ms=took_ms,
        fault=failed.fault,
        error=str(failed),
        headers=headers,
        reached=False,
    )


def _never(why: str) -> Outcome:
    return Outcome(ok=False, fault=Fault.CONFIGURATION, error=why, permanent=True)


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)
