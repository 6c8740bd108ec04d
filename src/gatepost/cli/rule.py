"""`gatepost rule`: when events become messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure, put, put_json

if TYPE_CHECKING:
    from gatepost.cli.local import Local
    from gatepost.dialects.native.rulewire import NewRuleIn
    from gatepost.domains.rules.model import Rule
    from gatepost.engine.backtest import Asked, Tested
    from gatepost.storage.db import Tx

app = App(name="rule", help="When events become messages, and to whom they go.")
COLUMNS = ("id", "name", "enabled", "when", "to", "mutedUntil", "lastError")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Project = Annotated[
    str | None, Parameter(help="Project, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its name or id.")]
Many = Parameter(negative="")


@Parameter(name="*")
@dataclass(frozen=True)
class What:
    """What a rule is to be: all of it in a file, or in flags."""

    file: Annotated[
        str | None, Parameter(help="A file with the rule in JSON, as the API takes it.")
    ] = None
    channel: Annotated[tuple[str, ...], Many] = ()
    """One of these channels; repeatable."""
    tag: Annotated[tuple[str, ...], Many] = ()
    """All of these tags; repeatable."""
    title_contains: str = ""
    """A part of the title."""
    where: Annotated[tuple[str, ...], Many] = ()
    """What a value in the metadata must be, as amount>=1000 or plan=pro; repeatable."""
    endpoint: Annotated[tuple[str, ...], Many] = ()
    """To an endpoint, by its id; repeatable."""
    webhook: Annotated[tuple[str, ...], Many] = ()
    """To a URL; repeatable."""
    email: Annotated[tuple[str, ...], Many] = ()
    """To an address; repeatable."""
    chat: Annotated[tuple[str, ...], Many] = ()
    """To a chat, by its URL; repeatable."""
    title: str = ""
    """A template of the title."""
    body: str = ""
    """A template of the text."""
    priority: str = "normal"
    """high, normal or low."""


WHAT = What()


@app.command
def create(
    name: str,
    /,
    *,
    what: What = WHAT,
    project: Project = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make a rule: it is tried on each event from now on."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import ruletext
    from gatepost.engine import govern

    given, local = _given(name, what), open_folder(common)
    with local.write() as tx:
        owner = find.project(tx, account, project)
        new = ruletext.read_new(given, owner.id, local.settings)
        made = govern.create(tx, owner.account_id, new, _means(local), local.actor, local.now())
    shown = _shown(local, made)
    show.one(common, shown, shown["id"])


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List rules, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.rules import store

    local = open_folder(common)
    with local.read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    rows = [_shown(local, one) for one in mine]
    show.many(common, "rules", rows if common.json else [_brief(one) for one in rows], COLUMNS)


@app.command(name="show")
def show_(name: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Show a rule as the API shows it."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder

    local = open_folder(common)
    with local.read() as tx:
        one = find.rule(tx, account, name)
    put_json(_shown(local, one))


@app.command
def mute(
    name: Named,
    until: Annotated[str, Parameter(help="How long, as 30m or 8h, or until which moment.")],
    /,
    *,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Let a rule tell nothing for a while."""
    from gatepost.cli import parse

    def moment(now: int) -> int:
        try:
            return parse.end(until, now)
        except ValueError as error:
            raise Failure(str(error), USAGE) from None

    _mute(common, account, name, moment)


