"""`gatepost messages secret`: what webhooks are signed with that go to no endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common, say
from gatepost.cli.hidden import HIDDEN, Hidden

if TYPE_CHECKING:
    from gatepost.base.ids import AccountId
    from gatepost.cli.local import Local
    from gatepost.engine.sign import Signing

app = App(name="secret", help="What webhooks are signed with that go to no endpoint.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command(name="show")
def show_(*, account: Account = None, common: Common = COMMON) -> None:
    """Show the secret that an account signs with."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import sign

    local = open_folder(common)
    with local.read() as tx:
        owner = find.account(tx, account).id
        found = sign.current(tx, owner, _default(local, owner), sign.Ring(local.pepper))
    _print(common, owner, found)


@app.command
def rotate(
    *,
    grace: Annotated[
        int, Parameter(help="Seconds the former secret signs as well, up to 7 days.")
    ] = 86_400,
    hidden: Hidden = HIDDEN,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Sign with a new secret from now on, your own or one that is made, and print it."""
    from msgspec import UNSET

    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native.endpointwire import read_secret
    from gatepost.engine import sign

    local, new = open_folder(common), read_secret(hidden.read() or UNSET)
    ring = sign.Ring(local.pepper)
    with local.write() as tx:
        owner = find.account(tx, account).id
        default, now = _default(local, owner), local.now()
        chosen = sign.choose(tx, owner, new, grace, default, ring, local.actor, now)
    _print(common, owner, chosen)


@app.command
def delete(*, account: Account = None, common: Common = COMMON) -> None:
    """Sign with the secret that the account began with again."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import sign

    local = open_folder(common)
    with local.write() as tx:
        owner = find.account(tx, account).id
        sign.drop(tx, owner, local.actor, local.now())
    if not common.json:
        say("the secret that was chosen is forgotten; this one signs again")
    _print(common, owner, sign.Signing(_default(local, owner)))


def _default(local: Local, owner: AccountId) -> str:
    from gatepost.delivery import signing

    return signing.secret_of(local.pepper, owner)


def _print(common: Common, owner: AccountId, found: Signing) -> None:
    import msgspec

    from gatepost.base import ids
    from gatepost.cli import show
    from gatepost.dialects.native import messagesecret

    shown = msgspec.to_builtins(messagesecret.show(found))
    show.one(common, {"accountId": ids.show("account", owner), **shown}, found.secret)
