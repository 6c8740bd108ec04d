"""Signatures of webhooks: Standard Webhooks always, a vendor's own beside it where it is wanted."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

from gatepost.base import ids
from gatepost.base.crypto import with_hex
from gatepost.base.ids import AccountId
from gatepost.domains.endpoints.model import Shape

PREFIX = "whsec_"
KEY_BYTES_MIN = 24
KEY_BYTES_MAX = 64

AGENTS = {
    Shape.STANDARD: "Gatepost/1.0",
    Shape.NOTIFYKIT: "NotifyKit/1.0",
    Shape.EMAILIT: "Emailit-Webhooks/2.0",
}


def new_secret() -> str:
    """Mint one that suits all schemes: the 64 digits are base64 of 48 bytes as well."""
    return with_hex(PREFIX)


def secret_of(pepper: bytes, account_id: AccountId) -> str:
    """The secret that an account's direct webhooks are signed with."""
    name = f"webhooks:{ids.show('account', account_id)}".encode()
    return PREFIX + hmac.digest(pepper, name, "sha256").hex()


def problem(secret: str) -> str:
    """What is wrong with a secret as a sentence, empty when nothing is (Standard Webhooks 1.0.0,
    "Signature scheme").
    """
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not secret.startswith(PREFIX) or not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        return f"whsec_ and the base64 of {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes"
    return ""


def headers(
    shape: Shape, secrets: Sequence[str], message_id: str, at_s: int, body: bytes
) -> dict[str, str]:
    """The signature's headers; the first of the secrets is the current one.

    A vendor's own header can hold one signature only, so it has that of the current secret.
    """
    stamp = str(at_s)
    signed = f"{message_id}.{stamp}.".encode() + body
    found = {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_standard(one, signed)}" for one in secrets),
    }
    if shape is Shape.STANDARD:
        return found
    own = hmac.digest(secrets[0].encode(), stamp.encode() + b"." + body, "sha256").hex()
    if shape is Shape.NOTIFYKIT:
        return found | {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": f"t={stamp},v1={own}"}
    return found | {"X-Emailit-Timestamp": stamp, "X-Emailit-Signature": own}


def _standard(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
