"""What the official client needs of a server."""

import httpx2
import pytest

from tests.delivery.receiver import Receiver, answers
from tests.dialects.notifykit.client import Client, NotifyKitError
from tests.dialects.notifykit.keeper import Keeper
from tests.dialects.notifykit.sending import Provider, ended, trusted
from tests.server import Server, unique
from tests.waiting import wait_for


@pytest.fixture
def client(account: Keeper) -> Client:
    return Client(account.http, f"{account.server.address}/", account.key.secret)


def test_a_flow(account: Keeper, client: Client, receiver: Receiver) -> None:
    trusted(account)
    Provider(account, receiver, "RESEND")
    assert client.ping() == {"message": "pong"}
    assert client.get_api_info()["name"] == "NotifyKit API"
    mail = client.send_email(
        to="jane@example.com", subject="Hello", body="<p>Hi</p>", idempotencyKey=unique("mail")
    )
    assert (mail["status"], mail["type"]) == ("pending", "email")
    url, path = receiver.place(answers(404))
    hook = client.send_webhook(url=url, payload={"a": 1}, method="POST", headers={"X-A": "b"})
    assert ended(account, mail["jobId"])["status"] == "completed"
    assert ended(account, hook["jobId"])["status"] == "failed"
    found = client.list_jobs(page=1, limit=10, type="webhook", status="failed")
    assert [one["id"] for one in found["data"]] == [hook["jobId"]]
    assert found["pagination"]["totalPages"] == 1
    receiver.does[path] = answers(200)
    assert client.retry_job(hook["jobId"])["jobId"] == hook["jobId"]
    wait_for(lambda: client.get_job(hook["jobId"])["status"] == "completed", "its delivery")


def test_what_is_refused_is_an_error(account: Keeper, client: Client) -> None:
    with pytest.raises(NotifyKitError, match=r"^url must be a valid HTTPS URL$") as caught:
        client.send_webhook(url="nowhere", payload={})
    assert caught.value.status_code == 400
    with pytest.raises(NotifyKitError, match=r"^Job not found$"):
        client.get_job("job_nothing")
    with pytest.raises(NotifyKitError, match=r"^Invalid API key$"):
        Client(account.http, account.server.address, "nh_nothing").ping()
    assert client.requests == 2


def test_a_limit_is_asked_three_times(quick: Server, http: httpx2.Client) -> None:
    """It is told no time to wait for, so it asks again soon, which costs nothing."""
    keeper = Keeper(quick, http, plan="notifykit-free", limit=None)
    client = Client(http, quick.address, keeper.key.secret)
    for _ in range(5):
        client.ping()
    with pytest.raises(NotifyKitError, match=r"^Rate limit exceeded$") as caught:
        client.send_email(to="jane@example.com", subject="Hello", body="Hi")
    assert caught.value.retry_after is None
    assert client.requests == 8
