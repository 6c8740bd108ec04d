"""Sign: the secret that an account chooses for webhooks which go to no endpoint of its own. Every
change is audited with it.

An account that has chosen none has one all the same, which is made of the pepper.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from gatepost.base import ids
from gatepost.base.errors import invalid, not_found
from gatepost.base.ids import AccountId
from gatepost.base.vault import Vault
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.endpoints import model
from gatepost.domains.endpoints.model import Secret
from gatepost.domains.webhooksecrets import store
from gatepost.domains.webhooksecrets.model import WebhookSecret
from gatepost.storage.db import Tx

PURPOSE = "webhook secrets of accounts"


class Ring:
    """Seals and opens the secrets of accounts."""

    def __init__(self, pepper: bytes) -> None:
        """Derive the key."""
        self._vault = Vault(pepper, PURPOSE)

    def seal(self, secrets: list[Secret], account_id: AccountId) -> bytes:
        """Seal them, the current one first."""
        return self._vault.seal(msgspec.json.encode(secrets).decode(), account_id)

    def open(self, sealed: bytes, account_id: AccountId) -> list[Secret]:
        """Open them; raises Damaged."""
        return msgspec.json.decode(self._vault.open(sealed, account_id), type=list[Secret])


class Signing(NamedTuple):
    """What an account signs with, and since when (ms); None: from its beginning."""

    secret: str
    since: int | None = None


def current(tx: Tx, account_id: AccountId, default: str, ring: Ring) -> Signing:
    """What an account signs with: the secret it has chosen, else `default`; raises Damaged."""
    kept = store.find(tx, account_id)
    if kept is None:
        return Signing(default)
    return Signing(ring.open(kept.secrets, account_id)[0].text, kept.updated_at)


def choose(
    tx: Tx,
    account_id: AccountId,
    secret: str,
    grace_s: int,
    default: str,
    ring: Ring,
    actor: Actor,
    now: int,
) -> Signing:
    """Sign with a secret from now on; former ones, of which `default` is the first, sign beside
    it for a while. Raises INVALID for a grace that is too long, and for the secret that it is
    already.
    """
    if not 0 <= grace_s <= model.GRACE_S_MAX:
        raise invalid((["graceSeconds"], f"Must be from 0 to {model.GRACE_S_MAX}"))
    accounts.hold(tx, account_id)
    before = store.find(tx, account_id)
    kept = [Secret(default)] if before is None else ring.open(before.secrets, account_id)
    if kept[0].text == secret:
        raise invalid((["secret"], "Is the secret already"))
    secrets = model.rotated(kept, secret, now, grace_s * 1000)
    after = WebhookSecret(
        account_id=account_id,
        secrets=ring.seal(secrets, account_id),
        created_at=now if before is None else before.created_at,
        updated_at=now,
    )
    store.save(tx, after)
    action = "webhook_secret.create" if before is None else "webhook_secret.rotate"
    audit.append(tx, account_id, actor, action, _target(account_id), now=now)
    return Signing(secret, now)


def drop(tx: Tx, account_id: AccountId, actor: Actor, now: int) -> None:
    """Go back to the account's own secret; raises NOT_FOUND where none was chosen."""
    accounts.hold(tx, account_id)
    if not store.remove(tx, account_id):
        raise not_found("webhook secret of this account")
    audit.append(tx, account_id, actor, "webhook_secret.delete", _target(account_id), now=now)


def _target(account_id: AccountId) -> Target:
    return Target(ids.show("account", account_id), "")
