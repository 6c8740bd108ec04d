"""A rule as a form, and as the API has it. Pure.

Fields are called by their paths in the rule, so that what the API finds wrong with one stands
beside it. A rule that says more than the form can is edited as JSON: see `is_sayable`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gatepost.dashboard.desk import Problem
from gatepost.dashboard.forms import Fields, Form
from gatepost.dashboard.sections.rules import places
from gatepost.dashboard.sections.rules.places import names
from gatepost.dashboard.sections.rules.rows import Pairs, rows

MEMBERS = (
    "name",
    "enabled",
    "when",
    "match",
    "text",
    "to",
    "priority",
    "group",
    "digest",
    "quiet",
    "escalate",
)
"""What a rule is made of; all else of it is found out."""
YES = "yes"
NUMBERS = {
    "threshold": ("count", "minutes"),
    "change": ("percent", "minutes", "minimum"),
    "absence": ("minutes",),
}
NEEDED = frozenset({"count", "minutes", "percent"})
WHOLE = frozenset({"count", "minimum", "seconds"})
TITLES = ("contains", "equals", "startsWith")
TAGS = ("any", "all", "none")
OPS = {
    "eq": "is",
    "ne": "is not",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "contains": "contains",
    "exists": "is there",
    "missing": "is not there",
}
"""How values are compared; `missing` is `exists` with the value false."""
TYPES = {"text": "text", "number": "number", "bool": "true or false", "none": "null"}


class Read:
    """A rule that is read from a form, with what is wrong of what was typed."""

    def __init__(self, fields: Fields) -> None:
        """Read it."""
        self._fields = fields
        self.problems: list[Problem] = []
        self.rule = self._rule()

    def _rule(self) -> dict[str, Any]:
        get = self._fields.get
        kind = get("when.type", "event")
        how = get("how") if kind == "event" else ""
        return {
            "name": get("name"),
            "enabled": get("enabled") == YES,
            "when": self._when(kind),
            "match": self._match(),
            "text": {"title": get("text.title"), "body": get("text.body")},
            "to": places.read(self._fields, "to"),
            "priority": get("priority", "normal"),
            "group": self._group() if how == "group" else None,
            "digest": self._digest() if how == "digest" else None,
            "quiet": self._quiet() if get("quiet.here") else None,
            "escalate": [self._step(row) for row in rows(self._fields, "escalate")],
        }

    def _when(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = {"type": kind}
        for name in NUMBERS.get(kind, ()):
            number = self._number(f"when.{name}", needed=name in NEEDED)
            found |= {} if number is None else {name: number}
        if kind == "threshold" and "when.by" in self._fields:
            found["by"] = self._fields.get("when.by")
        if kind == "absence" and "when.during.here" in self._fields:
            found["during"] = self._window("when.during")
        return found

    def _match(self) -> dict[str, Any]:
        get = self._fields.get
        found: dict[str, Any] = {
            "channels": names(get("match.channels")),
            "tags": _filled({one: names(get(f"match.tags.{one}")) for one in TAGS}),
            "title": _filled({one: get(f"match.title.{one}") for one in TITLES}),
            "userIds": names(get("match.userIds")),
            "metadata": [self._wanted(row) for row in rows(self._fields, "match.metadata")],
        }
        return _filled(found)

    def _wanted(self, row: str) -> dict[str, Any]:
        get = self._fields.get
        path, op = get(f"{row}.path"), get(f"{row}.op", "eq")
        if op in {"exists", "missing"}:
            return {"path": path, "op": "exists", "value": op == "exists"}
        value = get(f"{row}.value")
        return {"path": path, "op": op, "value": self._value(row, get(f"{row}.type"), value)}

    def _value(self, row: str, type_: str, text: str) -> Any:
        try:
            return _typed(type_, text)
        except (ValueError, KeyError):
            words = "Not a number" if type_ == "number" else "Either true or false"
            self._wrong(f"{row}.value", words)
            return text

    def _group(self) -> dict[str, Any]:
        seconds = self._number("group.seconds", needed=True)
        return {"seconds": seconds or 0, "by": self._fields.get("group.by")}

    def _digest(self) -> dict[str, Any]:
        get = self._fields.get
        zone, days = get("digest.timezone", "UTC"), self._fields.all("digest.days")
        return {"at": get("digest.at"), "timezone": zone, "days": days}

    def _quiet(self) -> dict[str, Any]:
        return self._window("quiet") | {"then": self._fields.get("quiet.then", "hold")}

    def _window(self, path: str) -> dict[str, Any]:
        get = self._fields.get
        times = {"from": get(f"{path}.from"), "to": get(f"{path}.to")}
        days = self._fields.all(f"{path}.days")
        return times | {"timezone": get(f"{path}.timezone", "UTC"), "days": days}

    def _step(self, row: str) -> dict[str, Any]:
        minutes = self._number(f"{row}.afterMinutes", needed=True)
        return {"afterMinutes": minutes or 0, "to": places.read(self._fields, f"{row}.to")}

    def _number(self, path: str, *, needed: bool = False) -> float | None:
        text = self._fields.get(path)
        if not text:
            if needed:
                self._wrong(path, "Is needed")
            return None
        try:
            whole = path.rpartition(".")[2] in WHOLE
            return int(text) if whole else _number(text)
        except ValueError:
            self._wrong(path, "Not a number")
            return None

    def _wrong(self, path: str, words: str) -> None:
        self.problems.append(Problem((path,), words))


def fields(rule: Mapping[str, Any]) -> Form:
    """The form that shows a rule."""
    when, match, text = rule["when"], rule["match"], rule["text"]
    pairs: Pairs = [
        ("name", rule["name"]),
        ("enabled", YES if rule["enabled"] else ""),
        ("priority", rule["priority"]),
        *((f"text.{name}", text[name]) for name in ("title", "body")),
        *((f"when.{name}", shown(one)) for name, one in when.items() if name != "during"),
        *_window("when.during", when.get("during")),
        *_match(match),
        *_how(rule),
        *_window("quiet", rule["quiet"]),
        *places.write("to", rule["to"]),
    ]
    for number, step in enumerate(rule["escalate"]):
        row = f"escalate.{number}"
        pairs += [(f"{row}.here", YES), (f"{row}.afterMinutes", shown(step["afterMinutes"]))]
        pairs += places.write(f"{row}.to", step["to"])
    return Form(pairs)


def is_sayable(rule: Mapping[str, Any]) -> bool:
    """Whether the form can say all that a rule says."""
    read = Read(fields(rule))
    return not read.problems and plain(read.rule) == plain(rule)


def plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule is made of, written in one way."""
    found = {name: rule[name] for name in MEMBERS}
    found["to"] = [places.plain(one) for one in rule["to"]]
    found["escalate"] = [
        {**step, "to": [places.plain(one) for one in step["to"]]} for step in rule["escalate"]
    ]
    return found


