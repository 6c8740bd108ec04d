"""`/notifications/jobs`: how what was sent has fared, and once more."""

from __future__ import annotations

from typing import Any, NamedTuple

from gatepost.base import ids
from gatepost.base.errors import AppError, Code
from gatepost.base.ids import DeliveryId
from gatepost.dialects.notifykit import jobwire, rules
from gatepost.dialects.notifykit.envelope import ok
from gatepost.dialects.notifykit.jobwire import NOUN, STATES, TYPES
from gatepost.dialects.notifykit.shapes import (
    JobOut,
    JobsOut,
    JobsQuery,
    PaginationOut,
    RetriedOut,
)
from gatepost.dialects.notifykit.wire import JOB_NOT_FOUND, refusal
from gatepost.domains.outbox import attempts, numbered, store
from gatepost.domains.outbox.model import Delivery, Message, Transport
from gatepost.domains.outbox.numbered import Sought
from gatepost.engine import replay
from gatepost.engine.enlist import Safe
from gatepost.gate.once import Reply
from gatepost.gate.scopes import Scope
from gatepost.storage.db import Tx
from gatepost.web import query as queries
from gatepost.web.contract import Call, Endpoint, free

LIMIT = 20
LIMIT_MAX = 100
PAGE_MAX = 10**9
DIGITS_MAX = 18
KINDS = {"email": jobwire.EMAIL, "webhook": jobwire.WEBHOOK}
PATH = "/api/v1/notifications/jobs"
NOT_FAILED = "Job not found or cannot be retried (must be in failed status)"
REQUEUED = "Job has been re-queued for processing"


class Listed(NamedTuple):
    """Which jobs, and which page of them."""

    sought: Sought
    page: int
    limit: int


def parse_list(call: Call, _body: bytes) -> Listed:
    """Read which jobs; raises INVALID."""
    given = dict(queries.pairs(call))
    kind, status = given.get("type", ""), given.get("status", "")
    _check("type", kind, KINDS)
    _check("status", status, STATES)
    types = (KINDS[kind],) if kind else TYPES
    states = STATES[status] if status else ()
    return Listed(
        Sought(types, states, call.caller.project_id),
        min(_number(given.get("page", ""), 1), PAGE_MAX),
        min(_number(given.get("limit", ""), LIMIT), LIMIT_MAX),
    )


def _check(name: str, value: str, allowed: Any) -> None:
    if value and value not in allowed:
        words = f"{name} must be one of the following values: {', '.join(allowed)}"
        raise refusal(Code.INVALID, words)


def _number(text: str, usual: int) -> int:
    """What is no number above 0 is as good as left out."""
    if not (text.isascii() and text.isdecimal()):
        return usual
    return int(text[:DIGITS_MAX]) or usual


