"""How much a key can do, and whether one can do more than another. Pure rules."""

from __future__ import annotations

import ipaddress
import math

import msgspec

from gatepost.base.ids import CustomerId, ProjectId
from gatepost.domains.keys.model import Key
from gatepost.domains.keys.scopes import CUSTOMERS, Scope, expand
from gatepost.limiter.contract import Window

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Problem = tuple[list[str | int], str]


class Power(msgspec.Struct, frozen=True):
    """What a key can do. `windows` are the limits that hold for it, its own or its plan's;
    no networks mean every address.
    """

    scopes: frozenset[Scope]
    project_id: ProjectId | None
    customer_id: CustomerId | None
    sending_domain: str | None
    windows: tuple[Window, ...]
    expires_at: int | None
    networks: tuple[Network, ...]


def rights(key: Key) -> frozenset[Scope]:
    """The scopes a key holds, whatever it was given when it is bound to a customer."""
    held = expand(key.scopes)
    return held if key.customer_id is None else held & CUSTOMERS


def power_of(key: Key, plan_limits: tuple[Window, ...]) -> Power:
    """Sum a key up; `plan_limits` are those of its account's plan."""
    return Power(
        rights(key),
        key.project_id,
        key.customer_id,
        key.sending_domain,
        plan_limits if key.limits is None else key.limits,
        key.expires_at,
        tuple(ipaddress.ip_network(name) for name in key.allow_from),
    )


def excess(mine: Power, other: Power) -> list[Problem]:
    """List where `other` can do more than `mine`: the member at fault, in words."""
    found: list[Problem] = []
    beyond = sorted(other.scopes - mine.scopes)
    if beyond:
        found.append((["scopes"], f"Beyond the calling key's own scopes: {', '.join(beyond)}"))
    if mine.project_id is not None and other.project_id != mine.project_id:
        found.append((["projectId"], "The calling key is bound to another project"))
    if mine.customer_id is not None and other.customer_id != mine.customer_id:
        found.append((["customerId"], "The calling key is bound to another customer"))
    if mine.sending_domain is not None and other.sending_domain != mine.sending_domain:
        found.append((["sendingDomain"], "The calling key is bound to another domain"))
    if not within(other.windows, mine.windows):
        found.append((["limits"], "Looser than the calling key's own limits"))
    if _outlives(other.expires_at, mine.expires_at):
        found.append((["expiresAt"], "Later than the calling key's own expiry"))
    if not _inside(other.networks, mine.networks):
        found.append((["allowFrom"], "Wider than the calling key's own networks"))
    return found


def within(windows: tuple[Window, ...], bounds: tuple[Window, ...]) -> bool:
    """Whether limits keep to every one of some bounds."""
    return all(any(_implies(one, bound) for one in windows) for bound in bounds)


def _implies(window: Window, bound: Window) -> bool:
    """A stretch of the bound's length is covered by so many of the window's own."""
    return window.limit * math.ceil(bound.seconds / window.seconds) <= bound.limit


def _outlives(moment: int | None, bound: int | None) -> bool:
    return bound is not None and (moment is None or moment > bound)


def _inside(networks: tuple[Network, ...], bounds: tuple[Network, ...]) -> bool:
    if not bounds:
        return True
    return bool(networks) and all(any(_part_of(one, it) for it in bounds) for one in networks)


def _part_of(network: Network, bound: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(bound, ipaddress.IPv4Network):
        return network.subnet_of(bound)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(bound, ipaddress.IPv6Network):
        return network.subnet_of(bound)
    return False
