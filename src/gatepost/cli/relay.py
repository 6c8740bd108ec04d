"""`gatepost relay`: routes that lead through Gatepost to an API of one's own."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common

app = App(name="relay", help="Routes that lead through Gatepost to an API of your own.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command
def add(  # noqa: PLR0913 # each is a flag
    method: Annotated[str, Parameter(help="GET, POST, …, or ANY.")],
    path: Annotated[str, Parameter(help="As /items/{id}, or /items/* for all below it.")],
    upstream: Annotated[str, Parameter(help="Where it leads: an http or https URL.")],
    /,
    *,
    units: Annotated[
        str, Parameter(help="A request's worth: 1, array, or a JSON pointer into its body.")
    ] = "1",
    customer: Annotated[
        str, Parameter(help="Whether requests name their customer: required, optional, ignored.")
    ] = "optional",
    scope: Annotated[str, Parameter(help="The scope a key needs for it.")] = "data:write",
    timeout_s: Annotated[float, Parameter(help="How long the upstream has to answer.")] = 30.0,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Declare a route. It may lead to any address, unlike those declared over the API.

    A server that runs knows it when the command returns.
    """
    from gatepost.cli import find, parse, show
    from gatepost.cli.local import open_folder
    from gatepost.dialects import DIALECTS
    from gatepost.domains.relays.model import CustomerRule
    from gatepost.engine import route
    from gatepost.engine.onboard import found
    from gatepost.engine.route import NewRelay
    from gatepost.web.router import templates

    new = NewRelay(
        method=method.upper(),
        path=path,
        upstream=upstream,
        units=units,
        scope=scope,
        customer=parse.choice(CustomerRule, customer, "customer"),
        timeout_ms=round(timeout_s * 1000),
        trusted=True,
    )
    local = open_folder(common, create=True)
    with local.write(revokes=True) as tx:
        found(tx, local.now())
        owner = find.account(tx, account)
        made = route.declare(tx, owner.id, new, templates(DIALECTS), local.actor, local.now())
    shown = show.relay(made)
    show.one(common, shown, shown["id"])


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List relays, of one account or of all, and those of the settings."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.relays import store
    from gatepost.engine.route import everybodys

    local = open_folder(common)
    with local.read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    rows = [show.relay(one) for one in (*mine, *everybodys(local.settings, ()))]
    columns = ("id", "method", "path", "upstream", "units", "customer", "accountId")
    show.many(common, "relays", rows, columns)


@app.command
def remove(
    relay: Annotated[str, Parameter(help="Its id, or its method.")],
    path: Annotated[str | None, Parameter(help="Its path, after a method.")] = None,
    /,
    *,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """End a route. A server that runs knows it when the command returns."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import route

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        one = find.relay(tx, account, relay, path)
        gone = route.end(tx, one.account_id, one.id, local.actor, local.now())
    shown = show.relay(gone)
    show.one(common, shown, shown["id"])


@app.command
def secret(*, account: Account = None, common: Common = COMMON) -> None:
    """Show the secret that upstreams check an account's signatures with."""
    from gatepost.base import ids
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.web.relay.signing import secret_of

    local = open_folder(common)
    with local.read() as tx:
        owner = find.account(tx, account)
    text = secret_of(local.pepper, owner.id)
    show.one(common, {"accountId": ids.show("account", owner.id), "secret": text}, text)
