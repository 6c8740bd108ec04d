"""What is shown of where a rule leads without its secrets, and given back: it stays what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET

from gatepost.dialects.native.ruletext import HIDDEN, show_destination
from gatepost.dialects.native.rulewire import (
    DestinationIn,
    RuleChangesIn,
    StepIn,
    ToChatIn,
    ToWebhookIn,
)
from gatepost.domains.rules.model import Destination, Way


def is_partial(given: RuleChangesIn) -> bool:
    """Whether some of it is only what was shown."""
    return any(_is_partial(one) for one in _all(given))


def whole(given: RuleChangesIn, former: Way) -> RuleChangesIn:
    """Put what is hidden back in. What cannot be told which it was stays as it is."""
    known = _Known(former, Counter(_chat(one) for one in _all(given)))
    changes = {} if given.to is UNSET else {"to": known.all(given.to)}
    if given.escalate is UNSET:
        return msgspec.structs.replace(given, **changes)
    steps = [StepIn(one.after_minutes, known.all(one.to)) for one in given.escalate]
    return msgspec.structs.replace(given, **changes, escalate=steps)


class _Known:
    """Where the rule led. Chats that look alike stay in their order, if none of them is missing."""

    def __init__(self, former: Way, given: Counter[str]) -> None:
        led = [*former.to, *(one for step in former.escalate for one in step.to)]
        self._hooks = [one.webhook for one in led if one.webhook is not None]
        self._chats: dict[str, list[str]] = {}
        for one in led:
            self._chats.setdefault(_chat(show_destination(one)), []).append(_url(one))
        self._clear = {look for look, urls in self._chats.items() if len(urls) == given[look]}

    def all(self, given: Iterable[DestinationIn]) -> list[DestinationIn]:
        return [self._one(one) if _is_partial(one) else one for one in given]

    def _one(self, given: DestinationIn) -> DestinationIn:
        look = _chat(given)
        if look:
            known = self._chats[look] if look in self._clear else []
            return DestinationIn(chat=ToChatIn(known.pop(0))) if known else given
        if given.webhook is UNSET:
            return given
        return msgspec.structs.replace(given, webhook=self._hook(given.webhook))

    def _hook(self, given: ToWebhookIn) -> ToWebhookIn:
        """Only for the very same URL: what is secret goes nowhere else."""
        same = (one.headers for one in self._hooks if one.url == given.url)
        former = next((one for one in same if given.headers.keys() <= one.keys()), {})
        headers = {
            name: former.get(name, value) if value == HIDDEN else value
            for name, value in given.headers.items()
        }
        return ToWebhookIn(given.url, headers)


def _all(given: RuleChangesIn) -> Iterator[DestinationIn]:
    if given.to is not UNSET:
        yield from given.to
    if given.escalate is not UNSET:
        for step in given.escalate:
            yield from step.to


def _is_partial(one: DestinationIn) -> bool:
    hidden = one.webhook is not UNSET and HIDDEN in one.webhook.headers.values()
    return hidden or bool(_chat(one))


def _chat(one: DestinationIn) -> str:
    """The URL of a chat as it is shown, empty for anything else."""
    return one.chat.url if one.chat is not UNSET and HIDDEN in one.chat.url else ""


def _url(one: Destination) -> str:
    return one.chat.url if one.chat is not None else ""
