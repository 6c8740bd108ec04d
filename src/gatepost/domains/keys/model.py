"""What an API key is. Pure rules: formats, expiry, rotation, allow-lists."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Any

import msgspec

from gatepost.base import crypto
from gatepost.base.clock import DAY_MS
from gatepost.base.ids import AccountId, CustomerId, KeyId, ProjectId
from gatepost.limiter.contract import Window

NAME_MAX = 100
GRACE_MS_MAX = 7 * DAY_MS
METADATA_BYTES_MAX = 4096
NETWORKS_MAX = 100
START_EXTRA = 4
LIMITS_MAX = 8
DOMAIN_MAX = 253

_FOREIGN_PREFIX = re.compile(r"(?:[a-z][a-z0-9]{0,9}_){1,2}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
SECRET_LENGTH_MAX = 256


class Format(StrEnum):
    """How a secret looks: one shape per dialect. Any of them works everywhere."""

    NATIVE = "native"
    NATIVE_TEST = "native-test"
    EMITKIT = "emitkit"
    EVENTICAT = "eventicat"
    NOTIFYKIT = "notifykit"
    EMAILIT = "emailit"
    EMMI = "emmi"
    EMMI_SINGLE = "emmi-single"
    EMMI_MULTI = "emmi-multi"
    EMMI_TEST_SINGLE = "emmi-test-single"
    EMMI_TEST_MULTI = "emmi-test-multi"


PREFIXES = {
    Format.NATIVE: "gp_live_",
    Format.NATIVE_TEST: "gp_test_",
    Format.EMITKIT: "emitkit_",
    Format.EVENTICAT: "evk_",
    Format.NOTIFYKIT: "nh_",
    Format.EMAILIT: "em_live_",
    Format.EMMI: "emmi_sk_",
    Format.EMMI_SINGLE: "sk_live_single_",
    Format.EMMI_MULTI: "sk_live_multi_",
    Format.EMMI_TEST_SINGLE: "sk_test_single_",
    Format.EMMI_TEST_MULTI: "sk_test_multi_",
}
_HEX = frozenset({Format.NOTIFYKIT, Format.EMMI})
SINGLE = frozenset({Format.EMMI_SINGLE, Format.EMMI_TEST_SINGLE})
"""Keys of EMMI's earlier generation that know no customers: all is done for the same one."""
MULTI = frozenset({Format.EMMI_MULTI, Format.EMMI_TEST_MULTI})
"""Keys of that generation whose requests name the caller's own end customer."""
SANDBOX = frozenset({Format.EMMI_TEST_SINGLE, Format.EMMI_TEST_MULTI})
"""Those of a sandbox, which is an account of its own: none has keys of the next set as well."""
LIVE = (SINGLE | MULTI) - SANDBOX


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key of an account. Times in ms; its secrets are kept apart, as digests.

    `limits` None means the plan's, an empty tuple none at all. `sending_domain` binds a key
    to one domain it may send from, `customer_id` to reading what one customer used. With
    `hold_mails` its mails are kept and go to nobody. `allow_from` lists networks; empty admits
    every address.
    `start` is the recognisable beginning of the newest secret.
    """

    id: KeyId
    account_id: AccountId
    project_id: ProjectId | None
    name: str
    format: Format
    scopes: tuple[str, ...]
    sending_domain: str | None = None
    customer_id: CustomerId | None = None
    limits: tuple[Window, ...] | None = None
    enabled: bool = True
    hold_mails: bool = False
    expires_at: int | None = None
    allow_from: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    start: str
    created_at: int
    updated_at: int
    last_used_at: int | None = None


def standing_in(
    account_id: AccountId, of: bytes, name: str, scopes: tuple[str, ...], created_at: int
) -> Key:
    """What stands in the place of a key for somebody who calls without one: it has the id of what
    gives them their rights, and no secret.
    """
    return Key(
        id=KeyId(of),
        account_id=account_id,
        project_id=None,
        name=name,
        format=Format.NATIVE,
        scopes=scopes,
        start="",
        created_at=created_at,
        updated_at=created_at,
    )


def mint(kind: Format) -> str:
    """Make a new secret of a format; it is shown once and never stored."""
    prefix = PREFIXES[kind]
    if kind in SINGLE | MULTI:
        return crypto.with_short_checksum(prefix)
    return crypto.with_hex(prefix) if kind in _HEX else crypto.with_checksum(prefix)


def format_of(secret: str) -> Format:
    """The format a secret looks like; native for a foreign one."""
    for kind, prefix in PREFIXES.items():
        if secret.startswith(prefix):
            return kind
    return Format.NATIVE


def start_of(secret: str) -> str:
    """The part of a secret that may be shown: its prefix and four characters."""
    for prefix in PREFIXES.values():
        if secret.startswith(prefix):
            return secret[: len(prefix) + START_EXTRA]
    match = _FOREIGN_PREFIX.match(secret)
    return secret[: (match.end() if match else 0) + START_EXTRA]


def overlap_until(now: int, grace_ms: int, expires_at: int | None) -> int:
    """When the secret that a rotation replaces stops working: never past the key's expiry."""
    until = now + min(max(grace_ms, 0), GRACE_MS_MAX)
    return until if expires_at is None else min(until, expires_at)


def check_networks(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return networks in their normal form; raises ValueError for a malformed one.

    An IPv4 network written as IPv6 (`::ffff:10.0.0.0/104`) becomes the IPv4 one it means.
    """
    if len(names) > NETWORKS_MAX:
        message = f"at most {NETWORKS_MAX} networks"
        raise ValueError(message)
    return tuple(dict.fromkeys(_network(name) for name in names))


def _network(name: str) -> str:
    try:
        network = ipaddress.ip_network(name, strict=False)
    except ValueError:
        # The library would name it, and somebody may have put a secret there.
        raise ValueError("not an IPv4 or IPv6 address or network") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return f"{mapped}/{network.prefixlen - _MAPPED.prefixlen}"
    return str(network)


def check_limits(windows: tuple[Window, ...]) -> None:
    """Raise ValueError for limits that cannot stand side by side."""
    if len(windows) > LIMITS_MAX:
        message = f"at most {LIMITS_MAX} limits"
        raise ValueError(message)
    if len({one.seconds for one in windows}) < len(windows):
        message = "two limits of the same length"
        raise ValueError(message)


def check_domain(name: str) -> str:
    """Return a domain in its normal form; raises ValueError for a malformed one."""
    normal = name.strip().rstrip(".").lower()
    if len(normal) > DOMAIN_MAX or not _DOMAIN.fullmatch(normal):
        message = "not a domain name"
        raise ValueError(message)
    return normal


def check_import(secret: str) -> None:
    """Raise ValueError for a foreign secret that is too weak or cannot be a header value."""
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        message = "a secret is made of printable ASCII characters without spaces"
        raise ValueError(message)
    if len(secret) > SECRET_LENGTH_MAX:
        message = f"a secret has at most {SECRET_LENGTH_MAX} characters"
        raise ValueError(message)
    if crypto.estimated_bits(secret) < crypto.IMPORT_BITS_MIN:
        message = f"a secret needs at least {crypto.IMPORT_BITS_MIN} random bits"
        raise ValueError(message)
