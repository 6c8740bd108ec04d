"""The form of a rule: what its buttons do, and what it shows.

One form has several buttons, whose `do` says what is to become of it: `save`, `try`, `json`,
`form`, `add <list> [<kind>]`, `remove <row>`. What is not saved is shown again as it was typed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from gatepost.dashboard.desk import Problem, Refused, at
from gatepost.dashboard.forms import Form
from gatepost.dashboard.sections.rules import draft, places, trial
from gatepost.dashboard.sections.rules.draft import MEMBERS, YES, Read
from gatepost.dashboard.sections.rules.rows import added, removed, rows, tidy
from gatepost.dashboard.visit import Visit
from gatepost.gate.scopes import Scope

INVALID = 400
LIST_MAX = 100
ADD = re.compile(r"add (match\.metadata|to|escalate(?:\.\d{1,3}\.to)?) ?([a-z]{0,10})")
REMOVE = re.compile(r"remove ((?:match\.metadata|to|escalate)\.\d{1,3}(?:\.to\.\d{1,3})?)")
JSON_ROWS = 32
NAME_MAX = 80
ZONES = (
    "UTC",
    "America/Chicago",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
)
"""What is offered; any other one may be typed."""
EMPTY: dict[str, Any] = {
    "name": "",
    "enabled": True,
    "when": {"type": "event"},
    "match": {},
    "text": {"title": "", "body": ""},
    "to": [],
    "priority": "normal",
    "group": None,
    "digest": None,
    "quiet": None,
    "escalate": [],
}


class Sheet:
    """A rule while it is written: the form, or its JSON as text; of one that is there already, its
    id, and what it was before.
    """

    def __init__(
        self, form: Form, rule_id: str = "", before: Mapping[str, Any] | None = None
    ) -> None:
        """Hold it."""
        self.form = form
        self.rule_id = rule_id
        self.before = before
        self.as_json = "json" in form
        self.status = 200
        self.tried: Any = None
        self.focus = ""
        self.unsayable = False


async def show_new(visit: Visit) -> Response:
    """Show the form of a rule to be; the address may say which channel it is of."""
    channel = visit.query.get("channel")
    match = {"channels": [channel]} if channel else {}
    return await _show(visit, Sheet(draft.fields({**EMPTY, "match": match})))


async def show(visit: Visit) -> Response:
    """Show the form of a rule that is there."""
    rule_id = visit.path["rule"]
    rule = await visit.api.get(at("/v1/rules", rule_id))
    sayable = draft.is_sayable(rule)
    form = draft.fields(rule) if sayable and visit.query.get("as") != "json" else _json(rule)
    sheet = Sheet(form, rule_id, rule)
    sheet.unsayable = not sayable
    return await _show(visit, sheet)


async def make(visit: Visit) -> Response:
    """Do what a button of the form of a new rule says."""
    return await _do(visit, Sheet(tidy(visit.form)))


async def change(visit: Visit) -> Response:
    """Do what a button of the form of a rule says."""
    rule_id = visit.path["rule"]
    rule = await visit.api.get(at("/v1/rules", rule_id))
    return await _do(visit, Sheet(tidy(visit.form), rule_id, rule))


async def _do(visit: Visit, sheet: Sheet) -> Response:
    what, form = visit.form.get("do", "save"), sheet.form
    if wanted := ADD.fullmatch(what):
        sheet.form, sheet.focus = _add(form, *wanted.groups())
    elif gone := REMOVE.fullmatch(what):
        sheet.form, sheet.focus = removed(form, gone[1]), gone[1].rpartition(".")[0]
    elif what in {"json", "form"}:
        _turn(sheet, what)
    elif (rule := _read(sheet)) is not None and what == "try":
        sheet.focus = "tried"
        await _try(visit, sheet, rule)
    elif rule is not None:
        try:
            return await _save(visit, sheet, rule)
        except Refused as refused:
            sheet.form, sheet.status = _refused(sheet, refused), refused.status
    return await _show(visit, sheet)


async def _save(visit: Visit, sheet: Sheet, rule: dict[str, Any]) -> Response:
    once = visit.form.once
    if sheet.before is None:
        made = await visit.api.send("POST", "/v1/rules", rule, once=once)
        return visit.redirect(visit.url("rules", made["id"]), "The rule was made.")
    changed = _changed(sheet.before, rule)
    if changed:
        await visit.api.send("PATCH", at("/v1/rules", sheet.rule_id), changed, once=once)
    return visit.redirect(visit.url("rules", sheet.rule_id), "The rule was saved.")


def _changed(before: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be changed: all else stays, also what somebody else has changed meanwhile. Where
    a rule led that cannot be read any more is given as a whole.
    """
    given = {**{name: before[name] for name in MEMBERS}, **rule}
    old, new = draft.plain(before), draft.plain(given)
    unreadable = {"to", "escalate"} if not before["to"] else set()
    return {name: given[name] for name in MEMBERS if old[name] != new[name] or name in unreadable}


async def _try(visit: Visit, sheet: Sheet, rule: dict[str, Any]) -> None:
    """Try it on stored events. Where it leads does not matter for that, so it need not be said."""
    harmless = {"name": "Trial", **rule, "to": [{"push": {}}], "escalate": []}
    harmless["name"] = harmless["name"] or "Trial"
    try:
        sheet.tried = await trial.of_draft(visit, harmless)
    except Refused as refused:
        fields = tuple(
            Problem(one.path[1:] if one.path[:1] == ("rule",) else one.path, one.message)
            for one in refused.fields
        )
        why = Refused(refused.status, refused.code, refused.detail, fields)
        sheet.form, sheet.status = _refused(sheet, why), refused.status


