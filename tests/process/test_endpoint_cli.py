"""`gatepost endpoint`: what it prints, and that a server that runs follows it."""

from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

from tests.delivery.receiver import Receiver, answers
from tests.server import Server, unique
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"GATEPOST_DELIVERY_NETWORKS": "127.0.0.0/8"}
    with Server(tmp_path_factory.mktemp("endpoints") / "data", env=env) as server:
        yield server


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def test_an_endpoint_from_its_first_day_to_its_last(running: Server, receiver: Receiver) -> None:
    url, path = receiver.place(answers(200))
    name = unique("endpoint")
    wishes = ("--name", name, "--type", "event.*", "--header", "X-Own: yes", "--rate", "50")
    made = running.cli("endpoint", "create", url, *wishes)
    assert (made["name"], made["types"], made["rate"]) == (name, ["event.*"], 50)

    sent = running.cli("endpoint", "test", name, "--type", "event.orders")
    got = receiver.one(path)
    assert got.header("webhook-id") == sent["messageId"]
    assert got.header("x-own") == "yes"
    assert Webhook(made["secret"]).verify(got.body, got.by_name)["test"] is True

    rotated = running.cli("endpoint", "rotate", made["id"], "--grace", "0")
    assert rotated["secret"] != made["secret"]
    running.cli("endpoint", "test", made["id"])
    got = receiver.wait(path, 2)[1]
    assert Webhook(rotated["secret"]).verify(got.body, got.by_name)

    assert running.cli("endpoint", "disable", name)["status"] == "disabled"
    assert running.cli("endpoint", "enable", name)["status"] == "enabled"
    assert running.cli("endpoint", "show", name)["id"] == made["id"]
    assert made["id"] in [one["id"] for one in running.cli("endpoint", "list")["endpoints"]]
    assert running.cli("endpoint", "delete", name)["deleted"] is True
    assert running.command("endpoint", "show", name).returncode == 1


def test_an_endpoint_made_beside_a_server_is_told_of_events(
    running: Server, receiver: Receiver
) -> None:
    url, path = receiver.place()
    channel = unique("channel")
    running.cli("endpoint", "create", url, "--type", f"event.{channel}")
    running.cli("send", channel, "Order 4711")
    wait_for(lambda: receiver.at(path), "the event to be told", 20)


@pytest.mark.parametrize(
    "args",
    [
        ("create", "ftp://example.com"),
        ("create", "https://127.1/"),
        ("create", "https://example.com", "--type", "Orders"),
        ("create", "https://example.com", "--header", "no colon"),
        ("create", "https://example.com", "--secret", "whsec_short"),
        ("create", "https://example.com", "--retry", "often"),
    ],
)
def test_what_cannot_be_is_wrong_usage(running: Server, args: tuple[str, ...]) -> None:
    done = running.command("endpoint", *args)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr


def test_the_secret_is_the_only_line_of_output(running: Server, receiver: Receiver) -> None:
    done = running.command("endpoint", "create", receiver.place()[0])
    assert done.stdout.startswith("whsec_")
    assert done.stdout.count("\n") == 1
    listed = running.command("endpoint", "list")
    assert done.stdout.strip() not in listed.stdout
    assert listed.stdout.startswith("ID ")
