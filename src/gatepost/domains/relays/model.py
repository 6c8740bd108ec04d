"""What a relayed route is, and which ones may be declared. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gatepost.base.errors import AppError, invalid
from gatepost.base.ids import AccountId, RelayId
from gatepost.domains.relays import paths, units

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ANY = "ANY"
UPSTREAM_MAX = 2000
TIMEOUT_MS = 30_000
TIMEOUT_MS_MIN = 100
TIMEOUT_MS_MAX = 600_000
SCOPE = "data:write"
WORDS = 3
EVERYBODY = AccountId(bytes(16))
"""In the place of an account, of routes that the settings declare for all of them."""

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\]")
_VISIBLE = re.compile(r"[!-~]+")

Problem = tuple[Sequence[str | int], str]


class CustomerRule(StrEnum):
    """Whether a request says for which customer it is done."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    IGNORED = "ignored"


class Relay(msgspec.Struct, frozen=True, kw_only=True):
    """A method and path of one account that are forwarded to an upstream. Times in ms.

    `path` and `upstream` may have `{name}` segments and end in `/*`. `units` is what a request is
    worth: `1`, `array`, or a JSON pointer into its body. A `trusted` one may reach any address.
    """

    id: RelayId
    account_id: AccountId
    method: str
    path: str
    upstream: str
    units: str = units.ONE
    scope: str = SCOPE
    customer: CustomerRule = CustomerRule.OPTIONAL
    timeout_ms: int = TIMEOUT_MS
    trusted: bool = False
    created_at: int
    updated_at: int
    deleted_at: int | None = None

    @property
    def name(self) -> str:
        """Its method and path, as people write them."""
        return f"{self.method} {self.path}"


def check(relay: Relay) -> None:
    """Raise INVALID for a route that cannot be; its scope is checked by whoever knows them."""
    problems: list[Problem] = []
    if relay.method not in (*METHODS, ANY):
        problems.append((["method"], f"Must be one of {', '.join((*METHODS, ANY))}"))
    if wrong := paths.problem(relay.path):
        problems.append((["path"], wrong))
    elif wrong := _upstream_problem(relay.upstream, relay.path):
        problems.append((["upstream"], wrong))
    if wrong := units.problem(relay.units):
        problems.append((["units"], wrong))
    if not TIMEOUT_MS_MIN <= relay.timeout_ms <= TIMEOUT_MS_MAX:
        words = f"Must be from {TIMEOUT_MS_MIN / 1000:g} to {TIMEOUT_MS_MAX / 1000:g} seconds"
        problems.append((["timeoutSeconds"], words))
    if problems:
        raise invalid(*problems)


def host_of(upstream: str) -> str:
    """The host an upstream names, without brackets."""
    return urlsplit(upstream).hostname or ""


def read_line(line: str) -> Relay:
    """Read `METHOD PATH UPSTREAM`, and after it `units=`, `customer=`, `scope=`, `timeout_s=`.

    It is everybody's, and trusted. Raises ValueError.
    """
    words = line.split()
    if len(words) < WORDS:
        raise ValueError(f"{line!r}: write METHOD PATH UPSTREAM")
    given = _options(words[WORDS:])
    try:
        relay = Relay(
            id=RelayId(bytes(16)),
            account_id=EVERYBODY,
            method=words[0].upper(),
            path=words[1],
            upstream=words[2],
            trusted=True,
            created_at=0,
            updated_at=0,
            **given,
        )
        check(relay)
    except AppError as error:
        wrong = "; ".join(f"{one.path[0]}: {one.message}" for one in error.fields)
        raise ValueError(f"{line!r}: {wrong}") from None
    return relay


def _options(words: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        match name:
            case "units" | "scope":
                given[name] = value
            case "customer":
                given[name] = _customer_rule(value)
            case "timeout_s":
                given["timeout_ms"] = round(float(value) * 1000)
            case _:
                raise ValueError(f"unknown option {word!r}")
    return given


def _customer_rule(text: str) -> CustomerRule:
    if text not in set(CustomerRule):
        raise ValueError(f"customer: Must be one of {', '.join(CustomerRule)}")
    return CustomerRule(text)


def _upstream_problem(upstream: str, path: str) -> str:
    """What is wrong with an address, as a sentence; empty when nothing is."""
    if len(upstream) > UPSTREAM_MAX or not _VISIBLE.fullmatch(upstream):
        return f"At most {UPSTREAM_MAX} visible characters"
    if not upstream.startswith(("http://", "https://")):
        return "Must begin with http:// or https://"
    if "?" in upstream or "#" in upstream:
        return "Must have no query and no fragment: the request's own query is passed on"
    try:
        parts = urlsplit(upstream)
        port = parts.port
    except ValueError:
        return "Not an address"
    host = parts.netloc if port is None else parts.netloc.rpartition(":")[0]
    if not _HOST.fullmatch(host) or port == 0:
        return "Must name a host, without user and password"
    return _template_problem(parts.path or "/", path)


def _template_problem(target: str, path: str) -> str:
    if wrong := paths.problem(target):
        return wrong
    missing = set(paths.names(target)) - set(paths.names(path))
    if missing:
        return f"Its path names {', '.join(sorted(missing))}, which the route's path does not"
    if paths.is_open(target) != paths.is_open(path):
        return "Either both paths end in /* or neither does"
    return ""
