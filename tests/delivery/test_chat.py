"""Texts for chats: what services get, and what the log says of those that fail."""

import json
from typing import Any

import pytest

from tests.api.admin import Admin
from tests.delivery import receiver as does
from tests.delivery.chats import ask, ended, say
from tests.delivery.receiver import Receiver, answers, in_turn
from tests.delivery.ruling import event, rule
from tests.dialects.native.wire import data_of
from tests.server import Server, unique

SOON = {"delaysSeconds": [0.1]}


def place(
    receiver: Receiver, scheme: str, behaviour: does.Behaviour | None = None
) -> tuple[str, str]:
    """A chat's URL at the receiver: (the URL, the path)."""
    url, path = receiver.place(behaviour)
    return url.replace("http://", f"{scheme}://"), path


def test_a_text_comes_as_its_service_wants_it(admin: Admin, receiver: Receiver) -> None:
    url, path = place(receiver, "json")
    delivery = say(admin, url, title="Order 4711", body="It is *paid*", format="markdown")
    assert (delivery["state"], delivery["transport"]) == ("succeeded", "chat")
    got = json.loads(receiver.one(path).body)
    assert got["title"] == "Order 4711"
    assert "paid" in got["message"]
    assert delivery["log"][0]["status"] == 200


def test_a_path_may_hold_what_the_service_asks_for(admin: Admin, receiver: Receiver) -> None:
    token = unique("token")
    receiver.does["/message"] = answers(200)
    say(admin, f"gotify://{receiver.host}:{receiver.port}/{token}", body="Hello")
    got = [one for one in receiver.at("/message") if one.header("X-Gotify-Key") == token]
    assert json.loads(got[0].body)["message"] == "Hello"


def test_each_chat_is_a_delivery_of_its_own(admin: Admin, receiver: Receiver) -> None:
    good, path = place(receiver, "json")
    bad, _ = place(receiver, "json", answers(404))
    sent = data_of(ask(admin, urls=[good, bad, good]), 202)
    states = [ended(admin, one["id"])["state"] for one in sent["deliveries"]]
    assert states == ["succeeded", "failed"]
    assert len(receiver.at(path)) == 1


@pytest.mark.parametrize(
    ("behaviour", "fault", "status"),
    [
        (answers(500), "provider", 500),
        (answers(429), "provider", 429),
        (does.resets, "network", None),
        (does.hangs_up, "network", None),
        (does.truncates(200), "network", None),
        (does.stalls, "timeout", None),
        (does.drips(200), "timeout", None),
    ],
)
def test_what_may_pass_is_tried_again(
    admin: Admin,
    receiver: Receiver,
    behaviour: does.Behaviour,
    fault: str,
    status: int | None,
) -> None:
    url, path = place(receiver, "json", in_turn(behaviour, answers(200)))
    delivery = say(admin, url, retry=SOON)
    first, second = delivery["log"]
    assert (first["ok"], first["fault"], first["status"]) == (False, fault, status)
    assert first["durationMs"] < 8000
    assert second["ok"]
    assert len(receiver.at(path)) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_will_not_pass_is_not_tried_again(
    admin: Admin, receiver: Receiver, status: int
) -> None:
    url, path = place(receiver, "json", answers(status))
    delivery = say(admin, url, retry=SOON)
    assert (delivery["state"], delivery["status"]) == ("failed", status)
    assert len(receiver.at(path)) == 1


def test_retry_after_is_heeded(admin: Admin, receiver: Receiver) -> None:
    url, path = place(receiver, "json", in_turn(answers(429, b"", "Retry-After: 1"), answers(200)))
    say(admin, url, retry=SOON)
    first, second = receiver.at(path)
    assert second.at - first.at >= 0.9


def test_no_more_is_read_than_anybody_reads(admin: Admin, receiver: Receiver) -> None:
    url, _ = place(receiver, "json", does.floods(200))
    delivery = say(admin, url)
    assert delivery["state"] == "succeeded"
    assert len(delivery["log"][0]["response"]) == 4096


def test_nothing_secret_is_shown(admin: Admin, receiver: Receiver, delivering: Server) -> None:
    token, password = unique("token"), unique("password")
    echoes = f"bad {token} of robot:{password} at /{token}".encode()
    receiver.does[f"/{token}"] = answers(403, echoes)
    url = f"json://robot:{password}@{receiver.host}:{receiver.port}/{token}"
    sent = data_of(ask(admin, url=url, body="Hello"), 202)
    delivery = ended(admin, sent["deliveries"][0]["id"])
    whole = admin.get(f"/v1/messages/{sent['id']}")
    shown = json.dumps([sent, delivery, whole], ensure_ascii=False)
    assert "bad … of" in shown
    assert token not in shown
    assert password not in shown
    log = delivering.output()
    assert token not in log
    assert password not in log


def test_a_url_a_service_does_not_understand_fails_in_words(admin: Admin) -> None:
    delivery = say(admin, "discord://too-short", retry=SOON)
    (attempt,) = delivery["log"]
    assert (delivery["state"], attempt["fault"]) == ("failed", "configuration")
    assert attempt["error"]
    assert "too-short" not in attempt["error"]


@pytest.mark.parametrize(
    "url",
    [
        "mailto://user:secret@example.com",
        "syslog://",
        "rsyslog://203.0.113.9",
        "mqtt://203.0.113.9/topic",
        "xmpp://user:secret@example.com",
        "dbus://",
        "gnome://",
        "windows://",
        "macosx://",
        "vapid://a@example.com/b",
        "fcm://project@key/device?keyfile=/etc/passwd",
        "slack://a/b/c?template=/etc/passwd",
        "tgram://a/b?Template=file:///etc/passwd",
        "discord://a/b?%74emplate=/etc/passwd",
        "file:///etc/passwd",
        "https://example.com/hook",
        "nonsense",
        "jsons://10.0.0.1/hook",
        "json://203.0.113.9.example.com:80/a\nb",
        "jsons://[fd00::1]/hook",
        "gotifys://169.254.169.254/token",
    ],
)
def test_what_must_not_be_spoken_to_is_refused(admin: Admin, url: str) -> None:
    refused = ask(admin, url=url)
    assert refused.status_code == 400, refused.text
    assert refused.json()["details"][0]["path"] == ["chat", "url"]
    assert "secret" not in refused.text


@pytest.mark.parametrize(
    "chat",
    [
        {},
        {"url": "jsons://example.com", "urls": ["jsons://example.com"]},
        {"urls": []},
        {"url": "jsons://example.com", "body": " "},
        {"url": "jsons://example.com", "format": "latex"},
    ],
)
def test_a_text_that_cannot_be_is_refused(admin: Admin, chat: dict[str, Any]) -> None:
    assert ask(admin, **chat).status_code == 400


def test_a_rule_tells_a_chat(admin: Admin, receiver: Receiver) -> None:
    url, path = place(receiver, "json")
    rule(admin, "", to=[{"chat": {"url": url}}])
    event(admin, "orders", title="Order 4711")
    assert json.loads(receiver.one(path).body)["message"] == "Order 4711"
