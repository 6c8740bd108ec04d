"""`gatepost gate`: keys of your own users, and whether they may do what they ask for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gatepost.cli import gatekey
from gatepost.cli.common import COMMON, FAILED, OK, Common, put

if TYPE_CHECKING:
    from gatepost.base.ids import AccountId, CustomerId
    from gatepost.cli.local import Local
    from gatepost.dialects.native.gatewire import CheckIn
    from gatepost.gate.check import Checked
    from gatepost.storage.db import Tx

app = App(name="gate", help="Keys of your own users, and whether they may do what they ask for.")
app.command(gatekey.app)


@Parameter(name="*")
@dataclass(frozen=True)
class Wish:
    """What somebody would like to do."""

    scope: Annotated[str | None, Parameter(help="What is to be done.")] = None
    route: Annotated[
        str, Parameter(help="What usage shall name it by, as `POST /orders`.", show_default=False)
    ] = ""
    cost: Annotated[int, Parameter(help="How many units of its quotas it is worth.")] = 1
    customer: Annotated[
        str | None,
        Parameter(help="The customer it is done for, by identifier or id; else the key's own."),
    ] = None
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Charge and meter nothing.")
    ] = False


WISH = Wish()


@app.command
def check(
    secret: Annotated[str | None, Parameter(help="The secret; else it is read from stdin.")] = None,
    /,
    *,
    wish: Wish = WISH,
    common: Common = COMMON,
) -> int:
    """Check a gate key as the API does, except for its limits, which the server keeps.

    Ends with 1 if it is refused.
    """
    from gatepost.cli.common import put_json
    from gatepost.cli.local import open_folder
    from gatepost.dialects.native import gatewire
    from gatepost.domains.usage import store as usage
    from gatepost.gate.check import settle

    given = _given(sys.stdin.read().strip() if secret is None else secret, wish)
    local = open_folder(common)
    with local.write() as tx:
        usage.make_parts(tx, local.now())  # perhaps no server has run of late
        (decision,) = settle(tx, [_look(tx, local, given, wish.customer)])
    if common.json:
        put_json(gatewire.show(decision))
    else:
        put("allowed" if decision.reason is None else str(decision.reason))
    return OK if decision.reason is None else FAILED


def _given(secret: str, wish: Wish) -> CheckIn:
    """The check as the API takes it, within the same bounds; raises INVALID."""
    from gatepost.dialects.native.gatewire import CheckIn
    from gatepost.web import validate

    members = {
        "key": secret,
        "scope": wish.scope,
        "route": wish.route,
        "cost": wish.cost,
        "dryRun": wish.dry_run,
    }
    return validate.convert(CheckIn, members)


def _look(tx: Tx, local: Local, given: CheckIn, customer: str | None) -> Checked:
    """Look a check up, on behalf of whosever key it is."""
    from gatepost.base import crypto
    from gatepost.gate.check import Ask, Checked, Reason, admit, judge
    from gatepost.gate.checker import find_clients, find_holders

    (holder,) = find_holders(tx, [crypto.digest(local.pepper, given.key)])
    owner = None if holder is None else holder.key.account_id
    named = None if owner is None or customer is None else _customer(tx, owner, customer)
    ask = Ask(given.key, given.scope, given.route, given.cost, named, given.dry_run)
    found = Checked(ask, local.now(), "", holder, touch=True)
    if holder is None:
        found.reason = Reason.KEY_NOT_FOUND
        return found
    payer = judge(holder.key, found)
    if payer is not None:
        admit(found, *find_clients(tx, [holder.key.account_id + payer]))
    return found


def _customer(tx: Tx, account_id: AccountId, named: str) -> CustomerId:
    """The customer of that identifier, or else the one with that id."""
    from gatepost.dialects.native.gatewire import read_customer
    from gatepost.domains.customers import store

    known = store.find_by_identifier(tx, account_id, named)
    return known.id if known else read_customer(named)