def shown(value: Any) -> str:
    """A number as people write it; text as it is."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _match(match: Mapping[str, Any]) -> Pairs:
    found: Pairs = [
        (f"match.{name}", ", ".join(match.get(name, ()))) for name in ("channels", "userIds")
    ]
    found += [(f"match.tags.{name}", ", ".join(one)) for name, one in _in(match, "tags")]
    found += [(f"match.title.{name}", one) for name, one in _in(match, "title") if name in TITLES]
    for number, wanted in enumerate(match.get("metadata", ())):
        row, op, value = f"match.metadata.{number}", wanted["op"], wanted["value"]
        if op == "exists":
            found += [
                (f"{row}.path", wanted["path"]),
                (f"{row}.op", "exists" if value else "missing"),
            ]
            continue
        type_, text = _untyped(value)
        values = (("path", wanted["path"]), ("op", op), ("type", type_), ("value", text))
        found += [(f"{row}.{name}", one) for name, one in values]
    return found


def _in(match: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    return list(match.get(name, {}).items())


def _how(rule: Mapping[str, Any]) -> Pairs:
    group, digest = rule["group"], rule["digest"]
    if group is not None:
        seconds = str(group["seconds"])
        return [("how", "group"), ("group.seconds", seconds), ("group.by", group["by"])]
    if digest is None:
        return [("how", "once")]
    days = [("digest.days", day) for day in digest["days"]]
    at, zone = digest["at"], digest["timezone"]
    return [("how", "digest"), ("digest.at", at), ("digest.timezone", zone), *days]


def _window(path: str, window: Mapping[str, Any] | None) -> Pairs:
    if window is None:
        return []
    named = [(f"{path}.{name}", window[name]) for name in ("from", "to", "timezone")]
    days = [(f"{path}.days", day) for day in window["days"]]
    then = [(f"{path}.then", window["then"])] if "then" in window else []
    return [(f"{path}.here", YES), *named, *days, *then]


def _untyped(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "bool", "true" if value else "false"
    if isinstance(value, int | float):
        return "number", shown(value)
    if isinstance(value, str):
        return "text", value
    return "none", ""


def _typed(type_: str, text: str) -> Any:
    if type_ == "number":
        return _number(text)
    if type_ == "bool":
        return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
    return None if type_ == "none" else text


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text) from None
        return number


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
