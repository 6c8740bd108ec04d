"""`gatepost plan`: limits and quotas as data."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common

app = App(name="plan", help="Plans: the limits and quotas of accounts.")

Limit = Annotated[str | None, Parameter(help="As 100/60s or 2/1s,5000/1d, or off.")]


@app.command(name="list")
def list_(*, common: Common = COMMON) -> None:
    """List the plans by name."""
    from gatepost.cli import show
    from gatepost.cli.local import open_folder
    from gatepost.domains.plans import store

    with open_folder(common).read() as tx:
        found = store.list_(tx)
    columns = ("name", "keyLimit", "accountLimit", "quotas", "title")
    show.many(common, "plans", [show.plan(one) for one in found], columns)


@app.command(name="set")
def set_(
    name: str,
    /,
    *,
    title: Annotated[str | None, Parameter(help="For people.")] = None,
    key_limit: Limit = None,
    account_limit: Limit = None,
    mail_limit: Limit = None,
    quota: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            help="NAME=LIMIT:METERS:PERIOD, as emails=1000:email,webhook:month; repeatable. "
            "All quotas are replaced; off leaves none.",
        ),
    ] = (),
    common: Common = COMMON,
) -> None:
    """Make a plan or change one; what is not named stays. It holds once this returns."""
    import msgspec

    from gatepost.cli import parse, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.plans import store
    from gatepost.domains.plans.model import Plan
    from gatepost.engine import tenancy

    changes = {
        "title": title,
        "key_limits": parse.given(parse.limits, key_limit),
        "account_limits": parse.given(parse.limits, account_limit),
        "mail_limits": parse.given(parse.limits, mail_limit),
        "quotas": parse.usage(parse.quotas, quota) if quota else None,
    }
    local = open_folder(common)
    with local.write(revokes=True) as tx:
        before = store.find(tx, name) or Plan(name, "")
        wanted = {key: value for key, value in changes.items() if value is not None}
        after = msgspec.structs.replace(before, **wanted)
        tenancy.save_plan(tx, after, local.actor, local.now())
    show.one(common, show.plan(after), f"{name}: saved")
