"""`gatepost rule`, beside a running server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.admin import Admin
from tests.delivery.receiver import Receiver
from tests.delivery.ruling import alert, event, fate
from tests.server import Server, unique

NOWHERE = "https://nowhere.example/hook"


def test_a_rule_from_its_making_to_its_end(
    delivering: Server, admin: Admin, receiver: Receiver
) -> None:
    url, path = receiver.place()
    name = unique("rule")
    whose = ("--account", admin.account, "--project", admin.project)
    flags = ("--channel", "Payments", "--where", "amount>=1000", "--where", "currency=EUR")
    title = ("--title", "{{ event.metadata.amount }} {{ event.metadata.currency }}")
    made = delivering.cli("rule", "create", name, *flags, "--webhook", url, *title, *whose)
    assert made == admin.get(f"/v1/rules/{made['id']}")
    assert made["match"]["metadata"] == [
        {"path": "amount", "op": "gte", "value": 1000},
        {"path": "currency", "op": "eq", "value": "EUR"},
    ]
    paid = {"amount": 1200, "currency": "EUR"}
    event(admin, "payments", metadata=paid)
    assert alert(receiver, path)["data"]["title"] == "1200 EUR"
    tested = delivering.cli("rule", "backtest", name, "--since", "1h")
    assert [one["title"] for one in tested["alerts"]] == ["1200 EUR"]
    muted = delivering.cli("rule", "mute", name, "2h")
    assert muted["mutedUntil"] > made["updatedAt"]
    quiet = event(admin, "payments", metadata=paid)
    assert fate(admin, quiet, made["id"])["fate"] == "muted"
    assert delivering.cli("rule", "unmute", name)["mutedUntil"] is None
    listed = delivering.cli("rule", "list", "--account", admin.account)["rules"]
    assert [one["name"] for one in listed] == [name]
    assert delivering.cli("rule", "show", made["id"])["name"] == name
    assert delivering.cli("rule", "delete", name)["id"] == made["id"]
    assert admin.get("/v1/rules")["rules"] == []


def test_a_rule_in_a_file(delivering: Server, admin: Admin, tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    match = {"tags": {"any": ["a", "b"]}}
    whole = {"match": match, "to": [{"webhook": {"url": NOWHERE}}], "priority": "low"}
    file.write_text(json.dumps(whole))
    whose = ("--account", admin.account, "--project", admin.project)
    tested = delivering.cli("rule", "backtest", "--file", str(file), *whose)
    assert (tested["events"], tested["alerts"]) == (0, [])
    made = delivering.cli("rule", "create", unique("rule"), "--file", str(file), *whose)
    assert (made["match"], made["priority"]) == (match, "low")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("create", "x", "--webhook", "ftp://example.com"), 2, "to.0.webhook.url"),
        (("create", "x"), 2, "to: "),
        (("create", "x", "--webhook", NOWHERE, "--where", "=5"), 2, "no condition"),
        (("create", "x", "--webhook", NOWHERE, "--title", "{{ x"), 2, "text.title"),
        (("mute", "nobody", "8h"), 1, "no rule 'nobody'"),
        (("backtest",), 2, "--file"),
        (("delete", "nobody"), 1, "no rule 'nobody'"),
    ],
)
def test_what_is_refused(
    delivering: Server, admin: Admin, command: tuple[Any, ...], code: int, said: str
) -> None:
    whose: tuple[str, ...] = ("--account", admin.account)
    if command[0] in {"create", "backtest"}:
        whose += ("--project", admin.project)
    done = delivering.command("rule", *command, *whose)
    assert done.returncode == code
    assert said in done.stderr
