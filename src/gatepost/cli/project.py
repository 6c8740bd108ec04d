"""`gatepost project`: the parts of an account."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common

app = App(name="project", help="The parts of an account that events and keys belong to.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command
def create(name: str, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Make a project."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import tenancy
    from gatepost.engine.onboard import found

    local = open_folder(common, create=True)
    with local.write() as tx:
        found(tx, local.now())
        owner = find.account(tx, account)
        made = tenancy.create_project(tx, owner.id, name, local.actor, local.now())
    shown = show.project(made)
    show.one(common, shown, shown["id"])


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List projects, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.projects import store

    with open_folder(common).read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    rows = [show.project(one) for one in mine]
    show.many(common, "projects", rows, ("id", "name", "accountId"))
