"""`gatepost customer`, and keys bound to customers, on the command line."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import plain
from tests.server import Server


def idle(data: Path) -> Iterator[Server]:
    """One that does not run."""
    made = Server(data)
    yield made
    made.backend.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    yield from idle(tmp_path / "data")


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose customers `acme` and `taken` stay as they are."""
    for made in idle(tmp_path_factory.mktemp("refusing") / "data"):
        made.cli("customer", "register", "acme")
        made.cli("customer", "register", "taken")
        yield made


def test_customers_and_their_quotas(server: Server) -> None:
    made = server.cli("customer", "register", "acme", "--name", "Acme Corp")
    other = server.cli("customer", "register", "desk-a")
    assert (made["identifier"], made["name"], made["status"]) == ("acme", "Acme Corp", "active")
    assert server.cli("customer", "list")["customers"] == [made, other]
    assert server.command("customer", "quota", "acme").returncode == 1
    terms = ("--limit", "5", "--metric", "units", "--period", "day", "--mode", "hard")
    quota = server.cli("customer", "quota", "acme", *terms, "--threshold", "90")
    assert (quota["customerId"], quota["limit"], quota["remaining"]) == (made["id"], 5, 5)
    assert (quota["metric"], quota["period"], quota["mode"]) == ("units", "day", "hard")
    assert quota["thresholds"] == [90]
    assert server.cli("customer", "quota", made["id"]) == quota


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("register", "acme"), 1, "exists already: customer_"),
        (("register", " "), 2, "identifier"),
        (("quota", "nobody", "--limit", "1"), 1, "no customer 'nobody'"),
        (("quota", "acme", "--limit", "-1"), 2, "limit"),
        (("quota", "acme", "--limit", "1", "--period", "week"), 2, "one of day, month"),
        (("quota", "acme", "--limit", "1", "--mode", "firm"), 2, "one of soft, hard"),
        (("quota", "acme", "--limit", "1", "--timezone", "Mars/Olympus"), 2, "timezone"),
        (("quota", "acme", "--mode", "hard"), 2, "--limit"),
        (("quota", "acme", "--limit", "1", "--remove"), 2, "--remove"),
        (("update", "nobody", "--name", "x"), 1, "no customer 'nobody'"),
        (("update", "acme"), 2, "nothing to change"),
        (("update", "acme", "--identifier", "taken"), 1, "exists already: customer_"),
        (("update", "acme", "--status", "gone"), 2, "one of active, inactive"),
        (("update", "acme", "--metadata", "eu"), 2, "name=value"),
        (("delete", "nobody"), 1, "no customer 'nobody'"),
        (("thresholds", "acme"), 1, "has no quota"),
        (("usage", "nobody"), 1, "no customer 'nobody'"),
        (("usage", "acme", "--by", "customer"), 2, "one of endpoint"),
        (("usage", "acme", "--granularity", "week"), 2, "one of total, hour"),
        (("usage", "acme", "--from", "yesterday"), 2, "from"),
        (("usage", "acme", "--timezone", "Mars/Olympus"), 2, "timezone"),
        (("usage", "acme", "--from", "2024-01-01", "--granularity", "hour"), 1, "31 days"),
    ],
)
def test_what_is_refused(refusing: Server, command: tuple[str, ...], code: int, said: str) -> None:
    refused = refusing.command("customer", *command)
    assert (refused.returncode, said in refused.stderr) == (code, True), refused.stderr
    assert refused.stdout == ""


def test_a_key_bound_to_a_customer(server: Server) -> None:
    customer = server.cli("customer", "register", "acme")
    key = server.cli("key", "create", "token", "--customer", "acme")
    assert (key["customerId"], key["scopes"]) == (customer["id"], ["usage:read"])
    more = server.command("key", "create", "more", "--customer", "acme", "--scope", "full")
    assert (more.returncode, "usage:read alone" in more.stderr) == (2, True)
    with server:
        headers = {"Authorization": f"Bearer {key['key']}"}
        address = f"{server.address}/v1"
        usage = plain.get(f"{address}/customers/{customer['id']}/usage", headers=headers)
        assert usage.status_code == 200
        assert plain.get(f"{address}/events", headers=headers).status_code == 403


