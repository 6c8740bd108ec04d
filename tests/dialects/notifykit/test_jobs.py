"""Jobs: read, listed by pages, started again."""

from typing import Any

import pytest

from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.sending import send as send_natively
from tests.dialects.native.wire import at_once
from tests.dialects.notifykit.keeper import Keeper, told
from tests.dialects.notifykit.sending import (
    JOBS,
    email,
    ended,
    job,
    listed,
    logs,
    refused,
    retry,
    webhook,
)
from tests.waiting import wait_for

NOT_FOUND = "Job not found"
NOT_FAILED = "Job not found or cannot be retried (must be in failed status)"
NOBODY = "job_" + "0" * 32
SUMMARY = {
    "id",
    "type",
    "status",
    "priority",
    "attempts",
    "errorMessage",
    "createdAt",
    "completedAt",
}
WHOLE = SUMMARY | {"payload", "maxAttempts", "startedAt", "deliveryLogs"}


def failed(keeper: Keeper, receiver: Receiver) -> str:
    mine = webhook(keeper, receiver.place(answers(404))[0])
    assert ended(keeper, mine)["status"] == "failed"
    return mine


def delivered(keeper: Keeper, receiver: Receiver) -> str:
    mine = webhook(keeper, receiver.place()[0])
    assert ended(keeper, mine)["status"] == "completed"
    return mine


# Once more


def test_one_that_failed_is_started_again(account: Keeper, receiver: Receiver) -> None:
    does = in_turn(*3 * [answers(500)], answers(500), answers(200))
    url, path = receiver.place(does)
    mine = webhook(account, url, priority=1)
    first = ended(account, mine)
    assert (first["status"], first["attempts"]) == ("failed", 3)
    assert told(retry(account, mine)) == {
        "jobId": mine,
        "status": "pending",
        "message": "Job has been re-queued for processing",
    }
    done = ended(account, mine)
    assert (done["status"], done["attempts"], done["errorMessage"]) == ("completed", 2, None)
    assert (done["priority"], done["payload"]) == (1, None)
    assert logs(done) == [*4 * ["failed"], "success"]
    assert [one["attempt"] for one in done["deliveryLogs"]] == [1, 2, 3, 1, 2]
    assert len({got.header("webhook-id") for got in receiver.at(path)}) == 1


def test_only_one_that_failed(account: Keeper, receiver: Receiver) -> None:
    for one in (delivered(account, receiver), NOBODY, "job_x", "%20"):
        refused(retry(account, one), 404, NOT_FAILED)


def test_a_retry_needs_no_body(account: Keeper, receiver: Receiver) -> None:
    """Though its type is said, as the official client does it."""
    mine = failed(account, receiver)
    headers = {"Content-Length": "0", "Content-Type": "application/json"}
    answer = account.send("POST", f"{JOBS}/{mine}/retry", headers=headers)
    assert told(answer)["status"] == "pending"


