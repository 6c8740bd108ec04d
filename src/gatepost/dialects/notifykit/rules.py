"""What NotifyKit's plans ask of an e-mail: a provider, a verified domain, a sender of one's own.

They hold for accounts on NotifyKit's plans alone; on others the engine's own rules decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gatepost.base import emails
from gatepost.base.config import Settings
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId
from gatepost.dialects.notifykit.wire import refusal
from gatepost.domains.emaildomains import store as emaildomains
from gatepost.domains.emaildomains.model import SENDER_LABEL, SendingDomain
from gatepost.domains.mailers import store as mailers
from gatepost.domains.mailers.model import Mailer
from gatepost.domains.outbox.model import Priority
from gatepost.engine.compose import senders
from gatepost.storage.db import Tx

FREE = "notifykit-free"
PAID = frozenset({"notifykit-indie", "notifykit-startup"})
LOCAL = "noreply"

NO_PROVIDER = (
    "Please add at least one email provider API key (SendGrid, Resend, or Postmark) in Settings "
    "before sending emails."
)
NO_DOMAIN = (
    "Paid plans must use a verified sending domain. Please add and verify your domain in Settings."
)
PENDING_DOMAIN = (
    "Your sending domain is pending verification. Please complete domain verification in Settings."
)
LONELY_FALLBACK = "`fallback` requires `provider` to be set."
SAME_FALLBACK = "`provider` and `fallback` must be different."
FREE_ROUTING = "Per-message provider routing requires a paid plan."
FREE_SENDER = "Custom from address is not allowed. Upgrade your plan to use a custom domain."
NOT_ALLOWED = "The sender is not allowed"


class Means(NamedTuple):
    """What an account has to send by: mailers that are enabled, and domains, the oldest first."""

    mailers: Sequence[Mailer]
    domains: Sequence[SendingDomain]

    @property
    def able(self) -> list[SendingDomain]:
        """The domains that may be sent from."""
        return [one for one in self.domains if one.may_send]


def means(tx: Tx, account_id: AccountId) -> Means:
    """Look up what an account has."""
    enabled = [one for one in mailers.list_(tx, account_id) if one.enabled]
    return Means(enabled, emaildomains.list_(tx, account_id))


def priority(plan: str, asked: Priority) -> Priority:
    """Which deliveries go first: those of the free plan never do."""
    return Priority.LOW if plan == FREE else asked


def check_means(plan: str, has: Means) -> None:
    """Raise FORBIDDEN where a paid plan has no provider, no domain, or none that is verified."""
    if plan not in PAID:
        return
    if not has.mailers:
        raise refusal(Code.FORBIDDEN, NO_PROVIDER)
    if not has.domains:
        raise refusal(Code.FORBIDDEN, NO_DOMAIN)
    if not has.able:
        raise refusal(Code.FORBIDDEN, PENDING_DOMAIN)


def check_routing(plan: str, has: Means, provider: str | None, fallback: str | None) -> None:
    """Raise INVALID or FORBIDDEN for providers that cannot be asked for."""
    if fallback and not provider:
        raise refusal(Code.INVALID, LONELY_FALLBACK)
    if fallback and fallback == provider:
        raise refusal(Code.INVALID, SAME_FALLBACK)
    if provider and plan == FREE:
        raise refusal(Code.FORBIDDEN, FREE_ROUTING)
    for what, wanted in (("Provider", provider), ("Fallback provider", fallback)):
        if wanted and senders.find(has.mailers, wanted) is None:
            words = f"{what} {wanted} is not configured for this customer."
            raise refusal(Code.INVALID, words)


def sender(plan: str, has: Means, given: str | None, settings: Settings) -> str:
    """Whom a mail is from, empty where the engine decides that; raises FORBIDDEN for a sender that
    is not allowed.
    """
    usual = senders.default(settings)
    if given is not None and usual:
        _check_usual(given, emails.read(usual))
    if plan in PAID:
        return _own(has, given, usual)
    if plan == FREE and given is not None:
        if not usual or not _same(given, usual):
            raise refusal(Code.FORBIDDEN, FREE_SENDER)
        return usual
    return given or ""


def _check_usual(given: str, usual: emails.Address) -> None:
    """Of the domain that everybody sends from who has none, nobody may have another address."""
    found = emails.read(given)
    if found.domain == usual.domain and found.spec != usual.spec:
        raise _cannot(given, f"Only {usual.spec} is allowed.")


def _same(given: str, usual: str) -> bool:
    return emails.read(given).spec == emails.read(usual).spec


def _own(has: Means, given: str | None, usual: str) -> str:
    """An address at the `em.` host of one of the account's domains."""
    if given is None:
        return f"{LOCAL}@{SENDER_LABEL}.{has.able[0].name}"
    if usual and _same(given, usual):
        return usual
    found = emails.read(given)
    local = found.spec.rpartition("@")[0]
    for one in has.domains:
        if found.domain in {one.name, f"{SENDER_LABEL}.{one.name}", one.return_path}:
            if not one.may_send:
                raise _cannot(given, f"Domain {one.name} is not yet verified.")
            host = f"{SENDER_LABEL}.{one.name}" if found.domain == one.name else found.domain
            return f"{local}@{host}"
    names = [one.name for one in has.able]
    if len(names) == 1:
        raise _cannot(given, f"Use your verified domain {names[0]} instead.")
    raise _cannot(given, f"Use one of your verified domains: {', '.join(names)}.")


def unverified(given: str, host: str) -> AppError:
    """Refuse a sender whose domain the engine does not know as the account's."""
    return _cannot(given, f"{host} is not a verified sending domain.")


def _cannot(given: str, why: str) -> AppError:
    return refusal(Code.FORBIDDEN, f"Cannot send from {given}. {why}", NOT_ALLOWED)
