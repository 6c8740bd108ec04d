"""Chats: what is said there, by apprise in a thread, on connections that are checked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import msgspec

from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.vault import Damaged
from gatepost.delivery.names import Guard, resolver_of
from gatepost.delivery.webhook import CLIENT_ERRORS, REDIRECTS, UNREACHED, retry_after_ms
from gatepost.domains.outbox.model import ERROR_CHARS_MAX, Fault, Outcome
from gatepost.engine.compose import chat
from gatepost.engine.compose.chat import HIDDEN, Address, Words
from gatepost.engine.jobs import Job

if TYPE_CHECKING:
    from gatepost.delivery.tether import Heard, Tether

PASSING = frozenset({408, 409, 423, 425, 429})
"""Client errors that may be over by the next attempt."""
SECRET_CHARS_MIN = 4
THREADS_MAX = 256

_address = msgspec.json.Decoder(Address).decode
_words = msgspec.json.Decoder(Words).decode
_PARTS = re.compile(r"[/:@?&=#,;+]+")


class Letter(NamedTuple):
    """What to say, and where."""

    url: str
    scheme: str
    shown: str
    words: Words


class Chats:
    """Speaks in chats."""

    def __init__(self, settings: Settings, pepper: bytes, clock: Clock) -> None:
        """Hold what opens the sealed, and which addresses may be reached."""
        networks = settings.deliverable()
        anywhere = settings.delivery_http == "on"
        self._settings = settings
        self._vault = chat.vaults(pepper).vault
        self._clock = clock
        self._guards = {"https": Guard(networks), "http": Guard(networks, public=anywhere)}
        at_once = min(settings.deliveries_at_once, THREADS_MAX)
        self._threads = ThreadPoolExecutor(at_once, "chat")
        self._room = asyncio.Semaphore(at_once)

    async def close(self) -> None:
        """Begin no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, job: Job) -> Outcome:
        """Try once."""
        began = monotonic()
        try:
            letter = self._letter(job)
        except (Damaged, ValueError) as fault:
            return Outcome(ok=False, fault=Fault.CONFIGURATION, error=str(fault), permanent=True)
        if letter is None:
            why = "What the message said has been erased"
            return Outcome(ok=False, fault=Fault.CONFIGURATION, error=why, permanent=True)
        async with self._room:
            outcome = await self._speak(letter)
        return msgspec.structs.replace(outcome, duration_ms=round((monotonic() - began) * 1000))

    def _letter(self, job: Job) -> Letter | None:
        if job.message.body is None:
            return None
        address = _address(job.delivery.target)
        url = self._vault.open(address.url, job.delivery.account_id)
        return Letter(url, chat.named(url).scheme, address.shown, _words(job.message.body))

    async def _speak(self, letter: Letter) -> Outcome:
        from gatepost.delivery.tether import Tether  # noqa: PLC0415 # only where there are chats

        timeout_s = self._settings.delivery_timeout_s
        resolver = resolver_of(self._settings.dns_servers)
        call = Tether(self._guards, resolver, timeout_s)
        saying = asyncio.get_running_loop().run_in_executor(self._threads, _say, letter, call)
        try:
            done, _ = await asyncio.wait({saying}, timeout=timeout_s)
        finally:
            saying.cancel()
            call.end()
            await resolver.close()
        if not done:
            late = f"No answer within {timeout_s:g} s"
            return Outcome(ok=False, fault=Fault.TIMEOUT, error=late, reached=False)
        return _clean(judge(call.heard, call.said, self._clock(), ok=saying.result()), letter)


def _say(letter: Letter, call: Tether) -> bool:
    from gatepost.delivery import voice  # noqa: PLC0415 # apprise is large, and not for all

    return voice.speak(letter.scheme, letter.url, letter.words, call)


def judge(heard: Sequence[Heard], said: Sequence[str], now: int, *, ok: bool) -> Outcome:
    """What became of a call: what came of its requests, and what apprise said of them."""
    last = heard[-1] if heard else None
    if ok:
        return Outcome(ok=True, status=last and last.status, response=last and last.text)
    if last is None:
        why = "; ".join(said) or "The service cannot do anything with this URL or text"
        return Outcome(ok=False, fault=Fault.CONFIGURATION, error=why, permanent=True)
    if last.fault is not None:
        return Outcome(ok=False, fault=last.fault, error=last.text, reached=False)
    return _refused(last, said, now)


def _refused(last: Heard, said: Sequence[str], now: int) -> Outcome:
    """The service has answered, and did not take it."""
    status = last.status or 0
    moved = status in REDIRECTS
    words = f"{status}: redirects are not followed" if moved else "; ".join(said)
    return Outcome(
        ok=False,
        status=status,
        fault=Fault.REDIRECT if moved else Fault.PROVIDER,
        error=words or str(status),
        response=last.text,
        retry_after_ms=retry_after_ms(last.retry_after, now),
        reached=status not in UNREACHED,
        permanent=status in CLIENT_ERRORS and status not in PASSING,
    )


def _clean(outcome: Outcome, letter: Letter) -> Outcome:
    """Blank out what a service has repeated of the URL."""
    error, response = outcome.error, outcome.response
    hidden = secrets_of(letter.url, letter.shown)
    return msgspec.structs.replace(
        outcome,
        error=None if error is None else scrub(" ".join(error.split()), hidden)[:ERROR_CHARS_MAX],
        response=None if response is None else scrub(response, hidden),
    )


def secrets_of(url: str, shown: str) -> list[str]:
    """The parts of a URL that may be secret: all but those that are shown, the longest first."""
    open_ = set(_PARTS.split(shown.lower()))
    parts = {one for part in _PARTS.split(url) for one in (part, unquote(part))}
    whole = url.partition("://")[2]
    found = {whole, *(one for one in parts if len(one) >= SECRET_CHARS_MIN)}
    return sorted((one for one in found if one.lower() not in open_), key=len, reverse=True)


def scrub(text: str, hidden: Sequence[str]) -> str:
    """Blank parts of a text out."""
    for one in hidden:
        text = text.replace(one, HIDDEN)
    return text