def test_two_retries_at_once_are_one(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place(in_turn(answers(404), answers(200)))
    mine = webhook(account, url)
    assert ended(account, mine)["status"] == "failed"
    statuses = {answer.status_code for answer in at_once(8, lambda _: retry(account, mine))}
    assert 200 in statuses <= {200, 404}
    assert ended(account, mine)["status"] == "completed"
    assert len(receiver.at(path)) == 2


# Whose they are


def test_another_accounts_job_is_none(
    account: Keeper, stranger: Keeper, receiver: Receiver
) -> None:
    mine = failed(account, receiver)
    for one in (mine, NOBODY, "job_x", "x", mine.removeprefix("job_"), "%00"):
        answer = stranger.send("GET", f"{JOBS}/{one}")
        assert answer.status_code == 404
    refused(stranger.send("GET", f"{JOBS}/{mine}"), 404, NOT_FOUND)
    refused(stranger.send("GET", f"{JOBS}/nothing"), 404, NOT_FOUND)
    refused(retry(stranger, mine), 404, NOT_FAILED)
    assert listed(stranger) == {
        "data": [],
        "pagination": {"page": 1, "limit": 20, "total": 0, "totalPages": 0},
    }


def test_another_projects_job_is_none(account: Keeper, receiver: Receiver) -> None:
    """Of a key that is bound to a project."""
    mine = failed(account, receiver)
    other = account.server.make_project(account.id)
    for project, status in ((other, 404), (account.project, 200)):
        key = account.server.make_key(account.id, project, limit="off").secret
        assert account.send("GET", f"{JOBS}/{mine}", key=key).status_code == status
        found = told(account.send("GET", JOBS, key=key))
        assert found["pagination"]["total"] == (1 if status == 200 else 0)


def test_other_messages_are_no_jobs(account: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    other = send_natively(account.admin, url)["deliveries"][0]["id"]
    raw = str(other).removeprefix("delivery_")
    refused(account.send("GET", f"{JOBS}/job_{raw}"), 404, NOT_FOUND)
    refused(retry(account, f"job_{raw}"), 404, NOT_FAILED)
    assert listed(account)["pagination"]["total"] == 0


def test_one_that_was_canceled_has_failed(account: Keeper, receiver: Receiver) -> None:
    url, path = receiver.place(answers(500))
    mine = webhook(account, url)
    receiver.wait(path, 1)

    def cancel() -> Any:
        delivery = mine.replace("job_", "delivery_")
        return account.admin.send("POST", f"/v1/deliveries/{delivery}/cancel").status_code == 200

    wait_for(cancel, "it to be canceled")
    found = job(account, mine)
    assert (found["status"], found["errorMessage"]) == ("failed", "The job was canceled")
    assert told(retry(account, mine))["status"] == "pending"


# Lists


def test_pages(poor: Keeper, receiver: Receiver) -> None:
    url, _ = receiver.place()
    made = [webhook(poor, url) if number % 2 else email(poor) for number in range(25)]
    newest = made[::-1]
    first = listed(poor)
    assert [one["id"] for one in first["data"]] == newest[:20]
    assert first["pagination"] == {"page": 1, "limit": 20, "total": 25, "totalPages": 2}
    assert {frozenset(one) for one in first["data"]} == {frozenset(SUMMARY)}
    assert set(job(poor, made[0])) == WHOLE
    second = listed(poor, "page=2")
    assert [one["id"] for one in second["data"]] == newest[20:]
    beyond = listed(poor, "page=9&limit=10")
    assert beyond == {
        "data": [],
        "pagination": {"page": 9, "limit": 10, "total": 25, "totalPages": 3},
    }
    assert [one["id"] for one in listed(poor, "page=3&limit=7")["data"]] == newest[14:21]
    assert listed(poor, "limit=1000")["pagination"]["limit"] == 100
    mails = listed(poor, "type=email&limit=5&page=2")
    assert [one["id"] for one in mails["data"]] == newest[::2][5:10]
    assert {one["type"] for one in mails["data"]} == {"email"}
    assert mails["pagination"] == {"page": 2, "limit": 5, "total": 13, "totalPages": 3}


@pytest.mark.parametrize("query", ["page=x&limit=y", "page=0&limit=0", "page=-1&limit=1.5", "a=b"])
def test_numbers_that_are_none(account: Keeper, query: str) -> None:
    assert listed(account, query)["pagination"] == {
        "page": 1,
        "limit": 20,
        "total": 0,
        "totalPages": 0,
    }


def test_a_page_far_away(account: Keeper) -> None:
    assert listed(account, f"page={'9' * 40}")["data"] == []


def test_filters(account: Keeper, receiver: Receiver) -> None:
    done, lost = delivered(account, receiver), failed(account, receiver)
    for status, ids in (("completed", [done]), ("failed", [lost]), ("pending", [])):
        found = listed(account, f"status={status}&type=webhook")
        assert [one["id"] for one in found["data"]] == ids
        assert found["pagination"]["total"] == len(ids)
    (shown,) = listed(account, "status=failed")["data"]
    assert shown["errorMessage"] == "Request failed with status 404"
    assert (shown["attempts"], shown["completedAt"]) == (1, None)
    assert listed(account, "type=email")["data"] == []
    assert len(listed(account, "status=&type=")["data"]) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "status=sent",
            "status must be one of the following values: pending, processing, completed, failed",
        ),
        ("type=sms", "type must be one of the following values: email, webhook"),
    ],
)
def test_a_filter_that_is_none(account: Keeper, query: str, words: str) -> None:
    refused(account.send("GET", f"{JOBS}?{query}"), 400, words)
