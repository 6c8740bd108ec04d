"""Deliveries from the command line, beside a running server."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self

import pytest
from standardwebhooks.webhooks import Webhook

from tests.api.admin import Admin, instant
from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.sending import await_state, delivery, send, sent
from tests.dialects.native.wire import data_of
from tests.program import Program
from tests.server import Server, unique
from tests.waiting import wait_for


class Listening:
    """`gatepost listen` at work; a context manager. `lines` is what it has printed so far."""

    def __init__(self, server: Server, admin: Admin, to: str, *more: str) -> None:
        self._env = server.env
        whose = ("--project", admin.project, "--account", admin.account)
        self._args = ("listen", "--forward-to", to, *whose, *more, "--json")
        self._files = ExitStack()

    def __enter__(self) -> Self:
        self._out: IO[bytes] = self._files.enter_context(TemporaryFile())
        self._err: IO[bytes] = self._files.enter_context(TemporaryFile())
        self.program = Program(self._args, env=self._env, out=self._out, err=self._err)
        self.greeting = wait_for(lambda: next(iter(self.lines), None), "the greeting", 30)
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGTERM)
            assert self.program.wait(30) == 0, self.said
        self._files.close()

    @property
    def lines(self) -> list[dict[str, Any]]:
        whole = self._all(self._out).rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def said(self) -> str:
        return self._all(self._err)

    def told(self, number: int) -> list[dict[str, Any]]:
        """Wait until so many deliveries have been forwarded."""
        return wait_for(
            lambda: self.lines[1:] if len(self.lines) > number else None, f"{number} lines", 15
        )

    def _all(self, file: IO[bytes]) -> str:
        return Path(f"/proc/self/fd/{file.fileno()}").read_text()


@pytest.fixture
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """The program of a developer."""
    with Receiver("127.0.0.3") as running:
        yield running


def test_deliveries_are_listed_and_shown(
    delivering: Server, admin: Admin, receiver: Receiver
) -> None:
    bad = sent(admin, receiver.place(answers(500, b"broken"))[0], retry="once")
    good = sent(admin, receiver.place()[0])
    await_state(admin, bad, "failed")
    await_state(admin, good, "succeeded")
    whose = ("--account", admin.account)
    listed = delivering.cli("deliveries", "list", *whose)["deliveries"]
    assert [one["id"] for one in listed] == [good, bad]
    failed = delivering.cli("deliveries", "list", "--state", "failed", *whose)["deliveries"]
    assert [one["id"] for one in failed] == [bad]
    assert not delivering.cli("deliveries", "list", "--before", "1h", *whose)["deliveries"]
    assert delivering.cli("deliveries", "show", bad) == delivery(admin, bad)
    shown = delivering.command("deliveries", "show", bad)
    assert "500" in shown.stdout
    assert "#1" in shown.stdout
    assert delivering.command("deliveries", "show", f"delivery_{'0' * 32}").returncode == 1
    assert delivering.command("deliveries", "list", "--state", "odd").returncode == 2


def test_messages_are_listed_and_shown(delivering: Server, admin: Admin) -> None:
    message = send(admin, "https://nowhere.example/", payload={"a": 1}, sendAt=instant(hours=1))
    whose = ("--account", admin.account)
    (listed,) = delivering.cli("messages", "list", *whose)["messages"]
    assert (listed["id"], listed["states"]) == (message["id"], ["pending"])
    shown = delivering.cli("messages", "show", message["id"])
    assert shown == admin.get(f"/v1/messages/{message['id']}")
    assert '{"a": 1}' in delivering.command("messages", "show", message["id"]).stdout
    assert not delivering.cli("messages", "list", "--state", "failed", *whose)["messages"]


def test_a_delivery_is_replayed_and_canceled(
    delivering: Server, admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place(in_turn(answers(500), answers(500), answers(200)))
    ids = [sent(admin, url, retry="once") for _ in range(2)]
    for one in ids:
        await_state(admin, one, "failed")
    assert delivering.cli("deliveries", "replay", ids[0])["state"] == "pending"
    await_state(admin, ids[0], "succeeded")
    which = ("--since", "1h", "--account", admin.account)
    assert delivering.cli("deliveries", "replay", *which) == {"replayed": 1}
    await_state(admin, ids[1], "succeeded")
    assert len(receiver.at(path)) == 4
    later = sent(admin, url, sendAt=instant(hours=1))
    assert delivering.cli("deliveries", "cancel", later)["state"] == "canceled"
    assert delivering.command("deliveries", "cancel", later).returncode == 1
    assert delivering.command("deliveries", "replay").returncode == 2
    assert delivering.command("deliveries", "replay", later, "--since", "1h").returncode == 2
    actors = {one["actor"]["kind"] for one in admin.get("/v1/audit?limit=3")["entries"]}
    assert actors == {"cli"}


def test_listen_forwards_with_a_stable_secret(
    delivering: Server, admin: Admin, near: Receiver
) -> None:
    url, path = near.place(in_turn(answers(200), answers(500), answers(200)))
    with Listening(delivering, admin, url) as listening:
        secret = listening.greeting["secret"]
        event = data_of(admin.wire.create({"channelName": "orders", "title": "first"}), 201)
        (line,) = listening.told(1)
        assert (line["type"], line["ok"], line["status"]) == ("event.orders", True, 200)
        got = near.one(path)
        told = Webhook(secret).verify(got.body, got.by_name)
        assert told["data"]["id"] == event["id"]
        assert got.header("webhook-id") == line["messageId"]
        data_of(admin.wire.create({"channelName": "orders", "title": "second"}), 201)
        failed = listening.told(2)[1]
        assert (failed["ok"], failed["status"]) == (False, 500)
        delivering.cli("deliveries", "replay", failed["deliveryId"])
        assert listening.told(3)[2]["ok"] is True
        logged = await_state(admin, failed["deliveryId"], "succeeded")
        assert [one["manual"] for one in logged["log"]] == [False, True]
        endpoint = listening.greeting["endpointId"]
    ended = admin.get(f"/v1/endpoints/{endpoint}")
    assert ended["status"] == "disabled"
    data_of(admin.wire.create({"channelName": "orders", "title": "unheard"}), 201)
    with Listening(delivering, admin, url, "--type", "event.paid") as again:
        assert again.greeting == {"endpointId": endpoint, "forwardTo": url, "secret": secret}
        data_of(admin.wire.create({"channelName": "other", "title": "unwanted"}), 201)
        data_of(admin.wire.create({"channelName": "paid", "title": "wanted"}), 201)
        (line,) = again.told(1)
        assert line["type"] == "event.paid"
    assert len(near.at(path)) == 4


def test_what_nobody_answers_is_shown(delivering: Server, admin: Admin) -> None:
    with Listening(delivering, admin, "http://127.0.0.3:9/") as listening:
        data_of(admin.wire.create({"channelName": "orders", "title": "t"}), 201)
        (line,) = listening.told(1)
        assert line["ok"] is False
        assert line["error"]


def test_only_one_listens_to_a_project(delivering: Server, admin: Admin, near: Receiver) -> None:
    url, _ = near.place()
    with Listening(delivering, admin, url):
        whose = ("--project", admin.project, "--account", admin.account)
        second = delivering.command("listen", "--forward-to", url, *whose)
        assert second.returncode == 1
        assert "already" in second.stderr
    assert delivering.command("listen", "--forward-to", "nowhere").returncode == 2


def test_the_server_sends_what_a_killed_listener_left_to_nobody(
    delivering: Server, admin: Admin, near: Receiver
) -> None:
    """Its lease ends, and so do deliveries that nobody will fetch."""
    url, path = near.place()
    account = bytes.fromhex(admin.account.rpartition("_")[2])
    with Listening(delivering, admin, url) as listening:
        listening.program.kill()
        wait_for(lambda: listening.program.poll() is not None, "its end")
    data_of(admin.wire.create({"channelName": "orders", "title": "t"}), 201)
    wait_for(lambda: admin.get("/v1/deliveries")["deliveries"], "the delivery")
    delivering.query("UPDATE queues SET lease_until = 1 WHERE account_id = ?", account)
    (left,) = admin.get("/v1/deliveries")["deliveries"]
    await_state(admin, left["id"], "failed")
    assert near.at(path) == []


def test_a_trigger_arrives(delivering: Server, admin: Admin, receiver: Receiver) -> None:
    url, path = receiver.place()
    body = {"url": url, "types": ["event.orders", "message.failed"]}
    data_of(admin.send("POST", "/v1/endpoints", body), 201)
    whose = ("--project", admin.project, "--account", admin.account)
    made = delivering.cli("trigger", "event.orders", "--payload", '{"amount": 3}', *whose)
    told = json.loads(receiver.one(path).body)
    assert (told["type"], told["data"]["id"]) == ("event.orders", made["eventId"])
    assert told["data"]["metadata"] == {"amount": 3}
    own = delivering.cli("trigger", "message.failed", *whose)
    assert own == {"type": "message.failed", "told": 1}
    assert json.loads(receiver.wait(path, 2)[1].body)["data"] == {"example": True}
    for wrong in (("event.*",), ("Nonsense",), ("event.orders", "--payload", "[]")):
        assert delivering.command("trigger", *wrong, *whose).returncode == 2
    unheard = delivering.cli("trigger", f"{unique('message')}.none", *whose)
    assert unheard["told"] == 0
