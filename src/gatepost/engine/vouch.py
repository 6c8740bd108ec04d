"""Vouch: sending domains made, looked at, trusted and ended. Every change is audited with it."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from gatepost.base import ids
from gatepost.base.errors import AppError, Code, invalid
from gatepost.base.ids import AccountId, DomainId
from gatepost.base.vault import Vault
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Status
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.emaildomains import model, store
from gatepost.domains.emaildomains.model import REQUIRED, Findings, SendingDomain
from gatepost.engine import happen
from gatepost.engine.happen import Happened
from gatepost.storage.db import Tx

DOMAINS_MAX = 1000
KEY_BITS = 2048
EXPONENT = 65537
PURPOSE = "dkim keys"
NOUN = "domain"
CHECKER = Actor("system", "", "daily check")


class KeyPair(NamedTuple):
    """A DKIM key: PEM of the private part, base64 of the public part's DER."""

    private: str
    public: str


class NewDomain(msgspec.Struct, frozen=True, kw_only=True):
    """A sending domain to be, and its key."""

    name: str
    selector: str
    label: str
    pair: KeyPair
    trusted: bool = False
    track_opens: bool = False
    track_clicks: bool = False


class DomainChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a sending domain; UNSET stays as it is."""

    trusted: bool | UnsetType = UNSET
    track_opens: bool | UnsetType = UNSET
    track_clicks: bool | UnsetType = UNSET


def make_pair() -> KeyPair:
    """Make a DKIM key. It takes a good part of a second: not in a transaction."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 # keys are rarely made
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 # keys are rarely made

    key = rsa.generate_private_key(EXPONENT, KEY_BITS)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private.decode(), base64.b64encode(public).decode())


def private_key(pepper: bytes, domain: SendingDomain) -> str:
    """The PEM of a domain's private key; raises Damaged."""
    return Vault(pepper, PURPOSE).open(domain.private_key, domain.id)


def create(
    tx: Tx, account_id: AccountId, new: NewDomain, pepper: bytes, actor: Actor, now: int
) -> SendingDomain:
    """Make a sending domain, which is looked at soon; raises INVALID, NOT_FOUND (no such
    account) and CONFLICT.
    """
    accounts.hold(tx, account_id)
    accounts.get(tx, account_id)
    if len(store.list_(tx, account_id, limit=DOMAINS_MAX)) == DOMAINS_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {DOMAINS_MAX} domains")
    made = _domain(account_id, DomainId(ids.new()), new, pepper, now)
    store.add(tx, made)
    _note(tx, actor, "domain.create", made, now, after=model.describe(made))
    return made


def change(
    tx: Tx,
    account_id: AccountId,
    domain_id: DomainId,
    changes: DomainChanges,
    actor: Actor,
    now: int,
) -> SendingDomain:
    """Change how a domain's mail is tracked, or whether it is trusted; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, domain_id)
    given = {
        name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET
    }
    changed = model.planned(msgspec.structs.replace(before, **given, updated_at=now), now)
    store.save(tx, changed)
    was, is_ = model.describe(before), model.describe(changed)
    _note(tx, actor, "domain.update", changed, now, before=was, after=is_)
    return changed


def settle(
    tx: Tx, account_id: AccountId, domain_id: DomainId, findings: Findings, actor: Actor, now: int
) -> SendingDomain:
    """Keep what was found of a domain's records: it verifies the domain, or withdraws that, of
    which endpoints are told. An account that was deleted keeps no name from others.

    Raises NOT_FOUND, and CONFLICT where another account has the name verified; then nothing is
    kept.
    """
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, domain_id)
    gone = accounts.get(tx, account_id).status is Status.DELETED
    after = model.checked(before, {} if gone else findings, now)
    was, is_ = before.verified_at is not None, after.verified_at is not None
    if is_ and not store.claim(tx, after):
        detail = "This domain is verified elsewhere already: it must be removed there first"
        raise AppError(Code.CONFLICT, detail)
    if was and not is_:
        store.release(tx, after)
    store.save(tx, after)
    if was != is_:
        action = "domain.verify" if is_ else "domain.withdraw"
        told = (model.describe(before), model.describe(after))
        _note(tx, actor, action, after, now, before=told[0], after=told[1])
        happen.tell(tx, [_happened(after)], now)
    return after


def end(
    tx: Tx, account_id: AccountId, domain_id: DomainId, actor: Actor, now: int
) -> SendingDomain:
    """Delete one; nothing more is sent from it. Raises NOT_FOUND.

    Keys bound to its name stay bound: they send nothing until it is there again.
    """
    accounts.hold(tx, account_id)
    before = store.get(tx, account_id, domain_id)
    ended = msgspec.structs.replace(before, check_at=None, updated_at=now, deleted_at=now)
    store.release(tx, ended)
    store.save(tx, ended)
    _note(tx, actor, "domain.delete", ended, now, before=model.describe(before))
    return ended


def normal(name: str) -> str:
    """A domain's name in its normal form; raises INVALID."""
    try:
        return model.normal(name)
    except ValueError as fault:
        raise invalid((["name"], str(fault))) from None


def _domain(
    account_id: AccountId, domain_id: DomainId, new: NewDomain, pepper: bytes, now: int
) -> SendingDomain:
    made = SendingDomain(
        account_id=account_id,
        id=domain_id,
        name=normal(new.name),
        selector=new.selector,
        label=new.label,
        public_key=new.pair.public,
        private_key=Vault(pepper, PURPOSE).seal(new.pair.private, domain_id),
        trusted=new.trusted,
        track_opens=new.track_opens,
        track_clicks=new.track_clicks,
        created_at=now,
        updated_at=now,
    )
    return model.planned(made, now)


def _happened(domain: SendingDomain) -> Happened:
    wrong = {
        one.value: found.error
        for one, found in domain.findings.items()
        if one in REQUIRED and found.error is not None
    }
    return Happened(
        account_id=domain.account_id,
        project_id=None,
        type=happen.WITHDRAWN if domain.verified_at is None else happen.VERIFIED,
        data={"domainId": ids.show(NOUN, domain.id), "name": domain.name, "errors": wrong},
    )


def _note(
    tx: Tx,
    actor: Actor,
    action: str,
    domain: SendingDomain,
    now: int,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    target = Target(ids.show(NOUN, domain.id), domain.name)
    audit.append(tx, domain.account_id, actor, action, target, now=now, before=before, after=after)
