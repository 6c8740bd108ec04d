"""Browser push: a message to the push service of a device, which hands it to the browser."""

from __future__ import annotations

from http import HTTPStatus
from time import monotonic
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from gatepost.base import ids
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.ids import DeviceId
from gatepost.base.vault import Damaged
from gatepost.delivery import webpush
from gatepost.delivery.safehttp import Answer, Failed, SafeHttp
from gatepost.delivery.webhook import CLIENT_ERRORS, HIDDEN, SUCCESS, read
from gatepost.domains.devices import store
from gatepost.domains.outbox.model import Fault, Outcome, Priority
from gatepost.engine import subscribe
from gatepost.engine.compose.push import Address
from gatepost.engine.jobs import Job
from gatepost.engine.subscribe import Lock, Reached
from gatepost.storage.db import Database

GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
PASSING = frozenset({408, 425, 429})
"""Client errors that may be over by the next attempt."""
URGENCIES = {Priority.HIGH: "high", Priority.NORMAL: "normal", Priority.LOW: "low"}

_address = msgspec.json.Decoder(Address).decode


class Kit(Protocol):
    """What it needs of a process."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def database(self) -> Database: ...
    @property
    def pepper(self) -> bytes: ...


class Letter(NamedTuple):
    """A request to a push service, ready."""

    url: str
    headers: dict[str, str]
    body: bytes


class Pushes:
    """Sends to push services."""

    def __init__(self, kit: Kit, http: SafeHttp) -> None:
        """Hold what it needs; whoever made the connections closes them."""
        self._kit = kit
        self._http = http
        self._lock = Lock(kit.pepper)

    async def close(self) -> None:
        """Nothing of its own is open."""

    async def send(self, job: Job) -> Outcome:
        """Try once; a device that its push service does not know any more is forgotten."""
        began = monotonic()
        try:
            reached = await self._reach(job)
            if job.message.body is None:
                return _never("What the message said has been erased")
            if reached is None:
                return _never("The device has been removed")
            letter = self._letter(job, reached, _address(job.delivery.target))
        except (Damaged, ValueError) as fault:
            return _never(str(fault))
        outcome = await self._ask(job, letter, began)
        if outcome.gone:
            await self._kit.database.write(lambda tx: store.remove_same(tx, reached.device))
        return outcome

    async def _reach(self, job: Job) -> Reached | None:
        account_id = job.delivery.account_id
        device_id = DeviceId(bytes.fromhex(_address(job.delivery.target).device))
        found = self._kit.database.read
        return await found(lambda tx: subscribe.reach(tx, account_id, device_id, self._lock))

    def _letter(self, job: Job, reached: Reached, address: Address) -> Letter:
        where, now = reached.subscription, self._kit.clock()
        place = urlsplit(where.endpoint)
        origin = f"{place.scheme}://{place.netloc}"
        subject = subject_of(self._kit.settings)
        headers = {
            "Authorization": webpush.authorization(reached.key, origin, subject, now // 1000),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_ttl_s(job, address, now)),
            "Urgency": URGENCIES[job.delivery.priority],
        }
        if address.topic:
            headers["Topic"] = address.topic
        return Letter(where.endpoint, headers, _content(job, reached))

    async def _ask(self, job: Job, letter: Letter, began: float) -> Outcome:
        shown = letter.headers | {"Authorization": HIDDEN}
        written = msgspec.json.encode(shown).decode()
        try:
            answer = await self._http.ask("POST", letter.url, letter.headers, letter.body)
        except Failed as failed:
            return Outcome(
                ok=False,
                duration_ms=_since(began),
                fault=failed.fault,
                error=str(failed),
                headers=written,
                reached=False,
            )
        return judge(answer, job, written, _since(began), self._kit.clock())


def subject_of(settings: Settings) -> str:
    """Whom push services may turn to, empty for nobody."""
    public = settings.public_url
    return settings.push_subject or (public if public.startswith("https://") else "")


def judge(answer: Answer, job: Job, headers: str, took_ms: int, now: int) -> Outcome:
    """What a push service's answer means (RFC 8030)."""
    outcome = read(answer, job, headers, took_ms, now)
    status = answer.status
    if status in SUCCESS:
        return outcome
    gone = status in GONE
    return msgspec.structs.replace(
        outcome,
        error="The device does not subscribe any more" if gone else outcome.error,
        permanent=status in CLIENT_ERRORS and status not in PASSING,
        gone=gone,
    )


def _content(job: Job, reached: Reached) -> bytes:
    """What the browser reads: the message with its id, which is the same in every attempt."""
    said = msgspec.json.decode(job.message.body or "{}", type=dict[str, msgspec.Raw])
    named = ids.show("message", job.message.id)
    whole = {"id": msgspec.Raw(msgspec.json.encode(named)), **said}
    where = reached.subscription
    return webpush.encrypt(msgspec.json.encode(whole), where.p256dh, where.auth)


def _ttl_s(job: Job, address: Address, now: int) -> int:
    """How long the push service keeps it: no longer than it is of use."""
    expires_at = job.message.expires_at
    if expires_at is None:
        return address.ttl
    return max(min(address.ttl, (expires_at - now) // 1000), 0)


def _never(why: str) -> Outcome:
    return Outcome(ok=False, fault=Fault.CONFIGURATION, error=why, permanent=True)


def _since(began: float) -> int:
    return round((monotonic() - began) * 1000)
