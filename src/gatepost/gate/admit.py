"""The door before the transaction: authenticate → authorise → throttle."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

import msgspec

from gatepost.base import crypto
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, KeyId, ProjectId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Key
from gatepost.domains.plans import store as plans
from gatepost.domains.plans.model import Period, Plan
from gatepost.domains.projects import store as projects
from gatepost.domains.quotas.model import Allowance
from gatepost.gate.keycache import KeyCache
from gatepost.gate.scopes import Scope, expand
from gatepost.limiter.contract import Limiter, Subject, Verdict, Window
from gatepost.storage.db import Database, Tx

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling, with all that the gate must know of them.

    `project_id` is the project the key is bound to; `default_project` the account's only one,
    for a key that is bound to none. `valid_until` (ms) ends the secret, None: no end.
    """

    key_id: KeyId
    key_name: str
    account_id: AccountId
    plan: str
    project_id: ProjectId | None
    default_project: ProjectId | None
    scopes: frozenset[Scope]
    key: Key
    key_limits: tuple[Window, ...]
    subjects: tuple[Subject, ...]
    allowances: tuple[Allowance, ...]
    networks: tuple[Network, ...]
    valid_until: int | None
    active: bool


class Admission:
    """The first door. One per process; used from the event loop alone."""

    def __init__(
        self,
        *,
        database: Database,
        limiter: Limiter,
        pepper: bytes,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """Hold what the door needs; the cache starts empty."""
        self.cache: KeyCache[Caller] = KeyCache()
        self.limiter = limiter
        self._database = database
        self._pepper = pepper
        self._clock = clock
        self._limits_on = settings.rate_limit == "on"
        self._unknown = Window("unknown-keys", settings.unknown_keys_per_minute, 60)
        self._loading: dict[bytes, asyncio.Task[Caller | None]] = {}

    def known(self, secret: str) -> Caller | None:
        """Return the caller if it is cached and its secret has not ended: the usual case."""
        entry = self.cache.get(self.cache.slot(secret))
        if entry is None or entry[0] is None or self._ended(entry[0]):
            return None
        return entry[0]

    async def authenticate(self, secret: str) -> Caller | None:
        """Return the caller of a secret, or None: malformed, unknown, revoked and expired
        ones cannot be told apart. Requests with the same secret share one look-up.
        """
        slot = self.cache.slot(secret)
        entry = self.cache.get(slot)
        caller = entry[0] if entry else await self._load_once(slot, secret)
        return None if caller is None or self._ended(caller) else caller

    async def unknown(self, address: str) -> AppError:
        """Charge an address for a key nobody has; returns the refusal it gets."""
        verdict = await self._hit([(f"{{address:{address}}}", self._unknown)])
        if verdict.admitted:
            return AppError(Code.UNAUTHENTICATED, "Invalid or missing authentication credentials")
        return AppError(
            Code.THROTTLED,
            "Too many requests with an unknown key. Please try again later.",
            retry_after_s=verdict.retry_after_s,
        )

    def authorise(self, caller: Caller, scope: Scope, address: str) -> None:
        """Raise FORBIDDEN or ACCOUNT_INACTIVE unless the caller may do this from here."""
        if not caller.active:
            raise AppError(Code.ACCOUNT_INACTIVE, "This account is not active")
        if caller.networks and not _allowed(address, caller.networks):
            raise AppError(Code.FORBIDDEN, "This key may not be used from this address")
        if scope not in caller.scopes:
            raise AppError(Code.FORBIDDEN, f"This key lacks the scope {scope}")

    def _ended(self, caller: Caller) -> bool:
        return caller.valid_until is not None and self._clock() >= caller.valid_until

    async def _hit(self, subjects: Sequence[Subject]) -> Verdict:
        verdict = self.limiter.hit(subjects)
        return verdict if isinstance(verdict, Verdict) else await verdict

    async def _load_once(self, slot: bytes, secret: str) -> Caller | None:
        task = self._loading.get(slot)
        if task is None:
            task = asyncio.create_task(self._load(slot, crypto.digest(self._pepper, secret)))
            self._loading[slot] = task
            task.add_done_callback(lambda _: self._loading.pop(slot, None))
        return await asyncio.shield(task)

    async def _load(self, slot: bytes, digest: bytes) -> Caller | None:
        generation, since = self.cache.generation, self.cache.now()
        caller = await self._database.read(lambda tx: self._find(tx, digest))
        if generation != self.cache.generation:
            return await self._load(slot, digest)
        self.cache.put(slot, caller, generation, since)
        return caller

    def _find(self, tx: Tx, digest: bytes) -> Caller | None:
        match = keys.find_by_digest(tx, digest)
        if match is None or not match.key.enabled:
            return None
        account = accounts.find(tx, match.key.account_id)
        if account is None:
            return None
        bound = match.key.project_id
        if bound is not None and projects.find(tx, account.id, bound) is None:
            return None
        owned = [] if bound else projects.list_(tx, account.id)
        default = owned[0].id if len(owned) == 1 else None
        plan = plans.find(tx, account.plan) or Plan(account.plan, "")
        return self._caller(match, account, plan, default)

    def _caller(
        self, match: keys.Match, account: Account, plan: Plan, default: ProjectId | None
    ) -> Caller:
        key = match.key
        limits = plan.key_limits if key.limits is None else key.limits
        ends = [moment for moment in (key.expires_at, match.valid_until) if moment is not None]
        return Caller(
            key_id=key.id,
            key_name=key.name,
            account_id=account.id,
            plan=plan.name,
            project_id=key.project_id,
            default_project=default,
            scopes=expand(key.scopes),
            key=key,
            key_limits=limits,
            subjects=self._subjects(key, account, limits, plan) if self._limits_on else (),
            allowances=_allowances(plan, account),
            networks=tuple(ipaddress.ip_network(name) for name in key.allow_from),
            valid_until=min(ends, default=None),
            active=account.status is Status.ACTIVE,
        )

    def _subjects(
        self, key: Key, account: Account, limits: tuple[Window, ...], plan: Plan
    ) -> tuple[Subject, ...]:
        # What is charged together begins with the same tag, so that a cluster keeps it together.
        tag = f"{{{account.id.hex()}}}"
        own = [(f"{tag}:key:{key.id.hex()}:{one.seconds}", one) for one in limits]
        shared = [(f"{tag}:account:{one.seconds}", one) for one in plan.account_limits]
        return (*own, *shared)


def _allowances(plan: Plan, account: Account) -> tuple[Allowance, ...]:
    return tuple(
        Allowance(
            quota.name,
            quota.limit,
            frozenset(quota.counts),
            account.created_at if quota.period is Period.DAYS_30 else None,
        )
        for quota in plan.quotas
    )


def _allowed(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return any((mapped or ip) in network for network in networks)
