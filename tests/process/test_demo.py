"""`gatepost demo`: made once, the same for the same seed, looked at, and gone again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gatepost import migrations
from gatepost.base import config
from gatepost.migrations import tenant
from gatepost.storage.backend import backend_of
from tests.server import Server
from tests.waiting import wait_for

MANY = 600
QUICK = ("--events", str(MANY))
KEPT = {"accounts": 1, "projects": 1}
"""What there is of the account that comes beside the demo's."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "data")
    yield made
    made.backend.close()


def rows(server: Server) -> dict[str, int]:
    """How many rows there are of each table that has some of accounts."""
    settings, _ = config.load({"data": str(server.data)}, server.env)
    backend = backend_of(settings)
    with backend.read() as tx:
        count = sa.func.count()
        found = {
            one.name: tx.run(sa.select(count).select_from(one)).scalar() for one in tenant.tables()
        }
    return {name: many for name, many in found.items() if many}


def contents(server: Server) -> list[Any]:
    """What events say, without their ids and times."""
    tables = migrations.all_tables().tables
    events = tables["events"]
    settings, _ = config.load({"data": str(server.data)}, server.env)
    with backend_of(settings).read() as tx:
        query = sa.select(events.c.channel_name, events.c.title, events.c.user_id, events.c.tags)
        return sorted(map(tuple, tx.run(query)))


def test_every_table_is_an_accounts_or_nobodys() -> None:
    owned = {one.name for one in tenant.tables()}
    assert owned | tenant.NOBODYS == set(migrations.all_tables().tables)
    assert not owned & tenant.NOBODYS


def test_made_once_and_removed(server: Server) -> None:
    made = server.cli("demo", *QUICK)
    assert (made["created"], made["account"]["name"]) == (True, "Demo")
    assert "/dashboard/open/" in made["link"]
    assert made["account"]["id"] in made["dashboard"]
    there = rows(server)
    assert there["events"] == MANY
    wanted = {"people", "person_aliases", "rules", "endpoints", "deliveries", "attempts", "alerts"}
    wanted |= {"templates", "sending_domains", "suppressions", "customers", "customer_quotas"}
    wanted |= {"usage_lines", "usage_requests", "refusals", "aggregator_counts", "mailbox", "keys"}
    assert wanted <= there.keys()
    again = server.cli("demo", *QUICK)
    assert (again["created"], again["account"]) == (False, made["account"])
    assert rows(server) == there
    gone = server.cli("demo", "--remove")
    assert (gone["account"], gone["rows"] > MANY) == ("Demo", True)
    assert rows(server) == KEPT
    assert server.cli("demo", "--remove") == {"account": None, "rows": 0}


def test_the_same_seed_tells_the_same(tmp_path: Path) -> None:
    told = []
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        server = Server(tmp_path / name)
        server.cli("demo", "--events", "60", "--seed", seed)
        told.append(contents(server))
        server.backend.close()
    one, two, three = told
    assert one == two != three


def test_an_account_that_is_not_the_demos_is_left_alone(server: Server) -> None:
    server.cli("account", "create", "Demo")
    refused = server.command("demo", *QUICK)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--account" in refused.stderr
    assert server.cli("demo", "--remove")["account"] is None
    made = server.cli("demo", *QUICK, "--account", "Look")
    assert server.cli("demo", "--remove")["account"] == made["account"]["name"] == "Look"
    names = [one["name"] for one in server.cli("account", "list")["accounts"]]
    assert "Demo" in names


def test_live_events_reach_a_running_server_until_it_is_told_to_end(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        made = server.cli("demo", "--events", "50", "--operator", "ada@example.com")
        assert made["operators"] == ["ada@example.com"]
        command = [sys.executable, "-m", "gatepost", "demo", "--live"]
        live = subprocess.Popen(command, env=server.env, stderr=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: rows(server)["events"] > 52, "events that come in")  # some
        finally:
            live.send_signal(signal.SIGINT)
            _, said = live.communicate(timeout=30)
        assert (live.returncode, "events." in said) == (0, True), said
        assert server.cli("demo", "--remove")["account"] == "Demo"
        assert not server.cli("deliveries", "list")["deliveries"]
