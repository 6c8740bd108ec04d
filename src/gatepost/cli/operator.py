"""`gatepost operator`: people who sign in to the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, USAGE, Common, Failure
from gatepost.domains.operators.model import Role

if TYPE_CHECKING:
    from gatepost.cli.local import Local
    from gatepost.domains.operators.model import Operator
    from gatepost.engine.members import By
    from gatepost.storage.db import Tx

app = App(name="operator", help="People who sign in to the dashboard, and what they may do.")

Email = Annotated[str, Parameter(help="The address they sign in with.")]
Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]


@app.command
def add(
    email: Email,
    /,
    *,
    account: Account = None,
    role: Annotated[Role, Parameter(help="What they may do there.")] = Role.OWNER,
    name: Annotated[str, Parameter(help="Their name; they may change it.")] = "",
    superuser: Annotated[
        bool, Parameter(negative="", help="May also do what concerns the whole installation.")
    ] = False,
    common: Common = COMMON,
) -> None:
    """Make somebody a member of an account, and print the link by which they set a password.

    Whoever has a password already gets no link.
    """
    from gatepost.cli import find
    from gatepost.domains.operators import model, store
    from gatepost.engine import access
    from gatepost.engine.onboard import found

    local = _open(common, create=True)
    address = model.read_email(email)
    with local.write() as tx:
        found(tx, local.now())
        owner = find.account(tx, account)
        store.hold(tx)
        one = store.find_by_email(tx, address)
        if one is None:
            called = model.read_name(name or address.partition("@")[0])
            one = access.add(tx, address, called, None, superuser=superuser, now=local.now())
        elif superuser and not one.superuser:
            store.set_superuser(tx, one.id, superuser=True, now=local.now())
        access.join(tx, one, owner.id, role, local.actor, local.now())
        secret = None if one.has_password else _link(tx, local, one)
    _show_link(common, local, address, secret)


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List operators, of one account or of all; one line for each account they work for."""
    from gatepost.cli import find, show
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.operators import store

    with _open(common).read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        rows = [
            _row(one, owner.name, member.membership.role)
            for owner in owners
            for member in store.members(tx, owner.id)
            for one in (member.operator,)
        ]
        if account is None:
            members = {row["id"] for row in rows}
            others = [_row(one, None, None) for one in store.list_(tx)]
            rows += [row for row in others if row["id"] not in members]
    columns = ("email", "name", "account", "role", "secondFactor", "lastSignedInAt")
    show.many(common, "operators", rows, columns)


@app.command
def link(
    email: Annotated[
        str | None, Parameter(help="Whose password it sets; none for the first operator's.")
    ] = None,
    /,
    *,
    account: Annotated[
        str | None, Parameter(help="Whose owner the first operator becomes: the oldest account.")
    ] = None,
    without_second_factor: Annotated[
        bool,
        Parameter(negative="", help="Switch their second factor off: they have lost it."),
    ] = False,
    common: Common = COMMON,
) -> None:
    """Print a link that opens once, within 24 hours, and sets a password.

    Without an address it makes the first operator: owner of the account, and superuser.
    """
    from gatepost.cli import find
    from gatepost.domains.accounts import store as accounts
    from gatepost.engine import access

    local = _open(common)
    with local.write(revokes=without_second_factor) as tx:
        if email is None:
            known = accounts.list_(tx)
            owner = find.account(tx, account) if account or not known else known[0]
            secret = access.founding_link(tx, owner.id, local.pepper, local.now())
        else:
            one = _named(tx, email)
            if without_second_factor:
                access.switch_off(tx, one, local.actor, local.now())
            secret = _link(tx, local, one)
    _show_link(common, local, email, secret)