@app.command
def unmute(name: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Let a muted rule tell again."""
    _mute(common, account, name, lambda _now: None)


@app.command
def delete(name: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """End a rule. What it has told already is still delivered."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import govern

    local = open_folder(common)
    with local.write() as tx:
        one = find.rule(tx, account, name)
        gone = govern.end(tx, one.account_id, one.id, local.actor, local.now())
    shown = _shown(local, gone)
    show.one(common, shown, shown["id"])


@app.command
def backtest(
    name: Annotated[str | None, Parameter(help="A rule's name or id; none with --file.")] = None,
    /,
    *,
    file: Annotated[str | None, Parameter(help="A rule to be, in JSON.")] = None,
    since: Annotated[str, Parameter(help="From which moment on, or as 7d ago.")] = "1d",
    silent: Annotated[bool, Parameter(negative="", help="Events that never notify, too.")] = False,
    project: Project = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Show what a rule would have told. Nothing is sent."""
    from gatepost.cli import parse
    from gatepost.cli.local import open_folder
    from gatepost.engine import backtest as tests
    from gatepost.engine.backtest import Asked

    local = open_folder(common)
    now = local.now()
    try:
        asked = Asked(parse.past(since, now), now + 1, silent)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    with local.read() as tx:
        rule = _tried(tx, local, name, file, (account, project))
        tested = tests.run(tx, rule, asked, _means(local))
    _report(common, asked, tested)


def _tried(
    tx: Tx, local: Local, name: str | None, file: str | None, whose: tuple[str | None, str | None]
) -> Rule:
    from gatepost.cli import find
    from gatepost.dialects.native import ruletext
    from gatepost.engine import govern

    account, project = whose
    if (name is None) == (file is None):
        raise Failure("give a rule's name or id, or --file", USAGE)
    if name is not None:
        return find.rule(tx, account, name)
    owner = find.project(tx, account, project)
    given = _given("backtest", What(file=file))
    new = ruletext.read_new(given, owner.id, local.settings)
    return govern.draft(tx, owner.account_id, new, _means(local), local.now())


def _report(common: Common, asked: Asked, tested: Tested) -> None:
    from gatepost.cli import show
    from gatepost.dialects.native import backtests

    out = backtests.show(asked, tested)
    if common.json:
        put_json(out)
        return
    rows = [{"at": one.at, "title": one.title, "body": one.body} for one in out.alerts]
    show.many(common, "alerts", rows, ("at", "title", "body"))
    end = "" if out.complete else f", up to {out.until}"
    put(f"{out.told} alerts of {out.events} events{end}")


def _mute(common: Common, account: str | None, name: str, moment: Any) -> None:
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import govern

    local = open_folder(common)
    with local.write() as tx:
        one, now = find.rule(tx, account, name), local.now()
        changed = govern.mute(tx, one.account_id, one.id, moment(now), local.actor, now)
    shown = _shown(local, changed)
    show.one(common, shown, shown["mutedUntil"] or shown["id"])


def _given(name: str, what: What) -> NewRuleIn:
    """The rule that flags or a file describe; raises INVALID."""
    import json
    from pathlib import Path

    from gatepost.dialects.native.rulewire import NewRuleIn
    from gatepost.web.validate import Body

    if what.file is None:
        body = json.dumps(_described(name, what)).encode()
    else:
        try:
            whole = json.loads(Path(what.file).read_bytes())
        except ValueError:
            raise Failure(f"{what.file} is no JSON", USAGE) from None
        body = json.dumps({**whole, "name": name} if isinstance(whole, dict) else whole).encode()
    given: NewRuleIn = Body(NewRuleIn).decode(body)
    return given


def _described(name: str, what: What) -> dict[str, Any]:
    to: list[dict[str, Any]] = [{"endpoint": one} for one in what.endpoint]
    to += [{"webhook": {"url": one}} for one in what.webhook]
    to += [{"chat": {"url": one}} for one in what.chat]
    if what.email:
        to.append({"email": {"to": list(what.email)}})
    match = {
        "channels": list(what.channel),
        "tags": {"all": list(what.tag)},
        "title": {"contains": what.title_contains},
        "metadata": [_test(one) for one in what.where],
    }
    text = {"title": what.title, "body": what.body}
    return {"name": name, "match": match, "to": to, "text": text, "priority": what.priority}


def _test(text: str) -> dict[str, Any]:
    """Read `amount>=1000`, `plan=pro`, `plan!=free`, `codes~x` or `coupon` alone: there is one."""
    import re

    marks = {"=": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "~": "contains"}
    match = re.fullmatch(r"([^=!<>~]+)(?:(>=|<=|!=|=|>|<|~)(.*))?", text, re.DOTALL)
    if match is None:
        raise Failure(f"{text!r} is no condition: write amount>=1000, plan=pro or coupon", USAGE)
    path, mark, value = match.groups()
    if mark is None:
        return {"path": path.strip(), "op": "exists"}
    return {"path": path.strip(), "op": marks[mark], "value": _value(value.strip())}


def _value(text: str) -> Any:
    """A number, true, false, null or a text in quotes as JSON, anything else as a text."""
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def _means(local: Local) -> Any:
    from gatepost.engine.ways import Means

    return Means(local.settings, local.pepper)


def _shown(local: Local, rule: Rule) -> dict[str, Any]:
    import msgspec

    from gatepost.base.vault import Damaged
    from gatepost.dialects.native import ruletext
    from gatepost.domains.rules.told import Told
    from gatepost.engine import tally

    try:
        way = _means(local).ways.open(rule)
    except Damaged:
        way = None
    with local.read() as tx:
        told = tally.of(tx, [rule]).get(rule.id, Told())
    shown: dict[str, Any] = msgspec.to_builtins(ruletext.show(rule, way, told, local.now()))
    return shown


def _brief(shown: dict[str, Any]) -> dict[str, Any]:
    """What fits into columns."""
    to = [next(iter(one)) for one in shown["to"]]
    error = shown["lastError"]
    return {
        **shown,
        "when": shown["when"]["type"],
        "to": to,
        "lastError": None if error is None else error["message"],
    }
