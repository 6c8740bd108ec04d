"""Secrets that must be read again: sealed under a key made of the pepper.

AES-256-GCM (NIST SP 800-38D) with a random nonce; the key of each purpose comes of the pepper by
HKDF-SHA256 (RFC 5869). Whoever has the database alone reads none of them.
"""

from __future__ import annotations

import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12
KEY_BYTES = 32


class Damaged(ValueError):  # noqa: N818 # it names a state, as the message does
    """What was sealed cannot be opened: another pepper, another purpose, or changed bytes."""


class Vault:
    """Seals texts for one purpose and tenant: what was sealed for another does not open."""

    def __init__(self, pepper: bytes, purpose: str) -> None:
        """Derive the key."""
        self._cipher = _cipher(pepper, purpose)

    def seal(self, text: str, owner: bytes) -> bytes:
        """Return the sealed text: a nonce, then what is encrypted for the owner."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), owner)

    def open(self, sealed: bytes, owner: bytes) -> str:
        """Return the text; raises Damaged."""
        try:
            nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, owner).decode()
        except (InvalidTag, ValueError) as fault:
            raise Damaged("a sealed text does not open") from fault


@lru_cache(64)
def _cipher(pepper: bytes, purpose: str) -> AESGCM:
    info = b"gatepost vault " + purpose.encode()
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(pepper))
