"""Jobs: sent over NotifyKit's API, and what becomes of them."""

import json
from typing import Any

import httpx2

from tests.delivery.mails import make_mailer
from tests.delivery.receiver import Behaviour, Receiver, answers
from tests.dialects.notifykit.keeper import Keeper, sentence, told
from tests.server import unique
from tests.waiting import wait_for

PREFIX = "/api/v1/notifications"
JOBS = f"{PREFIX}/jobs"
BASE_S = 0.3
"""How long a job waits before it is tried for the second time; twice as long before the third."""
USUAL = "noreply@notifykit.dev"
"""Whom mails are from that name nobody."""
PATHS = {"SENDGRID": "/v3/mail/send", "RESEND": "/emails", "POSTMARK": "/email"}


def post(keeper: Keeper, kind: str, body: Any, **more: Any) -> httpx2.Response:
    return keeper.send("POST", f"{PREFIX}/{kind}", body, **more)


def try_webhook(keeper: Keeper, url: str, **more: Any) -> httpx2.Response:
    return post(keeper, "webhook", {"url": url, "payload": {"hello": "world"}, **more})


def try_email(keeper: Keeper, to: str = "", **more: Any) -> httpx2.Response:
    email = {"to": to or f"{unique('jane')}@example.com", "subject": "Hello", "body": "<p>Hi</p>"}
    return post(keeper, "email", email | more)


def sent(answer: httpx2.Response) -> str:
    """The id of the job that was made."""
    return str(told(answer, 202)["jobId"])


def webhook(keeper: Keeper, url: str, **more: Any) -> str:
    return sent(try_webhook(keeper, url, **more))


def email(keeper: Keeper, to: str = "", **more: Any) -> str:
    return sent(try_email(keeper, to, **more))


def job(keeper: Keeper, job_id: str) -> dict[str, Any]:
    return dict(told(keeper.send("GET", f"{JOBS}/{job_id}")))


def ended(keeper: Keeper, job_id: str) -> dict[str, Any]:
    """The job once it is completed or failed."""
    return reached(keeper, job_id, "completed", "failed")


def reached(keeper: Keeper, job_id: str, *statuses: str) -> dict[str, Any]:
    """The job once it has one of these statuses."""

    def look() -> dict[str, Any] | None:
        found = job(keeper, job_id)
        return found if found["status"] in statuses else None

    return wait_for(look, f"{job_id} to be {' or '.join(statuses)}")


def listed(keeper: Keeper, query: str = "") -> dict[str, Any]:
    return dict(told(keeper.send("GET", f"{JOBS}?{query}")))


def retry(keeper: Keeper, job_id: str) -> httpx2.Response:
    return keeper.send("POST", f"{JOBS}/{job_id}/retry")


def refused(answer: httpx2.Response, status: int, words: str) -> None:
    assert sentence(answer) == (status, words)


def logs(one: dict[str, Any]) -> list[str]:
    return [log["status"] for log in one["deliveryLogs"]]


def providers(one: dict[str, Any]) -> list[str | None]:
    return [log["usedProvider"] for log in one["deliveryLogs"]]


class Provider:
    """What stands in for a provider of an account: a place of the test's own on the receiver."""

    def __init__(self, keeper: Keeper, receiver: Receiver, kind: str, **more: Any) -> None:
        base = f"/{unique(kind.lower())}"
        self.path = base + PATHS[kind]
        self.receiver = receiver
        receiver.does[self.path] = answers(202, b"{}")
        given = {"kind": kind.lower(), "url": receiver.address + base, "secret": "key-of-it"}
        self.made = make_mailer(keeper.admin, **given, **more)

    def does(self, behaviour: Behaviour) -> None:
        self.receiver.does[self.path] = behaviour

    @property
    def asked(self) -> list[Any]:
        return [json.loads(one.body) for one in self.receiver.at(self.path)]


def trusted(keeper: Keeper) -> str:
    """The name of a domain that the account may send from."""
    name = f"{unique('shop')}.example.com"
    keeper.server.cli("domain", "add", name, "--trust", "--account", keeper.id)
    return name


def pending(keeper: Keeper) -> str:
    """The name of a domain of the account that is not verified."""
    name = f"{unique('shop')}.example.com"
    keeper.server.cli("domain", "add", name, "--account", keeper.id)
    return name
