"""The secret that an account chooses for webhooks which go to no endpoint."""

import base64
import secrets
import time
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests import program
from tests.api.admin import Admin
from tests.delivery.receiver import Got, Receiver, answers, in_turn
from tests.delivery.sending import await_attempts, send, sent
from tests.dialects.native.wire import data_of
from tests.server import Server, unique

PATH = "/v1/messages/secret"


def verifies(got: Got, secret: str) -> bool:
    try:
        Webhook(secret).verify(got.body, got.by_name)
    except WebhookVerificationError:
        return False
    return True


def signatures(got: Got) -> int:
    return len((got.header("webhook-signature") or "").split(" "))


def rotate(admin: Admin, **body: Any) -> dict[str, Any]:
    return data_of(admin.send("POST", f"{PATH}/rotate", body), 200)


def own() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def test_an_account_begins_with_a_secret_and_chooses_another(
    admin: Admin, receiver: Receiver
) -> None:
    first = admin.get(PATH)
    assert first["since"] is None
    chosen = rotate(admin)
    assert chosen["secret"] != first["secret"]
    assert admin.get(PATH) == chosen
    assert chosen["since"] is not None
    url, path = receiver.place()
    send(admin, url)
    got = receiver.one(path)
    assert signatures(got) == 2
    assert verifies(got, chosen["secret"])
    assert verifies(got, first["secret"])


def test_the_next_attempt_uses_the_new_one(admin: Admin, receiver: Receiver) -> None:
    """Also of what waits already; former ones sign beside it as long as their grace lasts."""
    first = admin.get(PATH)["secret"]
    url, path = receiver.place(in_turn(answers(500), answers(500), answers(200)))
    delivery = sent(admin, url, retry={"delaysSeconds": [3600, 3600]})
    assert verifies(receiver.one(path), first)
    await_attempts(admin, delivery, 1)

    second = rotate(admin, secret=own(), graceSeconds=3600)["secret"]
    data_of(admin.send("POST", f"/v1/deliveries/{delivery}/replay"), 200)
    got = receiver.wait(path, 2)[1]
    assert [verifies(got, one) for one in (first, second)] == [True, True]
    await_attempts(admin, delivery, 2)

    third = rotate(admin, graceSeconds=0)["secret"]
    data_of(admin.send("POST", f"/v1/deliveries/{delivery}/replay"), 200)
    got = receiver.wait(path, 3)[2]
    assert [verifies(got, one) for one in (first, second, third)] == [False, False, True]
    assert signatures(got) == 1


def test_a_former_secret_ends_with_its_grace(admin: Admin, receiver: Receiver) -> None:
    first = admin.get(PATH)["secret"]
    rotate(admin, graceSeconds=1)
    url, path = receiver.place()
    number, until = 0, time.monotonic() + 10
    while True:
        send(admin, url)
        got = receiver.wait(path, number := number + 1)[-1]
        if not verifies(got, first):
            break
        assert time.monotonic() < until
    assert verifies(got, admin.get(PATH)["secret"])


def test_a_choice_is_forgotten(admin: Admin, receiver: Receiver) -> None:
    first = admin.get(PATH)
    assert admin.send("DELETE", PATH).status_code == 404
    chosen = rotate(admin)["secret"]
    assert data_of(admin.send("DELETE", PATH), 200) == first
    assert admin.get(PATH) == first
    url, path = receiver.place()
    send(admin, url)
    got = receiver.one(path)
    assert [verifies(got, one) for one in (first["secret"], chosen)] == [True, False]


def test_a_secret_is_shown_once_and_audited_without_itself(admin: Admin) -> None:
    once = unique("once")
    new = {"secret": own()}
    data_of(admin.send("POST", f"{PATH}/rotate", new, once), 200)
    again = admin.send("POST", f"{PATH}/rotate", new, once)
    assert again.status_code == 409
    assert new["secret"] not in again.text
    rotate(admin)
    data_of(admin.send("DELETE", PATH), 200)
    done = admin.wire.get("/v1/audit?limit=50")
    actions = [one["action"] for one in done.json()["data"]["entries"]]
    # That the repetition was refused is noted too, a little later.
    assert [one for one in actions if one != "refused"][:3] == [
        f"webhook_secret.{one}" for one in ("delete", "rotate", "create")
    ]
    assert new["secret"] not in done.text


@pytest.mark.parametrize(
    "body",
    [
        {"secret": "whsec_short"},
        {"secret": "0" * 64},
        {"graceSeconds": -1},
        {"graceSeconds": 7 * 24 * 3600 + 1},
        {"other": 1},
    ],
)
def test_what_cannot_sign_is_refused(admin: Admin, body: dict[str, Any]) -> None:
    assert admin.send("POST", f"{PATH}/rotate", body).status_code == 400
    assert admin.get(PATH)["since"] is None


def test_a_secret_is_not_rotated_to_itself(admin: Admin) -> None:
    for _ in range(2):
        kept = admin.get(PATH)["secret"]
        assert admin.send("POST", f"{PATH}/rotate", {"secret": kept}).status_code == 400
        rotate(admin)


def test_a_key_that_only_sends_sees_and_changes_none(delivering: Server, admin: Admin) -> None:
    weak = admin.using(delivering.make_key(admin.account, None, scope="messages:send").secret)
    asked = (("GET", PATH), ("POST", f"{PATH}/rotate"), ("DELETE", PATH))
    assert [weak.send(*one).status_code for one in asked] == [403] * 3


def test_the_command_line_does_the_same(
    delivering: Server, admin: Admin, receiver: Receiver
) -> None:
    whose = ("--account", admin.account)
    first = delivering.cli("messages", "secret", "show", *whose)
    assert first == {"accountId": admin.account, **admin.get(PATH)}
    made = delivering.cli("messages", "secret", "rotate", "--grace", "0", *whose)
    assert admin.get(PATH) == {"secret": made["secret"], "since": made["since"]}

    mine = own()
    rotating = ("messages", "secret", "rotate", "--secret-stdin", *whose)
    done = program.run(rotating, env=delivering.env, said=f"{mine}\n")
    assert done.stdout.strip() == mine
    url, path = receiver.place()
    send(admin, url)
    got = receiver.one(path)
    keys = (first["secret"], made["secret"], mine)
    assert [verifies(got, one) for one in keys] == [False, True, True]

    bad = program.run(rotating, env=delivering.env, said="hush-hush")
    assert bad.returncode == 2
    assert "hush-hush" not in bad.stderr
    assert program.run(rotating, env=delivering.env).returncode == 2

    dropped = delivering.cli("messages", "secret", "delete", *whose)
    assert dropped["secret"] == first["secret"]
    assert delivering.command("messages", "secret", "delete", *whose).returncode == 1
    entries = admin.get("/v1/audit?limit=3")["entries"]
    assert {one["actor"]["kind"] for one in entries} == {"cli"}
