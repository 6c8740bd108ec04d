"""`gatepost domain`: domains that mail is sent from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common, put, put_json, say

if TYPE_CHECKING:
    from gatepost.base.config import Settings
    from gatepost.base.ids import AccountId
    from gatepost.cli.local import Local
    from gatepost.domains.emaildomains.model import SendingDomain
    from gatepost.storage.db import Tx

app = App(name="domain", help="Domains that mail is sent from.")

COLUMNS = ("purpose", "status", "type", "name", "priority", "value")
Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its name or id.")]


@app.command
def add(
    name: str,
    /,
    *,
    trust: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Vouch for it: mail is sent from it without any record. It may be there already.",
        ),
    ] = False,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Add a sending domain, with a DKIM key of its own, and show the records to publish."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import vouch
    from gatepost.engine.onboard import found

    local = open_folder(common, create=True)
    pair = vouch.make_pair()
    with local.write() as tx:
        found(tx, local.now())
        owner = find.account(tx, account)
        made = _trusted(tx, local, owner.id, name) if trust else None
        if made is None:
            new = vouch.NewDomain(
                name=name,
                selector=local.settings.dkim_selector,
                label=local.settings.return_path_label,
                pair=pair,
                trusted=trust,
            )
            made = vouch.create(tx, owner.id, new, local.pepper, local.actor, local.now())
    _print(common, local.settings, made)


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List sending domains, of one account or of all."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.emaildomains import store

    local = open_folder(common)
    with local.read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        mine = [one for owner in owners for one in store.list_(tx, owner.id)]
    rows = [_shown(local.settings, one) for one in mine]
    show.many(common, "domains", rows, ("id", "name", "status", "checkedAt", "accountId"))


@app.command(name="show")
def show_(domain: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Show a sending domain, and the records to publish."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder

    local = open_folder(common)
    with local.read() as tx:
        it = find.sending_domain(tx, account, domain)
    _print(common, local.settings, it)


@app.command
def verify(domain: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Look at the records of a sending domain now."""
    import asyncio

    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.delivery import dnscheck
    from gatepost.engine import vouch

    local = open_folder(common)
    with local.read() as tx:
        it = find.sending_domain(tx, account, domain)
    findings = asyncio.run(dnscheck.look(local.settings, it))
    with local.write() as tx:
        it = vouch.settle(tx, it.account_id, it.id, findings, local.actor, local.now())
    _print(common, local.settings, it)


@app.command
def remove(domain: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Remove a sending domain: nothing more is sent from it."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import vouch

    local = open_folder(common)
    with local.write() as tx:
        it = find.sending_domain(tx, account, domain)
        vouch.end(tx, it.account_id, it.id, local.actor, local.now())
    show.one(common, {**_shown(local.settings, it), "deleted": True}, f"{it.name}: removed")


def _trusted(tx: Tx, local: Local, account_id: AccountId, name: str) -> SendingDomain | None:
    """Vouch for a domain that is there already."""
    from gatepost.domains.emaildomains import store
    from gatepost.engine import vouch

    known = store.find_by_name(tx, account_id, vouch.normal(name))
    if known is None:
        return None
    changes = vouch.DomainChanges(trusted=True)
    return vouch.change(tx, account_id, known.id, changes, local.actor, local.now())


def _print(common: Common, settings: Settings, domain: SendingDomain) -> None:
    """The records on stdout, what is to be done about them on stderr."""
    from gatepost.cli import show

    shown = _shown(settings, domain)
    if common.json:
        put_json(shown)
        return
    put(f"{shown['id']}  {domain.name}  {shown['status']}")
    show.many(common, "records", shown["records"], COLUMNS)
    for record in shown["records"]:
        if record["error"] is not None:
            say(f"{record['purpose']}: {show.printable(record['error'])}")
    if not domain.may_send:
        say(f"publish these records, then: gatepost domain verify {domain.name}")


def _shown(settings: Settings, domain: SendingDomain) -> dict[str, Any]:
    from gatepost.base import clock, ids
    from gatepost.domains.emaildomains import model, records
    from gatepost.engine.vouch import NOUN

    at = domain.checked_at
    layout = records.layout_of(settings)
    return {
        "id": ids.show(NOUN, domain.id),
        "name": domain.name,
        "status": model.status_of(domain),
        "checkedAt": None if at is None else clock.iso(at),
        "accountId": ids.show("account", domain.account_id),
        "records": [
            {
                "purpose": one.purpose,
                "type": one.type,
                "name": one.name,
                "priority": one.priority,
                "value": one.value,
                "status": found.status,
                "error": found.error,
            }
            for one, found in records.found_of(domain, layout)
        ],
    }
