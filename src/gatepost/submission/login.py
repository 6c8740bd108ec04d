"""AUTH PLAIN and LOGIN (RFC 4616, 4954): what a client says of itself. Pure."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import NamedTuple

MECHANISMS = ("LOGIN", "PLAIN")
USERS = frozenset({"emailit", "gatepost"})
"""Who one is: the key tells the rest."""
EMPTY = "="
CANCELED = "*"


class Login(NamedTuple):
    """A user and a password, which is a secret of a key's."""

    user: str
    secret: str

    def __repr__(self) -> str:
        """Nothing secret."""
        return f"Login({self.user!r})"


def text(encoded: str) -> str:
    """Read what came in base64; raises ValueError."""
    if encoded == EMPTY:
        return ""
    try:
        return b64decode(encoded.encode("ascii"), validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ValueError("Not base64 of a text") from None


def plain(said: str) -> Login:
    """Read `identity NUL user NUL password`; raises ValueError. Nobody acts as somebody else."""
    parts = said.split("\0")
    if len(parts) != 3:  # noqa: PLR2004 # as the line above says
        raise ValueError("Not an identity, a user and a password")
    identity, user, secret = parts
    return Login(user if identity in {"", user} else "", secret)
