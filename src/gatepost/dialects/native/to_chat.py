"""The part of a message that is a text for chats."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepost.base.config import Settings
from gatepost.delivery import urls
from gatepost.domains.endpoints.model import Problem, refuse
from gatepost.domains.plans.model import Meter
from gatepost.engine.compose import chat
from gatepost.engine.compose.chat import Chat, Markup, Words
from gatepost.engine.notify import Draft
from gatepost.gate.once import Charge
from gatepost.storage.db import Tx
from gatepost.web.contract import Call

MEMBER = "chat"

Url = Annotated[
    str,
    Meta(
        max_length=chat.URL_MAX,
        description="A chat, as Apprise names it: `gotifys://host/token`, `tgram://token/chat`, … "
        "The https URLs that Discord and Slack give for their webhooks will do too. It is kept "
        "encrypted, and shown nowhere.",
    ),
]
Urls = Annotated[
    list[Url], Meta(min_length=1, max_length=chat.URLS_MAX, description="Several chats.")
]
Title = Annotated[str, Meta(max_length=chat.TITLE_MAX)]
Text = Annotated[str, Meta(min_length=1, max_length=chat.BODY_MAX)]


class ChatIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A text for one chat, or for several: either `url` or `urls`."""

    body: Text
    title: Title = ""
    format: Annotated[
        Markup, Meta(description="What the body is written in; each chat gets what it can show.")
    ] = Markup.TEXT
    url: Url | UnsetType = UNSET
    urls: Urls | UnsetType = UNSET


def check(call: Call, given: ChatIn) -> None:
    """Refuse what can be seen to be wrong; raises INVALID."""
    if (given.url is UNSET) == (given.urls is UNSET):
        refuse([([MEMBER, "url"], "Give either url or urls")])
    found = ((path, problem(url, call.services.settings)) for path, url in _urls(given))
    wrong: list[Problem] = [([MEMBER, *path], words) for path, words in found if words]
    if not given.body.strip():
        wrong.append(([MEMBER, "body"], "Must not be blank"))
    refuse(wrong)


def problem(url: str, settings: Settings) -> str:
    """What is wrong with a URL as a sentence, empty where its host has still to be looked up."""
    wrong = chat.problem(url)
    if wrong:
        return wrong
    place = chat.named(url)
    if not place.host or not urls.problem(_place(place), settings):
        return ""
    secure = f"{place.scheme}s" if place.plain else place.scheme
    return f"Must lead to a public address, with encryption: {secure}://…"


def charge(given: ChatIn) -> Charge:
    """Price it: each chat counts."""
    return Charge(Meter.CHAT, len(_urls(given)))


def draft(tx: Tx, call: Call, given: ChatIn) -> Draft:
    """Make the draft."""
    said = Words(given.body, given.title, given.format)
    wanted = Chat(urls=tuple(url for _, url in _urls(given)), words=said)
    safe = chat.vaults(call.services.pepper)
    return chat.compose(tx, call.caller.account_id, call.project_id, wanted, safe)


def _place(place: chat.Named) -> str:
    return f"{'http' if place.plain else 'https'}://{place.host}/"


def _urls(given: ChatIn) -> list[tuple[list[str | int], str]]:
    """The URLs, each with where it was given."""
    if not isinstance(given.urls, UnsetType):
        return [(["urls", index], url) for index, url in enumerate(given.urls)]
    return [] if isinstance(given.url, UnsetType) else [(["url"], given.url)]
