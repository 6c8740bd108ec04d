"""`gatepost key`: API keys, whose secrets are shown once and never come in as a flag."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from gatepost.cli.common import COMMON, Common, say
from gatepost.domains.keys.model import PREFIXES, Format, Key

if TYPE_CHECKING:
    from gatepost.engine.keyring import NewKey
    from gatepost.storage.db import Tx

app = App(name="key", help="API keys: a secret is shown once, when it is made.")

Account = Annotated[
    str | None, Parameter(help="Account, by name or id; not needed where there is only one.")
]

Named = Annotated[str, Parameter(help="Its name or id.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Rights:
    """What a new key belongs to and may do. The very first key gets an account made for it."""

    account: Account = None
    project: Annotated[str | None, Parameter(help="Bind it to one project, by name or id.")] = None
    customer: Annotated[
        str | None,
        Parameter(help="Bind it to reading what one customer used, by identifier or id."),
    ] = None
    scope: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help="A scope or preset (full, read, events, sending, data); repeatable. full; of a "
            "customer's key, usage:read.",
        ),
    ] = ()
    limit: Annotated[
        str | None, Parameter(help="Its own limits, as 100/60s or 2/1s,5000/1d, or off.")
    ] = None
    expires: Annotated[
        str | None, Parameter(help="When it ends: 2031-12-31, a time with offset, or 30d, 12h.")
    ] = None
    allow_from: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="An address or network it may be used from; repeatable."),
    ] = ()
    domain: Annotated[str | None, Parameter(help="The one domain it may send from.")] = None


RIGHTS = Rights()


@app.command
def create(
    name: str,
    /,
    *,
    rights: Rights = RIGHTS,
    key_format: Annotated[
        Format, Parameter(name="--format", help="How the secret looks.")
    ] = Format.NATIVE,
    common: Common = COMMON,
) -> None:
    """Make a key and print its secret, this once."""
    from gatepost.cli.local import open_folder
    from gatepost.engine import keyring

    local = open_folder(common, create=True)
    with local.write() as tx:
        wanted = _new(tx, name, rights, key_format, local.now())
        made = keyring.create(tx, wanted, pepper=local.pepper, actor=local.actor, now=local.now())
    _show_secret(common, made.key, made.secret)


@app.command(name="import")
def import_(
    name: str,
    /,
    *,
    from_file: Annotated[
        Path | None, Parameter(help="File that holds the secret; else it is read from stdin.")
    ] = None,
    rights: Rights = RIGHTS,
    key_format: Annotated[
        Format | None, Parameter(name="--format", help="Told from the secret's prefix otherwise.")
    ] = None,
    common: Common = COMMON,
) -> None:
    """Take over an existing secret of at least 112 random bits, from stdin or a file."""
    from gatepost.cli import show
    from gatepost.cli.local import open_folder
    from gatepost.engine import keyring

    secret = _read_secret(from_file)
    local = open_folder(common, create=True)
    with local.write() as tx:
        wanted = _new(tx, name, rights, key_format or _format_of(secret), local.now())
        made = keyring.import_(
            tx, wanted, secret, pepper=local.pepper, actor=local.actor, now=local.now()
        )
    show.one(common, show.key(made), f"Imported {made.name}")


@app.command(name="list")
def list_(*, account: Account = None, common: Common = COMMON) -> None:
    """List keys, newest first, of one account or of all; never their secrets."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.domains.accounts import store as accounts
    from gatepost.domains.keys import store

    with open_folder(common).read() as tx:
        owners = [find.account(tx, account)] if account else accounts.list_(tx)
        found = [key for owner in owners for key in store.list_(tx, owner.id, limit=None)]
    columns = ("id", "name", "start", "scopes", "limit", "enabled", "expiresAt", "lastUsedAt")
    show.many(common, "keys", [show.key(key) for key in found], columns)


@app.command
def rotate(
    key: Named,
    /,
    *,
    grace: Annotated[int, Parameter(help="Seconds the old secret still works, up to 7 days.")] = 0,
    account: Account = None,
    common: Common = COMMON,
) -> None:
    """Give a key a new secret and print it, this once."""
    from gatepost.cli import find
    from gatepost.cli.local import open_folder
    from gatepost.engine import keyring

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.key(tx, account, key)
        made = keyring.rotate(
            tx,
            it.account_id,
            it.id,
            grace_s=grace,
            pepper=local.pepper,
            actor=local.actor,
            now=local.now(),
        )
    _show_secret(common, made.key, made.secret)


@app.command
def disable(key: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Switch a key off; once this returns, no request with it is admitted."""
    _switch(key, account, common, enabled=False)


@app.command
def enable(key: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """Switch a key on again."""
    _switch(key, account, common, enabled=True)


def _switch(key: str, account: str | None, common: Common, *, enabled: bool) -> None:
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import keyring

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.key(tx, account, key)
        changes = keyring.KeyChanges(enabled=enabled)
        it = keyring.update(tx, it.account_id, it.id, changes, actor=local.actor, now=local.now())
    show.one(common, show.key(it), f"{it.name}: {'enabled' if enabled else 'disabled'}")


@app.command
def delete(key: Named, /, *, account: Account = None, common: Common = COMMON) -> None:
    """End a key for good; its secret can never be used again."""
    from gatepost.cli import find, show
    from gatepost.cli.local import open_folder
    from gatepost.engine import keyring

    local = open_folder(common)
    with local.write(revokes=True) as tx:
        it = find.key(tx, account, key)
        keyring.delete(tx, it.account_id, it.id, actor=local.actor, now=local.now())
    show.one(common, {**show.key(it), "deleted": True}, f"{it.name}: deleted")


def _show_secret(common: Common, key: Key, secret: str) -> None:
    from gatepost.cli import show

    if not common.json:
        say(f"{key.name}: this secret is shown once")
    show.one(common, {**show.key(key), "key": secret}, secret)


def _new(tx: Tx, name: str, rights: Rights, kind: Format, now: int) -> NewKey:
    from gatepost.cli import find, parse
    from gatepost.engine.keyring import NewKey
    from gatepost.engine.onboard import found

    found(tx, now)
    project = find.project(tx, rights.account, rights.project) if rights.project else None
    of = rights.customer
    customer = None if of is None else find.customer(tx, rights.account, of)
    owner = project or customer
    return NewKey(
        account_id=owner.account_id if owner else find.account(tx, rights.account).id,
        name=name,
        format=kind,
        scopes=rights.scope or (("full",) if customer is None else ("usage:read",)),
        project_id=project.id if project else None,
        customer_id=customer.id if customer else None,
        sending_domain=rights.domain,
        limits=parse.given(parse.limits, rights.limit),
        expires_at=parse.given(parse.end, rights.expires, now),
        allow_from=rights.allow_from,
    )


def _format_of(secret: str) -> Format:
    starts = (kind for kind, prefix in PREFIXES.items() if secret.startswith(prefix))
    return next(starts, Format.NATIVE)


def _read_secret(file: Path | None) -> str:
    if file is not None:
        return file.read_text().strip()
    if not sys.stdin.isatty():
        return sys.stdin.read().strip()
    from getpass import getpass

    return getpass("Secret: ").strip()
