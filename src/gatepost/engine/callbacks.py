"""Callbacks: where the providers of mailers report what became of mails after they took them.

Each mailer has an address of its own, which is signed: whoever knows it may report.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import NamedTuple

from gatepost.base import ids
from gatepost.base.config import Settings
from gatepost.base.ids import AccountId, MailerId
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.mailers import store
from gatepost.domains.mailers.model import Mailer, MailerKind
from gatepost.domains.suppressions.model import Why
from gatepost.engine import post
from gatepost.engine.letters import base
from gatepost.storage.db import Tx

PREFIX = "/mail/callbacks/"
PURPOSE = b"mail callbacks:"
MARK_BYTES = 16
PROVIDER = Actor("system", "", "report of a mail provider")

_PATH = re.compile(rf"{PREFIX}{post.NOUN}_([0-9a-f]{{32}})/([0-9a-f]{{32}})([0-9a-f]{{32}})")


class Called(NamedTuple):
    """Whose address it is."""

    account_id: AccountId
    mailer_id: MailerId


class Report(NamedTuple):
    """Somebody who is to get nothing more: the address is in its normal form."""

    address: str
    why: Why
    reason: str


def link(settings: Settings, pepper: bytes, mailer: Mailer) -> str | None:
    """Where a mailer's provider reports; servers that speak SMTP do not."""
    if mailer.kind is MailerKind.SMTP:
        return None
    mark = _mark(pepper, mailer.account_id, mailer.id)
    token = mailer.account_id.hex() + mark.hex()
    return f"{base(settings)}{PREFIX}{ids.show(post.NOUN, mailer.id)}/{token}"


def read(pepper: bytes, path: str) -> Called | None:
    """Whose a path is, None for anything that `link` has not made."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    mailer_id, account_id, mark = map(bytes.fromhex, found.groups())
    called = Called(AccountId(account_id), MailerId(mailer_id))
    return called if hmac.compare_digest(mark, _mark(pepper, *called)) else None


def note(tx: Tx, called: Called, reports: Sequence[Report], now: int) -> None:
    """Send those who are reported nothing more; what was reported before changes nothing."""
    for one in reports:
        post.stop(tx, called.account_id, *one, PROVIDER, now)


def ask(tx: Tx, called: Called, url: str, now: int) -> None:
    """Tell the account, in its audit log, of an address that somebody has to open to have reports
    sent; raises NOT_FOUND where there is no such mailer.
    """
    mailer = store.get(tx, *called)
    target = Target(ids.show(post.NOUN, mailer.id), mailer.name)
    asked = {"confirmUrl": url}
    audit.append(tx, called.account_id, PROVIDER, "mailer.confirm", target, now=now, after=asked)


def _mark(pepper: bytes, account_id: AccountId, mailer_id: MailerId) -> bytes:
    return hmac.digest(pepper, PURPOSE + account_id + mailer_id, "sha256")[:MARK_BYTES]
