"""`gatepost account`: the tenants of this installation."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common
from gatepost.domains.accounts.model import Status

app = App(name="account", help="The tenants of this installation.")


@app.command
def create(
    name: str,
    /,
    *,
    plan: Annotated[str, Parameter(help="Whose limits and quotas hold for it.")] = "default",
    common: Common = COMMON,
) -> None:
    """Make an account."""
    from gatepost.cli import show
    from gatepost.cli.local import open_folder
    from gatepost.engine import tenancy

    local = open_folder(common, create=True)
    with local.write() as tx:
        made = tenancy.create_account(tx, name, plan, local.actor, local.now())
    shown = show.account(made)
    show.one(common, shown, shown["id"])


@app.command(name="list")
def list_(*, common: Common = COMMON) -> None:
    """List the accounts, oldest first."""
    from gatepost.cli import show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store

    with open_folder(common).read() as tx:
        found = store.list_(tx)
    rows = [show.account(one) for one in found]
    show.many(common, "accounts", rows, ("id", "name", "status", "plan"))


@app.command
def set_status(
    name: Annotated[str, Parameter(help="Its name or id.")],
    status: Annotated[Status, Parameter(help="What it becomes.")],
    /,
    *,
    common: Common = COMMON,
) -> None:
    """Switch an account on or off: only the keys of an active one work."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import tenancy

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.account(tx, name)
        changed = tenancy.set_account_status(tx, it.id, status, local.actor, local.now())
    show.one(common, show.account(changed), f"{changed.name}: {changed.status}")
