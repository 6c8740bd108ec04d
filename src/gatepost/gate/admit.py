"""The door before the transaction: authenticate → authorise → throttle."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

import msgspec

from gatepost.base import crypto
from gatepost.base.clock import Clock
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code, Spent, not_found
from gatepost.base.ids import AccountId, CustomerId, KeyId, OperatorId, ProjectId, show
from gatepost.domains.accounts import store as accounts
from gatepost.domains.accounts.model import Account, Status
from gatepost.domains.audit.model import Actor
from gatepost.domains.customers import allowances
from gatepost.domains.customers import model as customer_model
from gatepost.domains.customers import store as customers
from gatepost.domains.keys import store as keys
from gatepost.domains.keys.model import Key
from gatepost.domains.keys.power import rights
from gatepost.domains.operators.model import Role
from gatepost.domains.plans import store as plans
from gatepost.domains.plans.model import Period, Plan
from gatepost.domains.projects import store as projects
from gatepost.domains.projects.model import Project
from gatepost.domains.quotas.model import Allowance
from gatepost.gate.budget import Payer
from gatepost.gate.checker import Checker
from gatepost.gate.keycache import KeyCache
from gatepost.gate.scopes import Scope
from gatepost.limiter.contract import Limiter, Subject, Verdict, Window
from gatepost.storage.db import Database, Tx

MAIL_S = "mail_window_s"
"""Where a refusal tells that a limit of mails is used up, and how long its window is."""
OPERATOR_WINDOW = Window("operator", 1200, 60)
"""How often one operator may ask the API, from all accounts and browsers together."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Acting(msgspec.Struct, frozen=True):
    """An operator who calls by a session, and their role in the account."""

    id: OperatorId
    email: str
    name: str
    role: Role
    superuser: bool


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling, with all that the gate must know of them.

    `project_id` is the project the key is bound to; `default_project` that one, or for a key
    that is bound to none the account's only one; `counting` tells whether it counts its events.
    `subjects` are charged for each request, `mail_subjects` for recipients of mails.
    `valid_until` (ms) ends the secret, None: no end. An `operator` calls without a key: a
    membership stands in its place, and lends it its id.
    """

    key_id: KeyId
    key_name: str
    account_id: AccountId
    plan: str
    project_id: ProjectId | None
    default_project: ProjectId | None
    counting: bool
    scopes: frozenset[Scope]
    key: Key
    key_limits: tuple[Window, ...]
    subjects: tuple[Subject, ...]
    mail_subjects: tuple[Subject, ...]
    allowances: tuple[Allowance, ...]
    networks: tuple[Network, ...]
    valid_until: int | None
    status: Status
    operator: Acting | None = None

    @property
    def active(self) -> bool:
        """Whether the account's keys work."""
        return self.status is Status.ACTIVE

    def actor(self, address: str | None) -> Actor:
        """Who it is, as the audit log names them."""
        operator = self.operator
        if operator is None:
            return Actor("key", show("key", self.key_id), self.key_name, address or None)
        return Actor("operator", show("operator", operator.id), operator.email, address or None)


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
        self.payers: KeyCache[Payer] = KeyCache()
        self.clients: KeyCache[CustomerId] = KeyCache()
        self.limiter = limiter
        self._database = database
        self._pepper = pepper
        self._clock = clock
        self._limits_on = settings.rate_limit == "on"
        self.checker = Checker(
            database=database, limiter=limiter, pepper=pepper, limits_on=self._limits_on
        )
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

    def forget(self) -> None:
        """Forget all that is cached: something about keys, plans or customers has changed."""
        self.cache.clear()
        self.payers.clear()
        self.clients.clear()
        self.checker.forget()

    async def payer(self, caller: Caller, customer_id: CustomerId) -> Payer:
        """Return the account's customer; raises NOT_FOUND or CUSTOMER_INACTIVE.

        It is known for as long as a caller is.
        """
        if caller.key.customer_id not in {None, customer_id}:
            raise not_found("customer with this id")
        slot = caller.account_id + customer_id
        entry = self.payers.get(slot)
        if entry is not None and entry[0] is not None:
            return entry[0]
        generation, since = self.payers.generation, self.payers.now()
        found = await self._database.read(lambda tx: _payer(tx, caller.account_id, customer_id))
        self.payers.put(slot, found, generation, since)
        return found

    async def client(self, caller: Caller, identifier: str) -> CustomerId | None:
        """Find the account's customer of that identifier; it is known as long as a caller is."""
        slot = caller.account_id + identifier.encode()
        entry = self.clients.get(slot)
        if entry is not None and entry[0] is not None:
            return entry[0]
        generation, since = self.clients.generation, self.clients.now()
        account_id = caller.account_id
        found = await self._database.read(
            lambda tx: customers.find_by_identifier(tx, account_id, identifier)
        )
        known = None if found is None else found.id
        self.clients.put(slot, known, generation, since)
        return known

    async def unknown(self, address: str, refusal: AppError | None = None) -> AppError:
        """Charge an address for a key nobody has; returns the refusal it gets: the one that is
        given, unless there were too many.
        """
        verdict = await self.hit([(f"{{address:{address}}}", self._unknown)])
        if verdict.admitted:
            detail = "Invalid or missing authentication credentials"
            return refusal or AppError(Code.UNAUTHENTICATED, detail)
        detail = "Too many requests with an unknown key. Please try again later."
        return throttled(verdict, detail, self._clock())

    def authorise(self, caller: Caller, scope: Scope, address: str) -> None:
        """Raise FORBIDDEN or ACCOUNT_INACTIVE unless the caller may do this from here."""
        if not caller.active:
            extra: dict[str, object] = {"status": caller.status.value}
            raise AppError(Code.ACCOUNT_INACTIVE, "This account is not active", extra=extra)
        if caller.networks and not _allowed(address, caller.networks):
            raise AppError(Code.FORBIDDEN, "This key may not be used from this address")
        if scope not in caller.scopes:
            raise AppError(Code.FORBIDDEN, f"This key lacks the scope {scope}")

    async def post(self, caller: Caller, recipients: int, now: int) -> Verdict | None:
        """Charge a mail's recipients to the limits of its account; None where there are none.
        Raises THROTTLED where none of them may be sent to now.
        """
        subjects = caller.mail_subjects
        if not subjects or not recipients:
            return None
        verdict = await self.hit(subjects, recipients, overdraw=True)
        if not verdict.admitted:
            tight = verdict.tightest.window
            detail = f"Too many e-mails: at most {tight.limit} recipients in {tight.seconds} s"
            refusal = throttled(verdict, detail, now)
            refusal.extra[MAIL_S] = tight.seconds
            raise refusal
        return verdict

    async def seldom(
        self, caller: Caller, what: str, window: Window, now: int, detail: str = ""
    ) -> None:
        """Charge something that an account may have done only so often; raises THROTTLED."""
        if self._limits_on:
            verdict = await self.hit([(f"{{{caller.account_id.hex()}}}:{what}", window)])
            if not verdict.admitted:
                usual = f"At most {window.limit} of them in {window.seconds} s"
                raise throttled(verdict, detail or usual, now)

    async def hit(
        self, subjects: Sequence[Subject], cost: int = 1, *, overdraw: bool = False
    ) -> Verdict:
        """Charge some windows, wherever they are kept."""
        verdict = self.limiter.hit(subjects, cost, overdraw=overdraw)
        return verdict if isinstance(verdict, Verdict) else await verdict

    def _ended(self, caller: Caller) -> bool:
        return caller.valid_until is not None and self._clock() >= caller.valid_until

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
        return self.resolve(tx, match.key, match.valid_until)

    def resolve(
        self, tx: Tx, key: Key, valid_until: int | None = None, operator: Acting | None = None
    ) -> Caller | None:
        """Gather what the gate must know of whoever calls by a key, or of an operator for whom a
        membership stands in its place; None where the account or its project is no more.
        """
        account = accounts.find(tx, key.account_id)
        if account is None:
            return None
        bound = key.project_id
        mine = projects.find(tx, account.id, bound) if bound else None
        if bound is not None and mine is None:
            return None
        owned = [mine] if mine else projects.list_(tx, account.id)
        only = owned[0] if len(owned) == 1 else None
        plan = plans.find(tx, account.plan) or Plan(account.plan, "")
        caller = self._caller(keys.Match(key, valid_until), account, plan, only)
        if operator is None:
            return caller
        subjects = (_operator_subject(operator),) if self._limits_on else ()
        limits = tuple(window for _, window in subjects)
        return msgspec.structs.replace(
            caller, operator=operator, subjects=subjects, key_limits=limits
        )

    def _caller(
        self, match: keys.Match, account: Account, plan: Plan, project: Project | None
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
            default_project=project.id if project else None,
            counting=project is not None and project.counting,
            scopes=rights(key),
            key=key,
            key_limits=limits,
            subjects=self._subjects(key, account, limits, plan) if self._limits_on else (),
            mail_subjects=_mail_subjects(account, plan) if self._limits_on else (),
            allowances=_allowances(plan, account),
            networks=tuple(ipaddress.ip_network(name) for name in key.allow_from),
            valid_until=min(ends, default=None),
            status=account.status,
        )

    def _subjects(
        self, key: Key, account: Account, limits: tuple[Window, ...], plan: Plan
    ) -> tuple[Subject, ...]:
        tag = _tag(account)
        own = [(f"{tag}:key:{key.id.hex()}:{one.seconds}", one) for one in limits]
        shared = [(f"{tag}:account:{one.seconds}", one) for one in plan.account_limits]
        return (*own, *shared)


