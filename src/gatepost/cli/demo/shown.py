"""Says where to look, and lets people in."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gatepost.base import ids
from gatepost.cli import show
from gatepost.cli.common import Common, put, put_json
from gatepost.cli.demo.fill import Made
from gatepost.cli.demo.removal import Removed
from gatepost.cli.local import Local
from gatepost.domains.operators import model, store
from gatepost.domains.operators.model import Operator, Role
from gatepost.engine import access, letters
from gatepost.storage.db import Tx


def with_link(local: Local, made: Made, wanted: Sequence[str]) -> Made:
    """Make those who are wanted owners of the account, else all superusers; whoever has no
    password gets a link, and so does the first operator where there is none.
    """
    with local.write() as tx:
        store.hold(tx)
        people = [_person(tx, one, local.now()) for one in wanted] or [
            one for one in store.list_(tx) if one.superuser
        ]
        for one in people:
            _join(tx, local, made, one)
        secret = _link(tx, local, made, people)
    link = None if secret is None else letters.link(local.settings, secret)
    return msgspec.structs.replace(made, link=link, operators=tuple(one.email for one in people))


def _person(tx: Tx, email: str, now: int) -> Operator:
    address = model.read_email(email)
    known = store.find_by_email(tx, address)
    if known is not None:
        return known
    name = model.read_name(address.partition("@")[0])
    return access.add(tx, address, name, None, superuser=False, now=now)


def _join(tx: Tx, local: Local, made: Made, one: Operator) -> None:
    mine = {own.account_id for own in store.memberships_of(tx, one.id)}
    if made.account.id not in mine:
        access.join(tx, one, made.account.id, Role.OWNER, local.actor, local.now())


def _link(tx: Tx, local: Local, made: Made, people: Sequence[Operator]) -> str | None:
    if not people and not store.any_(tx):
        return access.founding_link(tx, made.account.id, local.pepper, local.now())
    new = next((one for one in people if not one.has_password), None)
    if new is None:
        return None
    return access.password_link(tx, new, local.pepper, local.actor, local.now())


def made(common: Common, local: Local, one: Made) -> None:
    """Print where to look."""
    account = one.account
    where = f"{letters.base(local.settings)}/dashboard/{ids.show('account', account.id)}"
    if common.json:
        put_json(
            {
                "account": show.account(account),
                "created": one.fresh,
                "dashboard": where,
                "operators": one.operators,
                "link": one.link,
            }
        )
        return
    put(f"{account.name} is {'ready' if one.fresh else 'there already'}: {where}")
    if one.link:
        put(f"Come in by this link, which opens once within 24 hours: {one.link}")
    elif one.operators:
        put(f"Sign in as {' or '.join(one.operators)}.")
    else:
        put("Nobody may see it yet: name yourself by --operator.")
    put("`gatepost demo --live` lets events come in, `gatepost demo --remove` removes all of it.")


def removed(common: Common, one: Removed) -> None:
    """Print what was removed."""
    if common.json:
        put_json(one)
        return
    if one.account is None:
        put("There is no demo.")
        return
    put(f"Removed {one.account} with {one.rows:,} rows. Its audit log stays: nothing shortens one.")
