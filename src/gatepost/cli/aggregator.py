"""`gatepost aggregator`: sets of counters, and what was counted in them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure

app = App(name="aggregator", help="Sets of counters: what events are counted in.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command
def create(
    name: str,
    /,
    *,
    timezone: Annotated[str, Parameter(help="Whose days its reports show.")] = "UTC",
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make an aggregator."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import aggregate
    from gatepost.engine.onboard import found

    local = open_folder(common, create=True)
    with local.write() as tx:
        found(tx, local.now())
        owner = find.account(tx, account)
        made = aggregate.create_aggregator(
            tx, owner.id, name, local.actor, local.now(), timezone=timezone
        )
    shown = show.aggregator(made)
    show.one(common, shown, shown["id"])


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List aggregators, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.aggregators import store

    with open_folder(common).read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    rows = [show.aggregator(one) for one in mine]
    show.many(common, "aggregators", rows, ("id", "name", "timezone", "archived", "accountId"))


@app.command
def report(
    name: Annotated[str, Parameter(help="Its name or id.")],
    /,
    *,
    days: Annotated[int, Parameter(help="How many days back.")] = 30,
    bucket: Annotated[str, Parameter(help="hour, day, week, month or none.")] = "day",
    by: Annotated[str, Parameter(help="event, tag, prefix, event_tag or none.")] = "none",
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Show what was counted, by period, name or tag."""
    from gatepost.base import clock
    from gatepost.base.clock import DAY_MS
    from gatepost.base.periods import Bucket
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.aggregators import counts
    from gatepost.domains.aggregators.report import Ask, GroupBy

    try:
        how, group = Bucket(bucket), GroupBy(by)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    local = open_folder(common)
    until = local.now() + 1
    with local.read() as tx:
        one = find.aggregator(tx, account, name)
        since = until - days * DAY_MS
        ask = Ask(since=since, until=until, zone=one.timezone, bucket=how, group_by=group)
        made = counts.report(tx, (one.account_id, one.id), ask)
    rows = [
        {
            "start": clock.iso(line.start),
            "end": clock.iso(line.end),
            "group": f"{line.group} {line.tag}".rstrip(" "),
            "count": line.events,
        }
        for line in made.lines
    ]
    show.many(common, "rows", rows, ("start", "group", "count"))
