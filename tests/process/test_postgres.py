"""Several processes on one PostgreSQL: the schema first, then any number, of any role."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from gatepost import migrations
from tests import plain
from tests.backends import postgres
from tests.postgres import Postgres
from tests.server import Server
from tests.valkey import Valkey
from tests.waiting import wait_for

pytestmark = pytest.mark.once

PEPPER = {"GATEPOST_PEPPER": "a secret that all the processes of a test share"}


@pytest.fixture
def url() -> str:
    return postgres().create_database()


def server_on(url: str, folder: Path, name: str = "one", **env: str) -> Server:
    settings = PEPPER | {"GATEPOST_DATABASE_URL": url} | env
    return Server(folder / name, env=settings)


@pytest.fixture
def pair(url: str, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two processes that answer, on a database that is migrated."""
    one, two = server_on(url, tmp_path), server_on(url, tmp_path, "two")
    one.cli("migrate")
    with one, two:
        yield one, two


def send(server: Server, key: str, title: str = "Hello", **headers: str) -> httpx2.Response:
    return plain.post(
        f"{server.address}/v1/events",
        json={"channelName": "all", "title": title},
        headers={"Authorization": f"Bearer {key}"} | headers,
        timeout=30,
    )


def listed(server: Server, key: str) -> list[dict[str, Any]]:
    answer = plain.get(
        f"{server.address}/v1/events?limit=100",
        headers={"Authorization": f"Bearer {key}"},
    )
    events: list[dict[str, Any]] = answer.json()["data"]["events"]
    return events


def test_an_empty_database_is_not_served(url: str, tmp_path: Path) -> None:
    refused = server_on(url, tmp_path).command("serve", "--port", "0")
    assert (refused.returncode, "run `gatepost migrate` first" in refused.stderr) == (1, True)


def test_a_half_migrated_database_is_not_served(url: str, tmp_path: Path) -> None:
    server = server_on(url, tmp_path)
    server.cli("migrate")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        for role in ("serve", "worker"):
            refused = server.command(role, "--port", "0")
            assert (refused.returncode, "is at version 0001" in refused.stderr) == (1, True)
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        assert "newer Gatepost" in server.command("serve", "--port", "0").stderr


def test_many_migrations_at_once_are_one(url: str, tmp_path: Path) -> None:
    servers = [server_on(url, tmp_path, f"{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda one: one.cli("migrate"), servers))
    assert sorted(str(one["from"]) for one in done) == [*[migrations.head()] * 3, "None"]


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused(tmp_path: Path, name: str) -> None:
    with Postgres(settings={name: "off"}) as loose:
        refused = server_on(loose.create_database(), tmp_path).command("migrate")
        assert (refused.returncode, f"{name}=off" in refused.stderr) == (1, True)


def test_an_address_that_is_wrong_tells_no_password(tmp_path: Path) -> None:
    wrong = "postgresql://user:hush@127.0.0.1:1/none"
    for command in (("serve",), ("migrate",), ("doctor",), ("key", "list")):
        said = server_on(wrong, tmp_path).command(*command)
        assert said.returncode in {1, 2}
        assert "hush" not in said.stdout + said.stderr
    other = server_on("mysql://user:hush@localhost/none", tmp_path).command("serve")
    assert (other.returncode, "hush" in other.stderr) == (1, False)


def test_one_process_reads_what_another_wrote(pair: tuple[Server, Server]) -> None:
    one, two = pair
    key = str(one.first_run_key or two.first_run_key)
    made = send(one, key).json()["data"]
    assert listed(two, key) == [made]


def test_a_repeated_request_may_reach_another_process(pair: tuple[Server, Server]) -> None:
    one, two = pair
    key = str(one.first_run_key or two.first_run_key)
    first = send(one, key, **{"Idempotency-Key": "same"})
    again = send(two, key, **{"Idempotency-Key": "same"})
    assert again.json()["data"] == first.json()["data"]
    assert again.headers["x-idempotent-replay"] == "true"


def test_one_key_at_once_everywhere_makes_one_event(pair: tuple[Server, Server]) -> None:
    key = str(pair[0].first_run_key or pair[1].first_run_key)
    with ThreadPoolExecutor(50) as pool:
        sent = [
            pool.submit(send, pair[number % 2], key, **{"Idempotency-Key": "one"})
            for number in range(50)
        ]
    bodies = {one.result().json()["data"]["id"] for one in sent}
    assert {one.result().status_code for one in sent} == {201}
    assert len(bodies) == len(listed(pair[0], key)) == 1


def test_first_events_at_once_everywhere_make_one_channel(pair: tuple[Server, Server]) -> None:
    key = str(pair[0].first_run_key or pair[1].first_run_key)
    with ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(send, pair[number % 2], key, f"{number}") for number in range(20)]
    assert {one.result().status_code for one in sent} == {201}
    assert len({one.result().json()["data"]["channelId"] for one in sent}) == 1


def test_a_new_name_at_once_everywhere_is_made_once(pair: tuple[Server, Server]) -> None:
    key = str(pair[0].first_run_key or pair[1].first_run_key)

    def make(server: Server) -> int:
        return plain.post(
            f"{server.address}/v1/projects",
            json={"name": "wanted"},
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        ).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(make, [*pair] * 8))
    assert codes == [201] + [409] * 15


def test_a_revoked_key_is_refused_everywhere(pair: tuple[Server, Server]) -> None:
    one, two = pair
    key = str(one.first_run_key or two.first_run_key)
    head = {"Authorization": f"Bearer {key}"}
    made = plain.post(f"{one.address}/v1/keys", json={"name": "short"}, headers=head).json()["data"]
    assert send(two, made["key"]).status_code == 201
    plain.delete(f"{one.address}/v1/keys/{made['id']}", headers=head)
    wait_for(lambda: send(two, made["key"]).status_code == 401, "the revocation", 5)


def test_roles(url: str, tmp_path: Path) -> None:
    api = server_on(url, tmp_path, "api")
    api.options = ("--no-workers",)
    api.cli("migrate")
    worker = server_on(url, tmp_path, "worker")
    worker.role = "worker"
    with api, worker:
        send(api, str(api.first_run_key))
        assert plain.get(f"{worker.address}/v1/me").status_code == 404
        wait_for(lambda: api.query("SELECT 1 FROM event_index WHERE seq > 0"), "the worker's index")
        roles = {role for (role,) in api.query("SELECT role FROM processes")}
        assert roles == {"api", "worker"}
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait() == 0
        assert [role for (role,) in api.query("SELECT role FROM processes")] == ["api"]


def test_a_sqlite_file_has_no_roles(tmp_path: Path) -> None:
    for command in (("serve", "--no-workers"), ("worker",)):
        refused = Server(tmp_path / "data").command(*command)
        assert (refused.returncode, "database_url" in refused.stderr) == (2, True)


def test_the_doctor_counts_the_processes(pair: tuple[Server, Server], url: str) -> None:
    one, _two = pair
    found = one.command("doctor", "--json")
    assert (found.returncode, "set valkey_url" in found.stdout) == (1, True)
    with Valkey() as valkey:
        one.env["GATEPOST_VALKEY_URL"] = valkey.url
        sound = one.command("doctor", "--json")
    assert (sound.returncode, sound.stderr) == (0, ""), sound.stdout
