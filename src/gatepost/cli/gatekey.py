"""`gatepost gate key`: keys of your own users, whose secrets are shown once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common, say

if TYPE_CHECKING:
    from gatepost.base.ids import AccountId
    from gatepost.domains.gatekeys.model import GateKey, GateQuota
    from gatepost.engine.mint import Minted, NewGateKey
    from gatepost.storage.db import Tx

app = App(name="key", help="Gate keys: a secret is shown once, when it is made.")

QUOTA = re.compile(r"(?P<limit>\d{1,15})/(?P<period>day|month)")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]
Project = Annotated[
    str | None, Parameter(help="Project, by name or id; not needed where there is only one.")
]
Named = Annotated[str, Parameter(help="Its id, or its name where no other has it.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Grants:
    """What a new gate key may do."""

    prefix: Annotated[str, Parameter(help="What its secret begins with.")] = "key"
    scope: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="A word of your own; `*` at its end grants all; repeatable."),
    ] = ()
    limit: Annotated[str | None, Parameter(help="Its limits, as 100/60s or 2/1s,5000/1d.")] = None
    quota: Annotated[str | None, Parameter(help="Its quota, as 1000/day or 10000/month.")] = None
    customer: Annotated[
        str | None, Parameter(help="Bind it to a customer, by identifier or id.")
    ] = None
    expires: Annotated[
        str | None, Parameter(help="When it ends: 2031-12-31, a time with offset, or 30d, 12h.")
    ] = None


GRANTS = Grants()


@app.command
def create(
    name: str,
    /,
    *,
    project: Project = None,
    grants: Grants = GRANTS,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make a gate key and print its secret, this once."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import mint

    local = open_folder(common)
    with local.write() as tx:
        owner = find.project(tx, account, project)
        new = _new(tx, owner.account_id, grants, local.now(), name=name, project_id=owner.id)
        made = mint.create(tx, new, pepper=local.pepper, actor=local.actor, now=local.now())
    _show_secret(common, made)


@app.command(name="list")
def list_(
    *,
    project: Project = None,
    customer: Annotated[
        str | None, Parameter(help="Only those bound to a customer, by identifier or id.")
    ] = None,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """List gate keys, newest first, of one project, of one account or of all."""
    from gatepost.cli import show
    from gatepost.cli.local import open_folder

    with open_folder(common).read() as tx:
        found = _listed(tx, account, project, customer)
    columns = ("id", "name", "start", "scopes", "limit", "quota", "enabled", "lastUsedAt")
    show.many(common, "keys", [_shown(key) for key in found], columns)


@app.command
def rotate(
    key: Named,
    /,
    *,
    grace: Annotated[int, Parameter(help="Seconds the old secret still works, up to 7 days.")] = 0,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Give a gate key a new secret and print it, this once. What it has used stays."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import mint

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.gate_key(tx, account, key)
        made = mint.rotate(
            tx,
            it.account_id,
            it.id,
            grace_s=grace,
            pepper=local.pepper,
            actor=local.actor,
            now=local.now(),
        )
    _show_secret(common, made)


@app.command
def disable(key: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Switch a gate key off; once this returns, no check of it is allowed."""
    _switch(key, account, common, enabled=False)


@app.command
def enable(key: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Switch a gate key on again."""
    _switch(key, account, common, enabled=True)


@app.command
def delete(key: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """End a gate key for good; once this returns, nobody finds it any more."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import mint

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.gate_key(tx, account, key)
        mint.delete(tx, it.account_id, it.id, actor=local.actor, now=local.now())
    show.one(common, {**_shown(it), "deleted": True}, f"{show.printable(it.name)}: deleted")


def _switch(key: str, account: str | None, common: Common, *, enabled: bool) -> None:
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import mint

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.gate_key(tx, account, key)
        changes = mint.GateKeyChanges(enabled=enabled)
        it = mint.update(tx, it.account_id, it.id, changes, actor=local.actor, now=local.now())
    text = f"{show.printable(it.name)}: {'enabled' if enabled else 'disabled'}"
    show.one(common, _shown(it), text)


def _listed(
    tx: Tx, account: str | None, project: str | None, customer: str | None
) -> list[GateKey]:
    from gatepost.cli import find
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.gatekeys import store

    owners = [find.account(tx, account).id] if account else [one.id for one in accounts.list_(tx)]
    part = find.project(tx, account, project) if project else None
    owners = [part.account_id] if part else owners
    client = find.customer_of(tx, owners, customer) if customer else None
    return [
        key
        for owner in ([client.account_id] if client else owners)
        for key in store.list_(
            tx,
            owner,
            project_id=part.id if part else None,
            customer_id=client.id if client else None,
        )
    ]


def _new(tx: Tx, account_id: AccountId, grants: Grants, now: int, **more: Any) -> NewGateKey:
    from gatepost.cli import find, parse
    from gatepost.engine.mint import NewGateKey

    of = grants.customer
    return NewGateKey(
        account_id=account_id,
        prefix=grants.prefix,
        scopes=grants.scope,
        limits=parse.given(parse.limits, grants.limit) or (),
        quota=parse.given(_quota, grants.quota),
        customer_id=None if of is None else find.customer_of(tx, [account_id], of).id,
        expires_at=parse.given(parse.end, grants.expires, now),
        **more,
    )


def _quota(text: str) -> GateQuota:
    from gatepost.base.periods import Bucket
    from gatepost.domains.gatekeys.model import GateQuota

    match = QUOTA.fullmatch(text)
    if match is None:
        message = f"{text!r} is not a quota: write 1000/day or 10000/month"
        raise ValueError(message)
    return GateQuota(limit=int(match["limit"]), period=Bucket(match["period"]))


def _show_secret(common: Common, made: Minted) -> None:
    from gatepost.cli import show

    if not common.json:
        say(f"{show.printable(made.key.name)}: this secret is shown once")
    show.one(common, {**_shown(made.key), "key": made.secret}, made.secret)


def _shown(key: GateKey) -> dict[str, Any]:
    from gatepost.base import clock, ids
    from gatepost.domains.plans.model import show_limits
    from gatepost.engine.mint import NOUN

    quota, used = key.quota, key.last_used_at
    return {
        "id": ids.show(NOUN, key.id),
        "name": key.name,
        "projectId": ids.show("project", key.project_id),
        "start": key.start,
        "scopes": key.scopes,
        "limit": show_limits(key.limits) if key.limits else None,
        "quota": f"{quota.limit}/{quota.period}" if quota else None,
        "customerId": ids.show("customer", key.customer_id) if key.customer_id else None,
        "enabled": key.enabled,
        "expiresAt": None if key.expires_at is None else clock.iso(key.expires_at),
        "lastUsedAt": None if used is None else clock.iso(used),
        "createdAt": clock.iso(key.created_at),
    }
