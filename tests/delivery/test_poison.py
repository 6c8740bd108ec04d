"""What one account's rules and events may not do: keep others from being told."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.admin import Admin, make_admin
from tests.delivery.conftest import NEAR
from tests.delivery.receiver import Receiver
from tests.delivery.ruling import alert, event, rule
from tests.dialects.native.wire import data_of
from tests.server import Server
from tests.waiting import wait_for

TEMPLATES = ('{{ "\\ud800" }}', '{{ "\\udfff\\x00" }}')
METADATA = (
    '{"deep": 1e400}',
    '{"deep": "\\ud800"}',
    '{"deep": "\\u0000"}',
    '{"deep": ' + "9" * 400 + "}",
    '{"deep": ' + "[" * 600 + "]" * 600 + "}",
)


@pytest.fixture
def other(delivering: Server, http: httpx2.Client) -> Admin:
    """Somebody else, who is to be told all the same."""
    return make_admin(delivering, http)


def listen(admin: Admin, receiver: Receiver) -> str:
    """Have all events told; returns where they arrive."""
    url, path = receiver.place()
    data_of(admin.send("POST", "/v1/endpoints", {"url": url, "types": ["event.*"]}), 201)
    return path


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"group": {"seconds": 1, "by": "title"}},
        {"escalate": [{"afterMinutes": 1}]},
        {"when": {"type": "threshold", "count": 1, "minutes": 1}},
    ],
)
def test_characters_that_cannot_be_kept_stop_nobody(
    admin: Admin, other: Admin, receiver: Receiver, template: str, more: dict[str, Any]
) -> None:
    path = listen(other, receiver)
    url, here = receiver.place()
    given = dict(more)
    if "escalate" in given:
        given["escalate"] = [
            {**one, "to": [{"webhook": {"url": url}}]} for one in given["escalate"]
        ]
    rule(admin, url, text={"title": template, "body": template}, **given)
    event(admin)
    event(other)
    receiver.one(path)
    alert(receiver, here)


@pytest.mark.parametrize("metadata", METADATA)
def test_metadata_that_cannot_be_read_stop_nobody(
    admin: Admin, other: Admin, receiver: Receiver, metadata: str
) -> None:
    path = listen(other, receiver)
    url, _ = receiver.place()
    match = {"metadata": [{"path": "deep", "op": "eq", "value": "x"}]}
    rule(admin, url, match=match, text={"title": "{{ event.metadata.deep }}"})
    rule(
        admin,
        url,
        text={"title": "{{ event.metadata.deep }}"},
        group={"seconds": 60, "by": "metadata.deep"},
    )
    when = {"type": "threshold", "count": 2, "minutes": 5, "by": "metadata.deep"}
    rule(admin, url, when=when)
    body = f'{{"channelName": "orders", "title": "t", "metadata": {metadata}}}'
    more = {"Content-Type": "application/json"}
    answer = admin.wire.send("POST", "/v1/events", body.encode(), more)
    assert answer.status_code in {201, 400, 422}
    event(other)
    receiver.one(path)


def test_a_rule_that_fails_for_whatever_reason_stops_nobody(
    tmp_path: Path, http: httpx2.Client, receiver: Receiver
) -> None:
    with Server(tmp_path / "data", env=NEAR) as server:
        owner, other = (make_admin(server, http) for _ in range(2))
        url, _ = receiver.place()
        when = {"type": "threshold", "count": 3, "minutes": 5}
        rule(owner, url, when=when)
        first = event(owner)
        wait_for(lambda: owner.get(f"/v1/events/{first}/trace")["toldOf"], "the first to be told")
        assert server.query("UPDATE rule_states SET body = 'broken' RETURNING kind") == [("tally",)]
        path = listen(other, receiver)
        here = listen(owner, receiver)
        event(owner)
        event(other)
        receiver.one(path, 20)
        receiver.one(here, 20)
        assert "tried on no rule" in server.output()
