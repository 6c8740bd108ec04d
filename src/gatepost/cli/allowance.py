"""`gatepost customer quota` and `thresholds`: how much a customer may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure

if TYPE_CHECKING:
    from gatepost.domains.customers.model import Customer, CustomerQuota, Notice
    from gatepost.engine.enroll import QuotaStanding
    from gatepost.storage.db import Tx

PERCENT = 100

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its identifier or id.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Terms:
    """How much a customer may use."""

    limit: Annotated[int | None, Parameter(help="At most so many a period.")] = None
    metric: Annotated[str, Parameter(help="requests or units.")] = "requests"
    period: Annotated[str, Parameter(help="day or month.")] = "month"
    timezone: Annotated[str, Parameter(help="Whose days and months these are.")] = "UTC"
    mode: Annotated[str, Parameter(help="soft: more is told. hard: more is refused.")] = "soft"
    threshold: Annotated[
        tuple[int, ...],
        Parameter(negative="", help="A percentage, told when it is reached; repeatable."),
    ] = (50, 80, 100)


TERMS = Terms()


def quota(
    customer: Named,
    /,
    *,
    terms: Terms = TERMS,
    remove: Annotated[
        bool, Parameter(negative="", show_default=False, help="Let it use what it likes.")
    ] = False,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Say how much a customer may use; without --limit, show how its quota stands."""
    from gatepost.cli import show

    wanted = _quota(terms, remove=remove)
    if remove:
        _remove(customer, account, common)
        return
    it, standing = _stand(customer, account, common, wanted)
    of = standing.quota
    text = f"{standing.used} of {of.limit} {of.metric} used this {of.period}, {of.mode}"
    show.one(common, show.quota(it, standing), text)


def thresholds(customer: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """List the thresholds of a customer's quota, and when its running period has reached them."""
    from gatepost.base import clock
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.customers import allowances

    local = open_folder(common)
    with local.read() as tx:
        it = find.customer(tx, account, customer)
        of = allowances.find(tx, it.account_id, it.id)
        if of is None:
            raise _no_quota(it)
        reached = _reached(tx, it, of, local.now())
    rows = [
        {
            "threshold": one,
            "amount": -(-of.limit * one // PERCENT),
            "reachedAt": clock.iso(reached[one].at) if one in reached else None,
            "used": reached[one].used if one in reached else None,
        }
        for one in of.thresholds
    ]
    show.many(common, "thresholds", rows, ("threshold", "amount", "reachedAt", "used"))


def _reached(tx: Tx, customer: Customer, of: CustomerQuota, now: int) -> dict[int, Notice]:
    """What was told in the running period, by its threshold."""
    from gatepost.domains.customers import allowances

    start, _ = of.bounds(now)
    return {
        one.threshold: one
        for one in allowances.reached(tx, customer.account_id, customer.id, start)
        if (one.quota.metric, one.quota.period) == (of.metric, of.period)
    }


def _stand(
    customer: str, account: str | None, common: Common, wanted: CustomerQuota | None
) -> tuple[Customer, QuotaStanding]:
    """Set a customer's quota, if one is wanted, and tell how it stands."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import enroll

    local = open_folder(common)
    with local.write(revokes=True) if wanted else local.read() as tx:
        it = find.customer(tx, account, customer)
        if wanted:
            enroll.set_quota(tx, it.account_id, it.id, wanted, local.actor, local.now())
        standing = enroll.standing(tx, it.account_id, it.id, local.now())
    if standing is None:
        raise _no_quota(it)
    return it, standing


def _remove(customer: str, account: str | None, common: Common) -> None:
    from gatepost.base import ids
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import enroll

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.customer(tx, account, customer)
        enroll.remove_quota(tx, it.account_id, it.id, local.actor, local.now())
    shown = {"customerId": ids.show("customer", it.id), "deleted": True}
    show.one(common, shown, f"{show.printable(it.name)}: no quota")


def _no_quota(of: Customer) -> Failure:
    return Failure(f"{of.name} has no quota")


def _quota(terms: Terms, *, remove: bool) -> CustomerQuota | None:
    """The quota that is wanted, None where none is; terms of one without a limit are a mistake."""
    from gatepost.base.periods import Bucket
    from gatepost.cli import parse
    from gatepost.domains.customers.model import CustomerQuota, Metric, Mode

    if terms.limit is None or remove:
        if terms != TERMS:
            message = "--remove stands alone" if remove else "a quota needs its --limit"
            raise Failure(message, USAGE)
        return None
    return CustomerQuota(
        metric=parse.choice(Metric, terms.metric, "metric"),
        limit=terms.limit,
        period=parse.choice((Bucket.DAY, Bucket.MONTH), terms.period, "period"),
        timezone=terms.timezone,
        mode=parse.choice(Mode, terms.mode, "mode"),
        thresholds=terms.threshold,
    )
