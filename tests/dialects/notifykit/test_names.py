"""`idempotencyKey`: a name is used once, for ever, by an account's mails and webhooks alike."""

from collections import Counter

import pytest

from tests.delivery.receiver import Receiver, answers
from tests.dialects.native.wire import at_once
from tests.dialects.notifykit.keeper import Keeper, told
from tests.dialects.notifykit.sending import (
    ended,
    job,
    listed,
    refused,
    retry,
    sent,
    try_email,
    try_webhook,
    webhook,
)
from tests.server import unique

DUPLICATE = "Duplicate request detected"


def test_fifty_at_once(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place()
    name = unique("order")
    replies = at_once(50, lambda _: try_webhook(account, url, idempotencyKey=name))
    assert Counter(one.status_code for one in replies) == {202: 1, 409: 49}
    for one in replies:
        if one.status_code == 409:
            refused(one, 409, DUPLICATE)
    (mine,) = [sent(one) for one in replies if one.status_code == 202]
    ended(account, mine)
    assert len(receiver.at(path)) == 1
    assert listed(account)["pagination"]["total"] == 1


def test_fifty_at_once_with_names_of_their_own(account: Keeper, receiver: Receiver) -> None:
    """Each of ten names five times, all within few commits."""
    url, _ = receiver.place()
    names = [unique("order") for _ in range(10)]
    replies = at_once(50, lambda at: try_webhook(account, url, idempotencyKey=names[at % 10]))
    assert Counter(one.status_code for one in replies) == {202: 10, 409: 40}
    assert listed(account)["pagination"]["total"] == 10


def test_a_mail_and_a_webhook_share_them(poor: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    name = unique("order")
    first = sent(try_email(poor, idempotencyKey=name))
    refused(try_webhook(poor, url, idempotencyKey=name), 409, DUPLICATE)
    refused(try_email(poor, idempotencyKey=name, body="another"), 409, DUPLICATE)
    assert ended(poor, first)["status"] == "completed"
    assert listed(poor)["pagination"]["total"] == 1


def test_accounts_do_not_share_them(account: Keeper, stranger: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    name = unique("order")
    for one in (account, stranger):
        webhook(one, url, idempotencyKey=name)


def test_a_job_that_failed_keeps_its_name(account: Keeper, receiver: Receiver) -> None:
    """Another request with the name is refused; the job itself may be tried again."""
    url, path = receiver.place(answers(404))
    name = unique("order")
    mine = webhook(account, url, idempotencyKey=name)
    assert ended(account, mine)["status"] == "failed"
    refused(try_webhook(account, url, idempotencyKey=name), 409, DUPLICATE)
    receiver.does[path] = answers(200)
    assert told(retry(account, mine))["jobId"] == mine
    assert ended(account, mine)["status"] == "completed"


def test_what_is_refused_uses_no_name(account: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    name = unique("order")
    assert try_webhook(account, url, idempotencyKey=name, priority=3).status_code == 400
    assert try_email(account, idempotencyKey=name).status_code == 403
    webhook(account, url, idempotencyKey=name)


@pytest.mark.parametrize(
    ("first", "second"), [("order", "Order"), ("order", "order "), ("ü", "u\u0308")]
)
def test_names_are_compared_as_they_are(
    account: Keeper, receiver: Receiver, first: str, second: str
) -> None:
    url, _ = receiver.place()
    for name in (first, second):
        webhook(account, url, idempotencyKey=name)
    refused(try_webhook(account, url, idempotencyKey=first), 409, DUPLICATE)


def test_no_name_is_none(account: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    for name in ("", None, "", None):
        webhook(account, url, idempotencyKey=name)


def test_the_header_replays_the_answer(account: Keeper, receiver: Receiver) -> None:
    """Gatepost's own way, which knows the request again."""
    url, path = receiver.place()
    once = {"Idempotency-Key": unique("once")}
    body = {"url": url, "payload": {}, "idempotencyKey": unique("order")}
    place = "/api/v1/notifications/webhook"
    first, second = (account.send("POST", place, body, headers=once) for _ in range(2))
    assert first.content == second.content
    assert second.headers["x-idempotent-replay"] == "true"
    ended(account, sent(first))
    assert job(account, sent(second))["status"] == "completed"
    assert len(receiver.at(path)) == 1
