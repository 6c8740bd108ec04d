"""What the endpoints that manage something have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatepost.dialects.emailit import route
from gatepost.domains.keys.model import Key
from gatepost.engine import keyring
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web.contract import Call, Endpoint, free


def grantor(tx: Tx, call: Call) -> Key:
    """The calling key as it stands in this transaction; raises FORBIDDEN if it has ended."""
    return keyring.grantor_of(tx, call.caller.account_id, call.caller.key_id, call.now)


def changed(tx: Tx, call: Call) -> None:
    """Let no cached caller outlive the commit."""
    tx.after_commit(call.services.revoked)


def managing(tag: str, reading: Scope, writing: Scope, **usual: Any) -> Callable[..., Endpoint]:
    """The endpoints of one resource: they are free, their writes are those that are no GET, and
    their refusals are audited. `usual` and what each one says itself go before that.
    """

    def endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
        reads = method == "GET"
        about: dict[str, Any] = {
            "tag": tag,
            "scope": reading if reads else writing,
            "charge": free,
            "writes": not reads,
            "admin": True,
        }
        return route.endpoint(operation, method, path, **about | usual | more)

    return endpoint
