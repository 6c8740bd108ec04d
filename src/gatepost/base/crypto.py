"""Secrets of API keys: how each format is minted, recognised and turned into a digest.

A secret is stored only as HMAC-SHA256 under a pepper that lives outside the database.
At 112 random bits and more a slow hash would buy nothing (OWASP ASVS 5.0, 6.5.2).
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import zlib
from pathlib import Path

from gatepost.base.durable import write_new

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_CHARS = 26
SHORT_CHARS = 32
CHECK_CHARS = 6
PEPPER_BYTES = 32
IMPORT_BITS_MIN = 112

DRAWN_MIN = 0.8
HEX_DRAWN_MIN = 0.6  # nothing that people write is made of these digits
LETTERS = 52
CASE_SHARE_MAX = 4

HEX_PEPPER = re.compile(r"[0-9a-fA-F]{64}")
_PREFIX = re.compile(r"^(?:[a-z][a-z0-9]{0,9}_){1,2}")
_HEX = frozenset("0123456789abcdef")
_MIXED = (frozenset(BASE62[:10]), frozenset(BASE62[10:36]), frozenset(BASE62[36:]))


def load_pepper(path: Path, given: str = "") -> bytes:
    """Return the pepper that is given as text (64 hexadecimal digits mean their 32 bytes), else
    read it; on the first run make it: 32 bytes, readable by the owner alone.

    Raises ValueError when the file has been cut short.
    """
    if given:
        return bytes.fromhex(given) if HEX_PEPPER.fullmatch(given) else given.encode()
    try:
        pepper = path.read_bytes()
    except FileNotFoundError:
        return _make_pepper(path)
    if len(pepper) != PEPPER_BYTES:
        message = f"{path.name} must hold exactly {PEPPER_BYTES} bytes"
        raise ValueError(message)
    return pepper


def _make_pepper(path: Path) -> bytes:
    pepper = secrets.token_bytes(PEPPER_BYTES)
    try:
        write_new(path, pepper)
    except FileExistsError:  # another process was quicker
        return load_pepper(path)
    return pepper


def pepper_check(pepper: bytes) -> str:
    """Return what tells one pepper from another and says nothing about either."""
    return hmac.digest(pepper, b"gatepost pepper check", "sha256").hex()[:32]


def digest(pepper: bytes, secret: str) -> bytes:
    """Return the 32 bytes by which a secret is stored and found."""
    return hmac.digest(pepper, secret.encode(), "sha256")


def with_checksum(prefix: str) -> str:
    """Mint prefix + 26 base62 characters (154 bits) + 6 of CRC32 over all before them."""
    body = prefix + "".join(secrets.choice(BASE62) for _ in range(RANDOM_CHARS))
    return body + checksum(body)


def checksum(body: str) -> str:
    """Write the CRC32 of a key's body as six base62 characters: a typo check, no security."""
    value = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECK_CHARS):
        value, digit = divmod(value, 62)
        digits = BASE62[digit] + digits
    return digits


def with_short_checksum(prefix: str) -> str:
    """Mint prefix + 32 base62 characters (190 bits) + `_` + 4 hexadecimal digits of a checksum."""
    body = prefix + "".join(secrets.choice(BASE62) for _ in range(SHORT_CHARS))
    return f"{body}_{short_checksum(body)}"


def short_checksum(body: str) -> str:
    """Write the beginning of a body's SHA-256 as four hexadecimal digits: a typo check as well."""
    return hashlib.sha256(body.encode()).hexdigest()[:4]


def with_hex(prefix: str) -> str:
    """Mint prefix + 64 lower-case hexadecimal characters (256 bits)."""
    return prefix + secrets.token_hex(32)


def estimated_bits(secret: str) -> float:
    """Estimate the entropy of a foreign secret.

    One that looks drawn from hexadecimal digits, or from letters of both cases with or without
    digits, counts its whole alphabet. Any other counts what its own letter frequencies allow, so
    that `aaaa…` counts as nothing.
    """
    body = _once(_PREFIX.sub("", secret))
    if not body:
        return 0.0
    digits = body.replace("-", "").lower()
    if _HEX.issuperset(digits) and _looks_drawn(digits, len(_HEX), HEX_DRAWN_MIN):
        return len(digits) * math.log2(len(_HEX))
    if all(kind & set(body) for kind in _MIXED) and _looks_drawn(body, len(BASE62)):
        return len(body) * math.log2(len(BASE62))
    if body.isalpha() and _evenly_cased(body) and _looks_drawn(body, LETTERS):
        return len(body) * math.log2(LETTERS)
    shares = [body.count(char) / len(body) for char in set(body)]
    return len(body) * -sum(share * math.log2(share) for share in shares)


def _evenly_cased(text: str) -> bool:
    """Whether letters of either case are as frequent as chance, not spelling, makes them."""
    upper = sum(map(str.isupper, text))
    return min(upper, len(text) - upper) * CASE_SHARE_MAX >= len(text)


def _once(text: str) -> str:
    """A text that repeats one part again and again, cut to that part."""
    return text[: (text + text).find(text, 1)]


def _looks_drawn(text: str, letters: int, share: float = DRAWN_MIN) -> bool:
    """Whether a text shows about as many different letters as chance would."""
    expected = letters * (1 - (1 - 1 / letters) ** len(text))
    return len(set(text)) >= share * expected
