"""Whose deliveries they are: nothing more is sent for an account that is off, or for what was
deleted.
"""

import json
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, instant, make_admin
from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.sending import await_state, delivery, sent
from tests.dialects.native.wire import data_of
from tests.server import Server, unique
from tests.waiting import wait_for

LATER = {"delaysSeconds": [2.0]}


def switch(server: Server, admin: Admin, status: str) -> None:
    server.cli("account", "set-status", admin.account, status)


@pytest.fixture
def witness(delivering: Server, http: httpx2.Client) -> Admin:
    """Somebody else, whose deliveries show that time has passed."""
    return make_admin(delivering, http)


def test_nothing_is_sent_for_an_account_that_is_off(
    delivering: Server, admin: Admin, witness: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place(in_turn(answers(500), answers(200)))
    there = sent(admin, url, retry=LATER)
    receiver.wait(path, 1)
    switch(delivering, admin, "inactive")
    later = {"sendAt": instant(seconds=4)}
    await_state(witness, sent(witness, receiver.place()[0], **later))
    assert len(receiver.at(path)) == 1
    switch(delivering, admin, "active")
    receiver.wait(path, 2)
    await_state(admin, there, "succeeded")


def test_what_waits_ends_with_its_account(
    delivering: Server, admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place()
    waits = sent(admin, url, sendAt=instant(seconds=3))
    switch(delivering, admin, "deleted")
    switch(delivering, admin, "active")
    wait_for(lambda: delivery(admin, waits)["state"] == "canceled", "it to be ended")
    assert receiver.at(path) == []


def test_what_a_project_has_ends_with_it(admin: Admin, receiver: Receiver) -> None:
    project = data_of(admin.send("POST", "/v1/projects", {"name": unique("project")}), 201)["id"]
    (url, _), (mine, path) = receiver.place(), receiver.place()

    def make(path: str, **body: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "X-Project-ID": project}
        made = admin.wire.send("POST", path, json.dumps(body).encode(), headers)
        return dict(made.json()["data"])

    webhook = {"url": url, "payload": 1}
    first = make("/v1/messages", webhook=webhook, sendAt=instant(hours=1), orderingKey="one")
    endpoint = make("/v1/endpoints", url=url, name="theirs")
    ended = make("/v1/rules", name="theirs", to=[{"webhook": {"url": url}}])
    there = {"X-Project-ID": admin.project, "Content-Type": "application/json"}
    body = json.dumps({"webhook": {"url": mine, "payload": 1}, "orderingKey": "one"}).encode()
    behind = data_of(admin.wire.send("POST", "/v1/messages", body, there), 202)
    assert behind["deliveries"][0]["state"] == "waiting"
    assert admin.send("DELETE", f"/v1/projects/{project}").status_code == 200
    assert delivery(admin, first["deliveries"][0]["id"])["state"] == "canceled"
    receiver.wait(path, 1)
    for gone in (f"/v1/endpoints/{endpoint['id']}", f"/v1/rules/{ended['id']}"):
        assert admin.send("GET", gone).status_code == 404
