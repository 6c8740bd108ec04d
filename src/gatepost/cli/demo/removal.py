"""Removes the demo's account, and every row of it."""

from __future__ import annotations

import msgspec

from gatepost.cli.demo import fill
from gatepost.cli.local import Local
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.events import search
from gatepost.domains.events import store as events
from gatepost.domains.installation import store as installation
from gatepost.domains.operators import store as operators
from gatepost.domains.operators.model import Role
from gatepost.domains.projects import store as projects
from gatepost.engine import access, tenancy
from gatepost.migrations import tenant
from gatepost.storage.db import Tx

CHUNK = 500
ROWS = 5000
LAST = b"\xff" * 16
"""After every id."""


class Removed(msgspec.Struct, frozen=True):
    """Which account was removed, None for none, and how many rows."""

    account: str | None
    rows: int


def remove(local: Local) -> Removed:
    """Stop the account first, so that nothing is added; then take out what it has, in chunks, so
    that a server which runs is not kept waiting.
    """
    with local.read() as tx:
        account = fill.find(tx)
    if account is None:
        return Removed(None, 0)
    with local.write(revokes=True) as tx:
        tenancy.set_account_status(tx, account.id, Status.DELETED, local.actor, local.now())
    with local.write() as tx:
        _keep_superusers(tx, local, account)
    rows = _events(local, account) + _rest(local, account)
    return Removed(account.name, rows)


def _keep_superusers(tx: Tx, local: Local, gone: Account) -> None:
    """Whoever runs this installation, and came to it by the demo, is left with another account."""
    others = [one for one in accounts.list_(tx) if one.status is Status.ACTIVE]
    for member in operators.members(tx, gone.id):
        one, mine = member.operator, operators.memberships_of(tx, member.operator.id)
        if one.superuser and len(mine) == 1 and others:
            access.join(tx, one, others[0].id, Role.OWNER, local.actor, local.now())


def _events(local: Local, account: Account) -> int:
    """Events go with what finds them."""
    gone = 0
    with local.read() as tx:
        mine = projects.all_ids(tx, account.id)
    for project_id in mine:
        while True:
            with local.write() as tx:
                some = events.older_than(tx, project_id, LAST, CHUNK)
                search.drop(tx, some)
                events.remove(tx, project_id, [one.event.id for one in some])
            gone += len(some)
            if len(some) < CHUNK:
                break
    return gone


def _rest(local: Local, account: Account) -> int:
    gone = 0
    for table in tenant.tables():
        while True:
            with local.write() as tx:
                some = tenant.erase(tx, table, account.id, ROWS)
            gone += some
            if some < ROWS:
                break
    with local.write() as tx:
        installation.forget(tx, fill.WHOLE)
        installation.forget(tx, fill.MARK)
    return gone
