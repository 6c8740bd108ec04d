"""Sending domains in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import RowMapping

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, not_found
from gatepost.base.ids import AccountId, DomainId
from gatepost.domains.emaildomains.model import (
    SENDER_LABEL,
    Finding,
    Purpose,
    SendingDomain,
    domain_of,
)
from gatepost.domains.emaildomains.tables import domain_claims, sending_domains
from gatepost.storage import sql
from gatepost.storage.db import Tx

_living = sending_domains.c.deleted_at.is_(None)
_decode_findings = msgspec.json.Decoder(dict[Purpose, Finding]).decode


def add(tx: Tx, domain: SendingDomain) -> None:
    """Keep a new one; raises CONFLICT, with the `existing` one in `extra`, where the account has
    one of its name.
    """
    known = find_by_name(tx, domain.account_id, domain.name)
    if known is not None:
        extra: dict[str, object] = {
            "existing": {"id": ids.show("domain", known.id), "name": known.name}
        }
        raise AppError(Code.CONFLICT, f"The domain {known.name} exists already", extra=extra)
    tx.run(sa.insert(sending_domains).values(_values(domain)))


def save(tx: Tx, domain: SendingDomain) -> None:
    """Write one back."""
    mine = (
        sending_domains.c.account_id == domain.account_id,
        sending_domains.c.id == domain.id,
    )
    tx.run(sa.update(sending_domains).where(*mine).values(_values(domain)))


def find(tx: Tx, account_id: AccountId, domain_id: DomainId) -> SendingDomain | None:
    """Look one of the account's up."""
    return _first(tx, account_id, sending_domains.c.id == domain_id)


def get(tx: Tx, account_id: AccountId, domain_id: DomainId) -> SendingDomain:
    """Look one of the account's up; raises NOT_FOUND."""
    found = find(tx, account_id, domain_id)
    if found is None:
        raise not_found("domain with this id")
    return found


def find_by_name(tx: Tx, account_id: AccountId, name: str) -> SendingDomain | None:
    """Look one of the account's up by its name in its normal form."""
    return _first(tx, account_id, sending_domains.c.name == name)


def ids_of(tx: Tx, account_id: AccountId, names: Sequence[str]) -> dict[str, DomainId]:
    """The account's domains of these names, and where there is none of a name, its last one."""
    columns = ("name", "id", "deleted_at")
    found = sql.lookup(tx, sending_domains, columns, ("account_id", account_id), "name", names)
    found.sort(key=lambda row: (row[2] is None, row[1]))
    return {name: DomainId(raw) for name, raw, _ in found}


def sender_of(tx: Tx, account_id: AccountId, address: str) -> SendingDomain | None:
    """The account's domain that may send as an address (`local@domain`), verified or trusted: the
    address is at the domain itself, or at a host below it that mail is sent from.
    """
    name = domain_of(address)
    if name is None:
        return None
    label, _, above = name.partition(".")
    mine = (sending_domains.c.account_id == account_id, _living)
    either = sending_domains.c.name.in_([name, above])
    found = map(_domain, tx.run(sa.select(sending_domains).where(*mine, either)).mappings())
    able = {one.name: one for one in found if one.may_send}
    if name in able:
        return able[name]
    one = able.get(above)
    return one if one is not None and label in {one.label, SENDER_LABEL} else None


def list_(
    tx: Tx, account_id: AccountId, *, after: DomainId | None = None, limit: int | None = None
) -> list[SendingDomain]:
    """The account's domains, oldest first."""
    query = sa.select(sending_domains).where(sending_domains.c.account_id == account_id, _living)
    if after is not None:
        query = query.where(sending_domains.c.id > after)
    rows = tx.run(query.order_by(sending_domains.c.id).limit(limit)).mappings()
    return [_domain(row) for row in rows]


def due(tx: Tx, now: int, limit: int) -> list[SendingDomain]:
    """Domains of all accounts that are to be looked at again."""
    query = sa.select(sending_domains).where(sending_domains.c.check_at <= now, _living)
    rows = tx.run(query.order_by(sending_domains.c.check_at).limit(limit)).mappings()
    return [_domain(row) for row in rows]


def claim(tx: Tx, domain: SendingDomain) -> bool:
    """Take a verified name for its account; False where another account has it."""
    values = {"name": domain.name, "account_id": domain.account_id, "domain_id": domain.id}
    if sql.insert_new(tx, domain_claims, values, ["name"]):
        return True
    row = tx.run(sa.select(domain_claims).where(domain_claims.c.name == domain.name)).first()
    return row is not None and (row.account_id, row.domain_id) == (domain.account_id, domain.id)


def release(tx: Tx, domain: SendingDomain) -> None:
    """Give a name back."""
    mine = (
        domain_claims.c.name == domain.name,
        domain_claims.c.account_id == domain.account_id,
        domain_claims.c.domain_id == domain.id,
    )
    tx.run(sa.delete(domain_claims).where(*mine))


def _first(tx: Tx, account_id: AccountId, which: Any) -> SendingDomain | None:
    where = (sending_domains.c.account_id == account_id, which, _living)
    row = tx.run(sa.select(sending_domains).where(*where)).mappings().first()
    return _domain(row) if row else None


def _values(domain: SendingDomain) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(domain),
        "findings": msgspec.json.encode(domain.findings).decode(),
    }


def _domain(row: RowMapping) -> SendingDomain:
    read = {
        "account_id": AccountId(row["account_id"]),
        "id": DomainId(row["id"]),
        "trusted": bool(row["trusted"]),
        "findings": _decode_findings(row["findings"]),
        "track_opens": bool(row["track_opens"]),
        "track_clicks": bool(row["track_clicks"]),
    }
    return SendingDomain(**(dict(row) | read))