def _read(sheet: Sheet) -> dict[str, Any] | None:
    """The rule as it was written; None where it cannot be read, which the form then says."""
    if not sheet.as_json:
        read = Read(sheet.form)
        if read.problems:
            sheet.form = _with(sheet.form, read.problems)
            sheet.status = INVALID
        return None if read.problems else read.rule
    try:
        rule = msgspec.json.decode(sheet.form.get("json"), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as wrong:
        sheet.form, sheet.status = sheet.form.wrong("json", f"Not a rule: {wrong}"), INVALID
        return None
    return rule


def _turn(sheet: Sheet, way: str) -> None:
    """Show the same in the other way, if it can be."""
    rule = _read(sheet)
    if rule is None or (way == "json") == sheet.as_json:
        return
    if way == "json":
        sheet.form, sheet.as_json = _json(rule), True
        return
    whole = {**EMPTY, **rule}
    try:
        sayable = draft.is_sayable(whole)
    except (AttributeError, KeyError, TypeError, ValueError):
        sayable = False
    if not sayable:
        words = "The form cannot say all of this: it stays as JSON."
        sheet.form = sheet.form.wrong("json", words)
        return
    sheet.form, sheet.as_json = draft.fields(whole), False


def _refused(sheet: Sheet, refused: Refused) -> Form:
    """The form with what is wrong; of JSON, where in it that is."""
    if not sheet.as_json:
        return sheet.form.refused(refused)
    words = "; ".join(f"{one.name}: {one.message}" for one in refused.fields)
    return sheet.form.wrong("json", words or refused.detail)


def _with(form: Form, problems: list[Problem]) -> Form:
    found = Form(form.pairs)
    found.problems, found.problem = tuple(problems), "Some of it cannot be read."
    return found


def _json(rule: Mapping[str, Any]) -> Form:
    said = {name: rule[name] for name in MEMBERS if name in rule}
    text = msgspec.json.format(msgspec.json.encode(said), indent=2).decode()
    return Form([("json", text)])


def _add(form: Form, path: str, kind: str) -> tuple[Form, str]:
    """One more row, and the field that is to be filled in first."""
    row = f"{path}.{len(rows(form, path))}"
    if path == "match.metadata":
        return added(form, path, {"op": "eq", "type": "text"}), f"{row}.path"
    if path == "escalate":
        return added(form, path, {"here": YES}), f"{row}.afterMinutes"
    kind = kind if kind in places.KINDS else "email"
    first = {"email": ".to", "webhook": ".url", "chat": ".url", "push": ".to"}.get(kind, "")
    return added(form, path, {"kind": kind}), f"{row}.{kind}{first}"


async def _show(visit: Visit, sheet: Sheet) -> Response:
    channels, endpoints, templates = await asyncio.gather(
        _all(visit, "channels", Scope.EVENTS_READ, {}),
        _all(visit, "endpoints", Scope.ENDPOINTS_READ, {"limit": LIST_MAX}),
        _all(visit, "templates", Scope.TEMPLATES_READ, {"limit": LIST_MAX, "published": True}),
    )
    zone = visit.zone.key if isinstance(visit.zone, ZoneInfo) else "UTC"
    return visit.page(
        "rules/editor.html",
        sheet.status,
        sheet=sheet,
        form=sheet.form,
        rows=lambda path: rows(sheet.form, path),
        channels=[one["name"] for one in channels],
        endpoints=endpoints,
        viewers_zone=zone,
        kinds=places.KINDS,
        audiences=places.AUDIENCES,
        ops=draft.OPS,
        types=draft.TYPES,
        spans=trial.SPANS,
        span=visit.form.get("span", trial.SPAN),
        silent=trial.SILENT in visit.form,
        tried=sheet.tried,
        target=visit.url("rules", sheet.rule_id, "edit")
        if sheet.rule_id
        else visit.url("rules", "new"),
        json_rows=JSON_ROWS,
        choice=lambda name: _endpoints(endpoints, sheet.form.get(name)),
        templated=lambda name: _templates(templates, sheet.form.get(name)),
        zones=ZONES,
    )


def _endpoints(known: list[Any], chosen: str) -> list[tuple[str, str]]:
    """Endpoints to choose from, also the one that is chosen already."""
    found = [(one["id"], f"{one['name'] or one['url']}"[:NAME_MAX]) for one in known]
    given = chosen and chosen not in {one["id"] for one in known}
    return [*found, (chosen, chosen)] if given else found


def _templates(known: list[Any], chosen: str) -> list[tuple[str, str]]:
    """Templates to choose from, by their aliases."""
    names = sorted({one["alias"] for one in known} | ({chosen} if chosen else set()))
    return [("", "None: the words as they are"), *((name, name) for name in names)]


async def _all(visit: Visit, name: str, scope: Scope, query: dict[str, Any]) -> list[Any]:
    """What the form offers for choice; nothing of what the role may not see."""
    if not visit.api.may(scope):
        return []
    found: list[Any] = (await visit.api.get(f"/v1/{name}", query))[name]
    return found