def list_(tx: Tx, call: Call, asked: Listed) -> Reply:
    """A page of jobs, newest first."""
    account_id, limit = call.caller.account_id, asked.limit
    offset = (asked.page - 1) * limit
    total = numbered.count(tx, account_id, asked.sought)
    found: list[Delivery] = []
    if offset < total:
        found = numbered.page(tx, account_id, asked.sought, offset=offset, limit=limit)
    tried = attempts.of(tx, account_id, [one.id for one in found])
    shown = [jobwire.summary(one, tried[one.id]) for one in found]
    return ok(call, JobsOut(shown, PaginationOut(asked.page, limit, total, -(-total // limit))))


def parse_id(call: Call, _body: bytes) -> DeliveryId:
    """Read the id in the path; raises NOT_FOUND."""
    try:
        return DeliveryId(ids.parse(NOUN, call.params["id"]))
    except AppError:
        raise refusal(Code.NOT_FOUND, JOB_NOT_FOUND) from None


def get(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Read one job, with every attempt."""
    message, one = _find(tx, call, delivery_id, JOB_NOT_FOUND)
    tried = attempts.of(tx, one.account_id, [one.id])[one.id]
    free_plan = call.caller.plan == rules.FREE
    return ok(call, jobwire.whole(message, one, tried, _headers(call, one), free=free_plan))


def _headers(call: Call, one: Delivery) -> dict[str, str]:
    """The headers of a webhook; their values are for keys that may send such ones alone."""
    sealed = jobwire.sealed_headers(one)
    if not sealed:
        return {}
    opened = Safe(call.services.pepper).headers(sealed, one.account_id)
    if Scope.MESSAGES_SEND in call.caller.scopes:
        return opened
    return dict.fromkeys(opened, jobwire.HIDDEN)


def parse_retry(call: Call, _body: bytes) -> DeliveryId:
    """Read the id in the path; raises NOT_FOUND."""
    try:
        return DeliveryId(ids.parse(NOUN, call.params["id"]))
    except AppError:
        raise refusal(Code.NOT_FOUND, NOT_FAILED) from None


def retry(tx: Tx, call: Call, delivery_id: DeliveryId) -> Reply:
    """Start a job again that has failed; raises NOT_FOUND, and FORBIDDEN for a mail that its plan
    would not send now.
    """
    _, one = _find(tx, call, delivery_id, NOT_FAILED)
    if one.state not in STATES["failed"]:
        raise refusal(Code.NOT_FOUND, NOT_FAILED)
    if one.transport is Transport.EMAIL:
        rules.check_means(call.caller.plan, rules.means(tx, one.account_id))
    try:
        replay.replay(tx, one, call.actor, call.now)
    except AppError as wrong:
        raise refusal(Code.NOT_FOUND, NOT_FAILED, wrong.detail) from None
    tx.after_commit(call.services.due)
    return ok(call, RetriedOut(ids.show(NOUN, one.id), "pending", REQUEUED))


def _find(tx: Tx, call: Call, delivery_id: DeliveryId, words: str) -> tuple[Message, Delivery]:
    """One of the account's jobs, with its message; raises NOT_FOUND. A key that is bound to a
    project sees that project's.
    """
    account_id, bound = call.caller.account_id, call.caller.project_id
    one = store.find(tx, account_id, delivery_id)
    message = None if one is None else store.find_message(tx, account_id, one.message_id)
    if one is None or message is None or message.type not in TYPES or message.event_id is not None:
        raise refusal(Code.NOT_FOUND, words)
    if bound not in {None, one.project_id}:
        raise refusal(Code.NOT_FOUND, words)
    return message, one


def _endpoint(operation: str, method: str, path: str, **more: Any) -> Endpoint:
    reads = method == "GET"
    return Endpoint(
        operation=operation,
        method=method,
        path=path,
        scope=Scope.MESSAGES_READ if reads else Scope.MESSAGES_WRITE,
        tag="Jobs",
        charge=free,
        writes=not reads,
        project=False,
        **more,
    )


ENDPOINTS = (
    _endpoint(
        "listJobs",
        "GET",
        PATH,
        summary="List jobs",
        description="Newest first. A key bound to a project sees that project's.",
        parse=parse_list,
        run=list_,
        query=JobsQuery,
        response=JobsOut,
    ),
    _endpoint(
        "getJob",
        "GET",
        f"{PATH}/{{id}}",
        summary="Read a job",
        description="With every attempt. What was asked for is there until it was delivered.",
        parse=parse_id,
        run=get,
        response=JobOut,
        samples=(refusal(Code.NOT_FOUND, JOB_NOT_FOUND),),
    ),
    _endpoint(
        "retryJob",
        "POST",
        f"{PATH}/{{id}}/retry",
        summary="Start a job again that has failed",
        description="With as many attempts as a new one. No quota counts it, and the name that it "
        "was given does not stand in its way.",
        parse=parse_retry,
        run=retry,
        response=RetriedOut,
        samples=(refusal(Code.NOT_FOUND, NOT_FAILED),),
    ),
)
