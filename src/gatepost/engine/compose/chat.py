"""A text for chats, as a draft for the outbox: one delivery for each URL.

Whoever knows a chat's URL can write there, so it is sealed, and shown without all that may be
secret.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from gatepost.base.ids import AccountId, ProjectId
from gatepost.base.vault import Vault
from gatepost.domains.outbox.model import Transport
from gatepost.domains.outbox.policy import STANDARD, Policy
from gatepost.engine.compose import chatservices
from gatepost.engine.compose.chatservices import FILES, PLAIN, SERVICES
from gatepost.engine.notify import Draft, Target
from gatepost.storage.db import Tx

PURPOSE = "chat urls"
URLS_MAX = 20
URL_MAX = 2000
TITLE_MAX = 500
BODY_MAX = 20_000
HIDDEN = "…"
CAP = 4

_SCHEME = re.compile(r"([a-z0-9]{1,20})://(.+)", re.IGNORECASE | re.DOTALL)
_PRINTABLE = re.compile(r"[\x20-\x7e\xa0-\U0010ffff]+")
_UNKNOWN = "Must begin with the name of a chat service, as in gotifys://host/token"


class Markup(StrEnum):
    """What a text is written in."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


class Address(msgspec.Struct, frozen=True, rename="camel"):
    """A chat; `url` is sealed, in base64, and `shown` is what may be shown of it."""

    url: bytes
    shown: str


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is said."""

    body: str
    title: str = ""
    format: Markup = Markup.TEXT


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """What to say, and in which chats."""

    urls: tuple[str, ...]
    words: Words
    policy: Policy = STANDARD


class Named(NamedTuple):
    """What a URL names: a service by its scheme; where that always is the host, and whether it is
    spoken to without encryption.
    """

    scheme: str
    host: str
    plain: bool


class Vaults(NamedTuple):
    """What seals URLs, and what tells them apart without revealing them."""

    vault: Vault
    pepper: bytes


def vaults(pepper: bytes) -> Vaults:
    """Derive what URLs are sealed with."""
    return Vaults(Vault(pepper, PURPOSE), pepper)


def named(url: str) -> Named:
    """Read what a URL names; raises ValueError with a reason that may be shown."""
    found = _SCHEME.fullmatch(url)
    if found is None or len(url) > URL_MAX or not _PRINTABLE.fullmatch(url):
        raise ValueError(_UNKNOWN)
    own = found[1].lower()
    host = re.split(r"[/?#]", found[2], maxsplit=1)[0].rpartition("@")[2].lower()
    scheme = chatservices.scheme_of(own, host.partition(":")[0])
    if not scheme:
        raise ValueError(_UNKNOWN)
    if any(name.lower().lstrip("+-:") == FILES.get(scheme) for name in _members(url)):
        raise ValueError("Must not name a file")
    known = SERVICES[scheme].hosted and scheme == own
    return Named(scheme, host if known else "", plain=known and scheme in PLAIN)


def problem(url: str) -> str:
    """What is wrong with a URL as a sentence, empty for nothing that can be seen."""
    try:
        named(url)
    except ValueError as reason:
        return str(reason)
    return ""


def shown(url: str) -> str:
    """What may be shown of a URL."""
    one = named(url)
    return f"{one.scheme}://{one.host or HIDDEN}"


def compose(
    tx: Tx, account_id: AccountId, project_id: ProjectId, given: Chat, safe: Vaults
) -> Draft:
    """Seal the URLs; raises ValueError for one that cannot be."""
    del tx, project_id  # other transports look things up
    targets = tuple(_targets(account_id, given, safe))
    return Draft(msgspec.json.encode(given.words).decode(), targets)


def _targets(account_id: AccountId, given: Chat, safe: Vaults) -> Iterator[Target]:
    """Each chat once; those of one host share what that one bears."""
    for url in dict.fromkeys(given.urls):
        name = shown(url)
        address = Address(safe.vault.seal(url, account_id), name)
        secret = "" if named(url).host else _digest(url, safe.pepper)
        yield Target(
            transport=Transport.CHAT,
            queue=f"{name} {secret}".rstrip(),
            name=name,
            address=msgspec.json.encode(address).decode(),
            policy=given.policy,
            cap=CAP,
        )


def _members(url: str) -> list[str]:
    query = url.partition("?")[2]
    return [name for name, _ in parse_qsl(query, keep_blank_values=True, separator="&")]


def _digest(url: str, pepper: bytes) -> str:
    """Tell URLs apart."""
    return hmac.digest(pepper, b"chat " + url.encode(), "sha256").hex()
