"""Verify: addresses looked at, one or many, of which endpoints are told. Lists that are made and
ended are audited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.base import emails, ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import AccountId, ProjectId, VerificationId, VerificationListId
from gatepost.domains.accounts import store as accounts
from gatepost.domains.audit import store as audit
from gatepost.domains.audit.model import Actor, Target
from gatepost.domains.verifications import model, store
from gatepost.domains.verifications.model import (
    Answers,
    Finding,
    Result,
    Verification,
    VerificationList,
)
from gatepost.engine import milestones
from gatepost.engine.milestones import Milestone, moment
from gatepost.storage.db import Tx

NOUN = "evl"
ONE = "ev"
KIND = "email_verification"
LIST = "email_verification_list"
MODE = "fast"
"""What Emailit calls a verification that asks no mailbox."""
RESULTS = (
    "safe", "role", "catch_all", "unknown", "inbox_full", "disabled", "disposable", "invalid"
)  # fmt: skip
SCORES = {Result.INVALID: 0, Result.UNKNOWN: 50}
RISKS = {Result.INVALID: "high", Result.UNKNOWN: "medium"}


def look(
    tx: Tx,
    account_id: AccountId,
    project_id: ProjectId,
    email: str,
    answers: Answers,
    now: int,
    mode: str = MODE,
) -> dict[str, Any]:
    """Say what is found of one address, as Emailit shows it. Nothing is kept but the event that
    tells of it.
    """
    made = Verification(
        id=VerificationId(ids.new()),
        email=email,
        finding=model.judge(email, answers),
        checked_at=now,
    )
    shown = show(made, now, mode)
    told = Milestone(
        account_id=account_id, project_id=project_id, type=f"{KIND}.created", object=shown
    )
    milestones.note(tx, [told], now)
    return shown


def create(
    tx: Tx,
    account_id: AccountId,
    project_id: ProjectId,
    name: str,
    addresses: Sequence[str],
    actor: Actor,
    now: int,
) -> VerificationList:
    """Make a list, which is looked at soon; raises CONFLICT where the account has too many."""
    accounts.hold(tx, account_id)
    if len(store.list_(tx, account_id)) >= model.LISTS_MAX:
        raise AppError(Code.CONFLICT, f"An account has at most {model.LISTS_MAX} lists")
    made = VerificationList(
        account_id=account_id,
        id=VerificationListId(ids.new()),
        project_id=project_id,
        name=name,
        total=len(addresses),
        check_at=now,
        created_at=now,
        updated_at=now,
    )
    rows = [Verification(id=VerificationId(ids.new()), email=one) for one in addresses]
    store.add(tx, made, rows)
    _note(tx, actor, "verification.create", made, now)
    _tell(tx, "created", made, now)
    return made


def settle(
    tx: Tx, before: VerificationList, found: Sequence[Finding], now: int
) -> VerificationList | None:
    """Keep what was found of a list's next addresses, and go on; None where somebody else was
    faster, or it is no more. That a list is done is told.
    """
    accounts.hold(tx, before.account_id)
    known = store.find(tx, before.account_id, before.id)
    if known is None or known.processed != before.processed:
        return None
    asked = store.addresses(tx, known.account_id, known.id, place=known.processed, limit=len(found))
    done = [
        msgspec.structs.replace(one, finding=it, checked_at=now)
        for one, it in zip(asked, found, strict=True)
    ]
    store.settle(tx, known, known.processed, done)
    processed = known.processed + len(done)
    after = msgspec.structs.replace(
        known,
        processed=processed,
        invalid=known.invalid + sum(one.result is Result.INVALID for one in found),
        failed=known.failed + sum(one.failed for one in found),
        check_at=None if processed >= known.total else now,
        updated_at=now,
    )
    store.save(tx, after)
    if after.check_at is None:
        _tell(tx, "updated", after, now)
    return after


def end(
    tx: Tx, account_id: AccountId, list_id: VerificationListId, actor: Actor, now: int
) -> VerificationList:
    """Forget a list; raises NOT_FOUND."""
    accounts.hold(tx, account_id)
    gone = store.get(tx, account_id, list_id)
    store.remove(tx, account_id, list_id)
    _note(tx, actor, "verification.delete", gone, now)
    _tell(tx, "deleted", gone, now)
    return gone


def show(one: Verification, made_at: int, mode: str = MODE) -> dict[str, Any]:
    """A verification as Emailit shows it; what was not looked at is null."""
    found, at = one.finding, moment(made_at)
    result = None if found is None else found.result
    return {
        "object": KIND,
        "id": ids.show(ONE, one.id),
        "email": one.email,
        "status": "pending" if found is None else "completed",
        "score": None if result is None else SCORES[result],
        "risk": None if result is None else RISKS[result],
        "result": None if result is None else result.value,
        "mode": mode,
        "checks": None if found is None else _checks(found),
        "address": _address(one.email),
        "did_you_mean": None,
        "mx_records": [] if found is None else _records(found),
        "created_at": at,
        "updated_at": at if one.checked_at is None else moment(one.checked_at),
    }


def show_list(one: VerificationList) -> dict[str, Any]:
    """A list as Emailit shows it."""
    counts = dict.fromkeys(RESULTS, 0)
    counts |= {"invalid": one.invalid, "unknown": one.processed - one.invalid}
    return {
        "object": LIST,
        "id": ids.show(NOUN, one.id),
        "name": one.name,
        "status": "completed" if one.processed == one.total else "processing",
        "stats": {
            "total_emails": one.total,
            "processed_emails": one.processed,
            "successful_verifications": one.processed - one.failed,
            "failed_verifications": one.failed,
            "pending_emails": one.total - one.processed,
            "results": counts,
        },
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
    }


def _checks(found: Finding) -> dict[str, Any]:
    unknown = (
        "disposable", "inbox_full", "deliverable", "disabled", "free_email", "gibberish",
        "catch_all", "smtp_connect", "domain_age",
    )  # fmt: skip
    return {
        "valid_syntax": found.valid_syntax,
        "role_account": found.role,
        "has_mx_records": None if found.hosts is None else bool(found.hosts.exchanges),
        **dict.fromkeys(unknown),
    }


def _address(email: str) -> dict[str, Any] | None:
    try:
        read = emails.read(email)
    except ValueError:
        return None
    mailbox, plus, suffix = read.local.partition("+")
    root = emails.Address("", mailbox, read.domain).spec
    return {
        "mailbox": mailbox,
        "domain": read.domain,
        "suffix": suffix if plus else None,
        "root": root,
    }


def _records(found: Finding) -> list[dict[str, Any]]:
    exchanges = () if found.hosts is None else found.hosts.exchanges
    return [{"priority": one.priority, "exchange": one.host} for one in exchanges]


def _tell(tx: Tx, what: str, one: VerificationList, now: int) -> None:
    told = Milestone(
        account_id=one.account_id,
        project_id=one.project_id,
        type=f"{LIST}.{what}",
        object=show_list(one),
    )
    milestones.note(tx, [told], now)


def _note(tx: Tx, actor: Actor, action: str, one: VerificationList, now: int) -> None:
    target = Target(ids.show(NOUN, one.id), one.name, one.project_id)
    audit.append(tx, one.account_id, actor, action, target, now=now, after={"total": one.total})