def _operator_subject(operator: Acting) -> Subject:
    return f"{{operator:{operator.id.hex()}}}", OPERATOR_WINDOW


def _tag(account: Account) -> str:
    """What is charged together begins with the same tag, so that a cluster keeps it together."""
    return f"{{{account.id.hex()}}}"


def _mail_subjects(account: Account, plan: Plan) -> tuple[Subject, ...]:
    return tuple((f"{_tag(account)}:mail:{one.seconds}", one) for one in plan.mail_limits)


def _payer(tx: Tx, account_id: AccountId, customer_id: CustomerId) -> Payer:
    found = customers.get(tx, account_id, customer_id)
    if found.status is not customer_model.Status.ACTIVE:
        raise AppError(Code.CUSTOMER_INACTIVE, "This customer is not active")
    return Payer(account_id, customer_id, allowances.find(tx, account_id, customer_id))


def throttled(verdict: Verdict, detail: str, now: int) -> AppError:
    """Build the refusal of a request that a limit does not admit."""
    tight = verdict.tightest
    return AppError(
        Code.THROTTLED,
        detail,
        retry_after_s=verdict.retry_after_s,
        spent=Spent(tight.window.limit, now + int(tight.reset_s * 1000)),
    )


def _allowances(plan: Plan, account: Account) -> tuple[Allowance, ...]:
    return tuple(
        Allowance(
            quota.name,
            quota.limit,
            frozenset(quota.counts),
            account.created_at if quota.period is Period.DAYS_30 else None,
            daily=quota.period is Period.DAY,
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
