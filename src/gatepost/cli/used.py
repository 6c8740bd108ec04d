"""`gatepost customer usage`: what a customer used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter
from msgspec import UNSET

from gatepost.cli.common import COMMON, Common, put_json, say

if TYPE_CHECKING:
    from gatepost.base.ids import AccountId
    from gatepost.domains.usage.report import Ask, Dimension, Line, Value
    from gatepost.storage.db import Tx

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@Parameter(name="*")
@dataclass(frozen=True)
class Stretch:
    """Which usage, and how it is told apart."""

    since: Annotated[
        str | None,
        Parameter(name="--from", help="The first moment or day; else the month's."),
    ] = None
    until: Annotated[
        str | None, Parameter(name="--to", help="The first moment or day after it.")
    ] = None
    granularity: Annotated[
        str, Parameter(help="How long a line's period is: total, hour, day or month.")
    ] = "total"
    timezone: Annotated[str, Parameter(help="Whose days and months these are.")] = "UTC"
    by: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="endpoint, method, status, key or project; repeatable."),
    ] = ()


STRETCH = Stretch()


def usage(
    customer: Annotated[str, Parameter(help="Its identifier or id; one that was ended by its id.")],
    /,
    *,
    stretch: Stretch = STRETCH,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Show what a customer used: requests that succeeded, their units, and those that failed."""
    from gatepost.base import clock
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.usage import reads, report

    local = open_folder(common)
    ask = _ask(stretch, local.now())
    report.check(ask, local.now())
    with local.read() as tx:
        it = find.past_customer(tx, account, customer)
        ask = msgspec.structs.replace(ask, customers=(it.id,))
        made = reads.report(tx, it.account_id, ask)
        adjusted = reads.adjusted(tx, it.account_id, ask)
        rows = _rows(tx, it.account_id, ask, made.lines)
    if not common.json:
        flat = [{**row, **row["group"]} for row in rows]
        show.many(common, "rows", flat, ("start", *ask.group_by, "requests", "units", "errors"))
        if adjusted.requests or adjusted.units:
            say(f"Corrected by {adjusted.requests:+} requests and {adjusted.units:+} units")
        return
    put_json(
        {
            "customerId": show.customer(it)["id"],
            "from": clock.iso(ask.since),
            "to": clock.iso(ask.until),
            "timezone": ask.zone,
            "granularity": stretch.granularity,
            "groupBy": ask.group_by,
            "totals": made.totals,
            "adjustments": {"requests": adjusted.requests, "units": adjusted.units},
            "rows": rows,
        }
    )


def _ask(stretch: Stretch, now: int) -> Ask:
    from gatepost.base.periods import Bucket, check_zone
    from gatepost.cli import parse
    from gatepost.domains.usage.report import Ask, Dimension
    from gatepost.web.usage import Granularity, UsageQuery, range_of

    how = parse.choice(Granularity, stretch.granularity, "granularity")
    groups = [one for one in Dimension if one is not Dimension.CUSTOMER]
    query = UsageQuery(
        from_=UNSET if stretch.since is None else stretch.since,
        to=UNSET if stretch.until is None else stretch.until,
    )
    zone = check_zone(stretch.timezone)
    since, until = range_of(query, zone, now)
    return Ask(
        since=since,
        until=until,
        zone=zone,
        bucket=Bucket.NONE if how is Granularity.TOTAL else Bucket(how),
        group_by=tuple(dict.fromkeys(parse.choice(groups, one, "by") for one in stretch.by)),
    )


def _rows(tx: Tx, account_id: AccountId, ask: Ask, lines: Sequence[Line]) -> list[dict[str, Any]]:
    from gatepost.base import clock
    from gatepost.base.ids import KeyId
    from gatepost.domains.keys import store as keys
    from gatepost.domains.usage.report import Dimension

    used: set[KeyId] = set()
    if Dimension.KEY in ask.group_by:
        at = ask.group_by.index(Dimension.KEY)
        used = {KeyId(one) for line in lines if isinstance(one := line.group[at], bytes)}
    known: set[bytes] = {*keys.named(tx, account_id, used)} if used else set()
    return [
        {
            "start": clock.iso(line.start),
            "end": clock.iso(line.end),
            "group": {
                str(one): _value(one, value, known)
                for one, value in zip(ask.group_by, line.group, strict=True)
            },
            "requests": line.figures.requests,
            "units": line.figures.units,
            "errors": line.figures.errors,
        }
        for line in lines
    ]


def _value(dimension: Dimension, value: Value, known: Collection[bytes]) -> str | int | None:
    """As the API shows it: no project is null, and keys of the account are told from gate keys."""
    from gatepost.base import ids
    from gatepost.domains.usage.report import Dimension

    if not isinstance(value, bytes):
        return value
    if dimension is Dimension.KEY:
        return ids.show("key" if value in known else "gatekey", value)
    return ids.show(dimension, value) if any(value) else None
