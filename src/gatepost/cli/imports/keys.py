"""Keys that clients have already: their secrets come along, so that clients need no new ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from gatepost.base import crypto, ids
from gatepost.base.errors import invalid
from gatepost.base.ids import AccountId, ProjectId
from gatepost.cli import find, parse
from gatepost.cli.common import Failure
from gatepost.cli.imports.cells import Cells, Column, secretlike
from gatepost.cli.imports.running import Verdict, created, each, exists
from gatepost.cli.local import Local
from gatepost.domains.keys import model, store
from gatepost.domains.keys.model import Format
from gatepost.engine import keyring
from gatepost.storage.db import Tx

NOUN = "key"
COLUMNS = (
    Column("key", ("secret", "api_key", "token", "value"), needed=True),
    Column("name", ("label", "title"), needed=True),
    Column("scopes", ("scope", "permissions")),
    Column("project", ("project_name", "project_id")),
    Column("sending_domain", ("domain", "sending_domain_name")),
    Column("sending_domain_id"),
    Column("limit", ("limits", "rate_limit")),
    Column("allow_from", ("allowed_ips", "ip_allowlist")),
    Column("expires_at", ("expires", "expiration")),
    Column("enabled", ("active",)),
)
BEGINNINGS = {"secret_": Format.EMAILIT, "em_": Format.EMAILIT}
"""How secrets of a service begin that the ones made here do not."""
SHAPES = {
    Format.NOTIFYKIT: re.compile(r"nh_[0-9a-f]{64}"),
    Format.EMMI: re.compile(r"emmi_sk_[A-Za-z0-9_-]{64}"),
}
"""Secrets that are refused without a look-up where they look otherwise."""
FORMS = {
    Format.NOTIFYKIT: "nh_ and 64 hexadecimal digits in lower case",
    Format.EMMI: "emmi_sk_ and 64 letters, digits, - or _",
}
OLDER = model.SINGLE | model.MULTI
"""Keys of EMMI's earlier generation."""
RIGHTS: dict[Format, tuple[str, ...]] = {
    Format.EMITKIT: ("events",),
    Format.EVENTICAT: ("counts:write",),
    Format.NOTIFYKIT: ("messages:send", "messages:read", "messages:write"),
    Format.EMAILIT: ("full",),
    **dict.fromkeys(
        (Format.EMMI, *OLDER),
        ("customers:read", "customers:write", "data:write", "usage:read"),
    ),
}
"""What a key may do where nobody says so: what it could there."""
ALIASES = {"full_access": "full"}


class Brought(msgspec.Struct, frozen=True):
    """A key to be, its secret, and whether it is on."""

    new: keyring.NewKey
    secret: str
    enabled: bool
    project: str


class Keys:
    """Imports keys of one account."""

    columns: Sequence[Column] = COLUMNS
    named: str = "name"
    batch: int = 100
    whole: bool = True

    def __init__(
        self,
        local: Local,
        account_id: AccountId,
        project_id: ProjectId | None = None,
        form: Format | None = None,
        scopes: tuple[str, ...] = (),
    ) -> None:
        """Bind keys to a project unless they name one; give all `form` and `scopes`, if any."""
        self._local = local
        self._account_id = account_id
        self._project_id = project_id
        self._form = form
        self._scopes = scopes

    def read(self, cells: Cells) -> Brought:
        """Read one key; raises ValueError."""
        secret, name = cells.needed("key"), cells.needed("name")
        if secretlike(name):
            raise ValueError("name: looks like a secret; name it otherwise, or swap the columns")
        form = self._form or form_of(secret)
        domain = cells.word("sending_domain")
        if cells.any("sending_domain_id") is not None and not domain:
            raise ValueError("sending_domain_id: name the domain it is bound to, as sending_domain")
        limit, expires = cells.word("limit"), cells.word("expires_at")
        new = keyring.NewKey(
            account_id=self._account_id,
            name=name,
            format=form,
            scopes=self._scopes_of(cells, form),
            project_id=self._project_id,
            sending_domain=domain or None,
            limits=parse.limits(limit) if limit else None,
            expires_at=parse.end(expires, self._local.now()) if expires else None,
            allow_from=cells.words("allow_from"),
        )
        return Brought(new, secret, cells.flag("enabled") is not False, cells.word("project"))

    def name(self, item: Brought) -> str:
        """Its name: nothing of its secret."""
        return item.new.name

    def prepare(self, items: Sequence[Brought], *, dry: bool) -> None:
        """Nothing takes long."""

    def keep(self, tx: Tx, items: Sequence[Brought]) -> list[Verdict]:
        """Keep them one by one."""
        return each(tx, items, self._one)

    def _one(self, tx: Tx, item: Brought) -> Verdict:
        local, now = self._local, self._local.now()
        known = store.find_by_digest(tx, crypto.digest(local.pepper, item.secret))
        if known and known.key.account_id == self._account_id and _holds(known, now):
            same = known.key.name == item.new.name
            return exists(NOUN, known.key.id, "" if same else f"as {known.key.name}")
        new = msgspec.structs.replace(item.new, project_id=self._project_of(tx, item))
        made = keyring.import_(
            tx, new, item.secret, pepper=local.pepper, actor=local.actor, now=now
        )
        if not item.enabled:
            off = keyring.KeyChanges(enabled=False)
            keyring.update(tx, self._account_id, made.id, off, actor=local.actor, now=now)
        notes = (made.format, ",".join(made.scopes), *(() if item.enabled else ("off",)))
        return created(NOUN, made.id, " ".join(notes))

    def _scopes_of(self, cells: Cells, form: Format) -> tuple[str, ...]:
        told = cells.words("scopes") or self._scopes or RIGHTS.get(form, ())
        if not told:
            raise ValueError("scopes: say what it may do, in this column or with --scope")
        return tuple(ALIASES.get(one, one) for one in told)

    def _project_of(self, tx: Tx, item: Brought) -> ProjectId | None:
        if not item.project:
            return self._project_id
        account = ids.show("account", self._account_id)
        try:
            return find.project(tx, account, item.project).id
        except Failure:
            raise invalid((["project"], "There is none of this name or id")) from None


def form_of(secret: str) -> Format:
    """Which service's key a secret is; raises ValueError for half of one."""
    begun = (form for start, form in BEGINNINGS.items() if secret.startswith(start))
    form = next(begun, model.format_of(secret))
    if form in SHAPES and not SHAPES[form].fullmatch(secret):
        raise ValueError(f"key: is not {FORMS[form]}")
    if form in OLDER and not _checks(secret):
        raise ValueError("key: how EMMI checks these is not published; make a new one")
    return form


def _checks(secret: str) -> bool:
    body, _, check = secret.rpartition("_")
    return check == crypto.short_checksum(body)


def _holds(known: store.Match, now: int) -> bool:
    return known.valid_until is None or known.valid_until > now
