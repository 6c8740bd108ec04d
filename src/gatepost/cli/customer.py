"""`gatepost customer`: whom usage is metered for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gatepost.cli import allowance, used
from gatepost.cli.common import COMMON, USAGE, Common, Failure

if TYPE_CHECKING:
    from gatepost.engine.enroll import CustomerChanges

app = App(name="customer", help="Customers: whom usage is metered for, and their quotas.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its identifier or id.")]


@app.command
def register(
    identifier: Annotated[str, Parameter(help="Your own name for it.")],
    /,
    *,
    name: Annotated[str | None, Parameter(help="For people.")] = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Register a customer and print its id, which X-Customer-ID names."""
    from gatepost.base.errors import AppError
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import enroll
    from gatepost.engine.enroll import NewCustomer
    from gatepost.engine.onboard import found

    local = open_folder(common, create=True)
    with local.write() as tx:
        found(tx, local.now())
        owner = find.account(tx, account)
        new = NewCustomer(identifier, name)
        try:
            made = enroll.register(tx, owner.id, new, local.actor, local.now())
        except AppError as error:
            raise _taken(error) from None
    shown = show.customer(made)
    show.one(common, shown, shown["id"])


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List customers, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.customers import store

    with open_folder(common).read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    rows = [show.customer(one) for one in mine]
    show.many(common, "customers", rows, ("id", "identifier", "name", "status", "accountId"))


@Parameter(name="*")
@dataclass(frozen=True)
class Edits:
    """What to change of a customer; what is left out stays."""

    identifier: Annotated[str | None, Parameter(help="Your own name for it.")] = None
    name: Annotated[str | None, Parameter(help="For people.")] = None
    status: Annotated[
        str | None, Parameter(help="active, or inactive: its requests are refused.")
    ] = None
    metadata: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help="NAME=VALUE, repeatable: all of its metadata. off: none.",
        ),
    ] = ()


EDITS = Edits()


@app.command
def update(
    customer: Named,
    /,
    *,
    edits: Edits = EDITS,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Rename, describe, stop or revive a customer.

    Once this returns, no request is admitted on the old terms.
    """
    from gatepost.base.errors import AppError
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import enroll

    changes = _changes(edits)
    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.customer(tx, account, customer)
        try:
            it = enroll.change(tx, it.account_id, it.id, changes, local.actor, local.now())
        except AppError as error:
            raise _taken(error) from None
    shown = show.customer(it)
    show.one(common, shown, f"{show.printable(it.name)}: {it.status}")


@app.command
def delete(customer: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """End a customer, its quota and the keys bound to it; what it used is still told.

    Its identifier is free again. Once this returns, no request for it is admitted.
    """
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import enroll

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.customer(tx, account, customer)
        it = enroll.end(tx, it.account_id, it.id, local.actor, local.now())
    show.one(common, {**show.customer(it), "deleted": True}, f"{show.printable(it.name)}: deleted")


def _taken(error: Exception) -> Exception:
    """The failure that tells who has the identifier; any other error as it is."""
    from gatepost.base.errors import AppError
    from gatepost.cli import show
    from gatepost.domains.customers.model import Customer

    holder = error.extra.get("customer") if isinstance(error, AppError) else None
    if not isinstance(error, AppError) or not isinstance(holder, Customer):
        return error
    return Failure(f"{error.detail}: {show.customer(holder)['id']}")


def _changes(edits: Edits) -> CustomerChanges:
    from msgspec import UNSET

    from gatepost.cli import parse
    from gatepost.domains.customers.model import Status
    from gatepost.engine.enroll import CustomerChanges

    if edits == EDITS:
        message = "nothing to change: give --identifier, --name, --status or --metadata"
        raise Failure(message, USAGE)
    words, status = edits.metadata, edits.status
    pairs = () if words == ("off",) else words
    return CustomerChanges(
        identifier=UNSET if edits.identifier is None else edits.identifier,
        name=UNSET if edits.name is None else edits.name,
        metadata=parse.usage(parse.pairs, pairs) if words else UNSET,
        status=UNSET if status is None else parse.choice(Status, status, "status"),
    )


for command in (used.usage, allowance.quota, allowance.thresholds):
    app.command(command)
