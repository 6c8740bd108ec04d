"""An endpoint as a form shows it, and back: what the API takes of what was typed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gatepost.dashboard.forms import Form

OWN = "own"
SCHEDULES = (
    ("standard", "Standard: ten times within three days"),
    ("short", "Short: four times within 36 minutes"),
    ("once", "Once"),
    ("notifykit", "As NotifyKit: three times, and not after 4xx"),
    ("emailit", "As Emailit: eleven times within days"),
    (OWN, "Waits of my own"),
)
SIGNATURES = (
    ("standard", "Standard Webhooks alone"),
    ("notifykit", "and that of NotifyKit"),
    ("emailit", "and that of Emailit"),
)
NAMES = {"retry": "retry", "retry.delaysSeconds": "delays", "payloadFormat": "array"}
"""Fields by the paths of the API's body, where they are called otherwise."""
Body = dict[str, Any]


class Wrong(ValueError):  # noqa: N818 # it names what it is
    """What was typed into a field cannot be sent as it is."""

    def __init__(self, field: str, message: str) -> None:
        """Name the field."""
        super().__init__(message)
        self.field = field
        self.message = message


def starting(endpoint: Mapping[str, Any] | None = None) -> Form:
    """The form of a new endpoint, or of one that stands."""
    if endpoint is None:
        return Form.starting(
            {"types": "event.*", "retry": "standard", "signature": "standard", "cap": 8}
        )
    retry = endpoint["retry"]
    own = {} if isinstance(retry, str) else {"delays": _numbers(retry["delaysSeconds"])}
    match = endpoint["match"]
    return Form.starting(
        {
            "name": endpoint["name"],
            "url": endpoint["url"],
            "types": "\n".join(endpoint["types"]),
            "match": msgspec.json.format(msgspec.json.encode(match)).decode() if match else "",
            "retry": retry if isinstance(retry, str) else OWN,
            "signature": endpoint["signature"],
            "array": "yes" if endpoint["payloadFormat"] == "array" else None,
            "rate": None if endpoint["rate"] is None else f"{endpoint['rate']:g}",
            "cap": endpoint["cap"],
            **own,
        }
    )


def new(form: Form) -> Body:
    """The body that makes an endpoint; raises Wrong."""
    found = _common(form)
    found |= {"headers": _headers(form)} if "headers" in form else {}
    found |= {"secret": form.get("secret")} if "secret" in form else {}
    return {name: value for name, value in found.items() if value not in (None, "")}


def changes(form: Form) -> Body:
    """The body that changes one to what the form says; raises Wrong. Headers, which nobody sees,
    stay where none are given, unless they are to go.
    """
    found = _common(form)
    if "headers" in form:
        found["headers"] = _headers(form)
    elif "drop_headers" in form:
        found["headers"] = {}
    if not found["name"]:
        del found["name"]
    return found


def _common(form: Form) -> Body:
    return {
        "name": form.get("name"),
        "url": form.get("url"),
        "types": form.get("types").replace(",", " ").split(),
        "match": _match(form),
        "retry": _retry(form),
        "signature": form.get("signature", "standard"),
        "payloadFormat": "array" if "array" in form else "object",
        "rate": _number(form, "rate", float) if "rate" in form else None,
        "cap": _number(form, "cap", int),
    }


def _match(form: Form) -> Any:
    if "match" not in form:
        return {}
    try:
        return msgspec.json.decode(form.get("match"))
    except msgspec.DecodeError as wrong:
        raise Wrong("match", f"Must be JSON. {wrong}") from None


def _retry(form: Form) -> Any:
    if form.get("retry") != OWN:
        return form.get("retry", "standard")
    given = form.get("delays").replace(",", " ").split()
    try:
        return {"delaysSeconds": [float(one) for one in given]}
    except ValueError:
        raise Wrong("delays", "Seconds, with commas between") from None


def _number(form: Form, name: str, kind: type[Any]) -> Any:
    try:
        return kind(form.get(name))
    except ValueError:
        raise Wrong(name, "Must be a number") from None


def _headers(form: Form) -> dict[str, str]:
    found = {}
    for line in form.get("headers").splitlines():
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            raise Wrong("headers", "One in each line, as Authorization: Bearer …")
        if line.strip():
            found[name.strip()] = value.strip()
    return found


def _numbers(given: list[float]) -> str:
    return ", ".join(f"{one:g}" for one in given)
