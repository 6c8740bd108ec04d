"""Where a rule leads, as rows of a form and as the API has it. Pure.

A row has a `kind`, the name of the member that a destination has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatepost.dashboard.forms import Fields
from gatepost.dashboard.sections.rules.rows import Pairs, rows

KINDS = {
    "email": "E-mail",
    "endpoint": "Endpoint",
    "webhook": "Webhook",
    "chat": "Chat or phone",
    "push": "Browsers (push)",
}
AUDIENCES = {
    "all": "Everybody who wants to know of the project",
    "channel": "Who wants to know of a channel",
    "userId": "A user",
    "device": "One device",
}


def names(text: str) -> list[str]:
    """Names with commas between."""
    return [one.strip() for one in text.split(",") if one.strip()]


def read(fields: Fields, path: str) -> list[dict[str, Any]]:
    """The destinations of a list of rows."""
    return [_read(fields, row) for row in rows(fields, path)]


def write(path: str, to: list[Mapping[str, Any]]) -> Pairs:
    """The rows of destinations."""
    return [
        (f"{path}.{number}.{name}", value)
        for number, one in enumerate(to)
        for name, value in _write(one)
    ]


def plain(one: Mapping[str, Any]) -> dict[str, Any]:
    """A destination with what is usual left out."""
    ((kind, given),) = one.items()
    if not isinstance(given, Mapping):
        return {kind: given}
    usual: tuple[Any, ...] = ("", {}, "all")
    return {kind: {name: value for name, value in given.items() if value not in usual}}


def _read(fields: Fields, row: str) -> dict[str, Any]:
    def get(name: str) -> str:
        return fields.get(f"{row}.{name}")

    match get("kind"):
        case "endpoint":
            return {"endpoint": get("endpoint")}
        case "webhook":
            headers = dict(_header(line) for line in get("webhook.headers").splitlines() if line)
            return {"webhook": {"url": get("webhook.url"), "headers": headers}}
        case "chat":
            return {"chat": {"url": get("chat.url")}}
        case "push":
            return {"push": _push(get("push.to"), get("push.whom"), get("push.url"))}
        case _:
            to = names(get("email.to"))
            return {"email": {"to": to, "template": get("email.template")}}


def _push(to: str, whom: str, url: str) -> dict[str, Any]:
    there: str | dict[str, str] = "all" if to in {"", "all"} else {to: whom}
    return {"to": there} | ({"url": url} if url else {})


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _write(one: Mapping[str, Any]) -> Pairs:
    ((kind, given),) = one.items()
    found = [("kind", kind)]
    if kind == "endpoint":
        return [*found, ("endpoint", given)]
    if kind == "email":
        return [*found, ("email.to", ", ".join(given["to"])), ("email.template", given["template"])]
    if kind == "webhook":
        lines = "\n".join(f"{name}: {value}" for name, value in given["headers"].items())
        return [*found, ("webhook.url", given["url"]), ("webhook.headers", lines)]
    if kind == "chat":
        return [*found, ("chat.url", given["url"])]
    to = given.get("to", "all")
    who, whom = next(iter(to.items())) if isinstance(to, Mapping) and to else (str(to), "")
    return [*found, ("push.to", who), ("push.whom", str(whom)), ("push.url", given.get("url", ""))]