def test_a_customer_is_changed_and_ended(server: Server) -> None:
    made = server.cli("customer", "register", "acme")
    server.cli("customer", "register", "desk-a")
    words = ("--identifier", "acme-2", "--name", "Acme Corp", "--metadata", "region=eu")
    changed = server.cli("customer", "update", "acme", *words)
    new = {"identifier": "acme-2", "name": "Acme Corp", "metadata": {"region": "eu"}}
    assert changed == made | new
    stopped = server.cli("customer", "update", made["id"], "--status", "inactive")
    assert stopped == changed | {"status": "inactive"}
    bare = server.cli("customer", "update", "acme-2", "--metadata", "off", "--status", "active")
    assert (bare["metadata"], bare["status"]) == ({}, "active")
    ended = server.cli("customer", "delete", "acme-2")
    assert ended == bare | {"status": "inactive", "deleted": True}
    assert [one["identifier"] for one in server.cli("customer", "list")["customers"]] == ["desk-a"]
    assert server.command("customer", "delete", made["id"]).returncode == 1
    assert server.cli("customer", "register", "acme-2")["id"] != made["id"]


def test_a_quota_is_told_and_removed(server: Server) -> None:
    made = server.cli("customer", "register", "acme")
    terms = ("--limit", "3", "--mode", "hard", "--threshold", "50", "--threshold", "100")
    server.cli("customer", "quota", "acme", *terms)
    key = server.cli("gate", "key", "create", "ada", "--customer", "acme")["key"]
    assert server.command("gate", "check", key).returncode == 0
    assert server.command("gate", "check", key).returncode == 0
    half, full = server.cli("customer", "thresholds", "acme")["thresholds"]
    assert (half["threshold"], half["amount"], half["used"]) == (50, 2, 2)
    assert half["reachedAt"] is not None
    assert full == {"threshold": 100, "amount": 3, "reachedAt": None, "used": None}
    removed = server.cli("customer", "quota", "acme", "--remove")
    assert removed == {"customerId": made["id"], "deleted": True}
    for command in (("thresholds", "acme"), ("quota", "acme"), ("quota", "acme", "--remove")):
        assert server.command("customer", *command).returncode == 1, command


def test_what_a_customer_used(server: Server) -> None:
    made = server.cli("customer", "register", "acme")
    of = ("--customer", "acme", "--quota", "7/month")
    key = server.cli("gate", "key", "create", "ada", *of)
    for code in (0, 0, 1):
        check = ("--cost", "3", "--route", "POST /a")
        assert server.command("gate", "check", key["key"], *check).returncode == code
    told = server.cli("customer", "usage", "acme")
    assert told["totals"] == {"requests": 2, "units": 6, "errors": 1}
    assert (told["customerId"], told["granularity"], len(told["rows"])) == (made["id"], "total", 1)
    by = server.cli("customer", "usage", "acme", "--by", "endpoint", "--by", "key")
    (row,) = by["rows"]
    assert row["group"] == {"endpoint": "gate:POST /a", "key": key["id"]}
    first = datetime.now(UTC).date() - timedelta(days=20)
    days = ("--from", str(first), "--to", str(first + timedelta(days=2)), "--granularity", "day")
    past = server.cli("customer", "usage", "acme", *days, "--timezone", "Asia/Kolkata")
    assert [row["start"] for row in past["rows"]] == [
        f"{first + timedelta(days=day)}T18:30:00.000Z" for day in (-1, 0)
    ]
    assert past["totals"] == {"requests": 0, "units": 0, "errors": 0}
    server.cli("customer", "delete", "acme")
    assert server.cli("customer", "usage", made["id"])["totals"] == told["totals"]
    lines = server.command("customer", "usage", made["id"], "--by", "status").stdout.splitlines()
    assert [line.split()[1:] for line in lines] == [
        ["STATUS", "REQUESTS", "UNITS", "ERRORS"],
        ["200", "2", "6", "0"],
        ["429", "0", "0", "1"],
    ]
