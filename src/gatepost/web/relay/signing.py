"""Who is calling, told to an upstream so that it can tell it from a forgery."""

from __future__ import annotations

import hmac

from gatepost.base import ids
from gatepost.base.ids import AccountId

VERSION = "v1"


def secret_of(pepper: bytes, account_id: AccountId) -> str:
    """An account's secret (64 hexadecimal digits): the upstream checks signatures with it."""
    return hmac.digest(pepper, f"relay:{ids.show('account', account_id)}".encode(), "sha256").hex()


def sign(secret: str, *parts: str) -> str:
    """Sign parts, which are joined by line feeds; the key is the secret as it is shown."""
    digest = hmac.digest(secret.encode(), "\n".join(parts).encode(), "sha256")
    return f"{VERSION}={digest.hex()}"