@app.command
def role(email: Email, role: Role, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Change what somebody may do in an account."""
    from gatepost.cli import find, show
    from gatepost.engine import members

    local = _open(common)
    with local.write(revokes=True) as tx:
        owner, one = find.account(tx, account), _named(tx, email)
        members.set_role(tx, owner.id, one.id, role, _by(local))
    shown = _row(one, owner.name, role)
    show.one(common, shown, f"{one.email} is {role} of {owner.name}")


@app.command
def remove(
    email: Email,
    /,
    *,
    account: Annotated[
        str | None, Parameter(help="Account to leave, by name or id; else the person is forgotten.")
    ] = None,
    common: Common = COMMON,
) -> None:
    """End somebody's membership of an account, or all that there is of them."""
    from gatepost.base import ids
    from gatepost.cli import find, show
    from gatepost.domains.operators import store
    from gatepost.engine import members

    local = _open(common)
    with local.write(revokes=True) as tx:
        store.hold(tx)
        one, by = _named(tx, email), _by(local)
        mine = [own.account_id for own in store.memberships_of(tx, one.id)]
        for account_id in [find.account(tx, account).id] if account else mine:
            members.remove(tx, account_id, one.id, by)
        if account is None:
            store.remove(tx, one.id)
    shown = {"id": ids.show("operator", one.id), "email": one.email, "removed": True}
    show.one(common, shown, f"Removed {one.email}")


@app.command
def disable(email: Email, /, *, common: Common = COMMON) -> None:
    """Let somebody sign in no more, wherever they are a member; all their sessions end."""
    _set_enabled(email, common, enabled=False)


@app.command
def enable(email: Email, /, *, common: Common = COMMON) -> None:
    """Let somebody sign in again."""
    _set_enabled(email, common, enabled=True)


@app.command(name="sign-out")
def sign_out(email: Email, /, *, common: Common = COMMON) -> None:
    """End all sessions of somebody."""
    from gatepost.cli import show
    from gatepost.engine import access

    local = _open(common)
    with local.write(revokes=True) as tx:
        one = _named(tx, email)
        count = access.end_sessions(tx, one, local.actor, local.now())
    shown = {"email": one.email, "sessions": count}
    show.one(common, shown, f"Ended {count} sessions of {one.email}")


def _set_enabled(email: str, common: Common, *, enabled: bool) -> None:
    from gatepost.cli import show
    from gatepost.engine import access

    local = _open(common)
    with local.write(revokes=True) as tx:
        one = access.set_enabled(
            tx, _named(tx, email), enabled=enabled, actor=local.actor, now=local.now()
        )
    words = f"{one.email} may sign in" if enabled else f"{one.email} may not sign in any more"
    show.one(common, _row(one, None, None), words)


def _open(common: Common, *, create: bool = False) -> Local:
    from gatepost.cli.local import open_folder

    return open_folder(common, create=create)


def _named(tx: Tx, email: str) -> Operator:
    from gatepost.domains.operators import model, store

    one = store.find_by_email(tx, model.read_email(email))
    if one is None:
        raise Failure(f"no operator {email!r}", USAGE)
    return one


def _by(local: Local) -> By:
    from gatepost.engine.members import By

    return By(local.actor, None, local.now(), local.settings, local.pepper)


def _link(tx: Tx, local: Local, one: Operator) -> str:
    from gatepost.engine import access

    return access.password_link(tx, one, local.pepper, local.actor, local.now())


def _show_link(common: Common, local: Local, email: str | None, secret: str | None) -> None:
    from gatepost.cli import show
    from gatepost.engine import letters

    where = None if secret is None else letters.link(local.settings, secret)
    words = where or f"{email} has a password already: they can sign in"
    show.one(common, {"email": email, "link": where}, words)


def _row(one: Operator, account: str | None, role: Role | None) -> dict[str, Any]:
    from gatepost.base import clock, ids

    seen = one.last_signed_in_at
    return {
        "id": ids.show("operator", one.id),
        "email": one.email,
        "name": one.name,
        "account": account,
        "role": role,
        "superuser": one.superuser,
        "enabled": one.enabled,
        "secondFactor": one.has_second_factor,
        "createdAt": clock.iso(one.created_at),
        "lastSignedInAt": None if seen is None else clock.iso(seen),
    }
