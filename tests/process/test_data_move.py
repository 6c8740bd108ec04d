"""`gatepost data move`: every answer stays the same, and it can be cut off anywhere."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests import plain
from tests.backends import postgres
from tests.process import mixture
from tests.process.mixture import EVENTS, Mixture
from tests.program import Program, run
from tests.server import Server
from tests.waiting import wait_for

pytestmark = [pytest.mark.once, pytest.mark.timeout(240)]

QUESTIONS = 50
CHUNK = 5000
GATE = 77
PASSWORD = "hunter2-hunter2"


@dataclass(frozen=True)
class Source:
    """A full data folder that nobody serves, and what its server had answered."""

    data: Path
    mixture: Mixture
    answers: Mapping[str, Any]

    def query(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        return query(self.data, text, *params)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with plain.Client(timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, client: httpx2.Client) -> Source:
    with Server(tmp_path_factory.mktemp("source") / "data") as server:
        mixed = mixture.make(server, client)
        mixture.await_books(mixed, client, server.address)
        answers = mixture.ask(mixed, client, server.address)
    # A reply past its time, which its chore had not dropped yet.
    query(server.data, "UPDATE idempotency SET expires_at = 1 WHERE seq = 2")
    return Source(server.data, mixed, answers)


@pytest.fixture
def url() -> str:
    return postgres().create_database()


def query(data: Path, text: str, *params: object) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data / "gatepost.db", timeout=30)
    try:
        with connection:
            return connection.execute(text, params).fetchall()
    finally:
        connection.close()


def command(data: Path, url: str, *options: str) -> list[str]:
    return ["data", "move", "--from", f"sqlite:///{data}/gatepost.db", "--to", url, *options]


def environment(**settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}
    return plain | settings


def move(
    data: Path, url: str, *options: str, **settings: str
) -> "subprocess.CompletedProcess[str]":
    return run(command(data, url, *options), env=environment(**settings), timeout_s=120)


def moved(data: Path, url: str, **settings: str) -> dict[str, Any]:
    """The report of a move that succeeded, and that said nothing else."""
    done = move(data, url, "--json", **settings)
    assert (done.returncode, done.stderr) == (0, "")
    return dict(json.loads(done.stdout))


def refused(data: Path, url: str, **settings: str) -> str:
    """The one line that says why not."""
    done = move(data, url, **settings)
    assert (done.returncode, done.stdout) == (1, ""), done
    said = [line for line in done.stderr.splitlines() if line.startswith("gatepost: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def on_postgres(source: Source, url: str, folder: Path) -> Server:
    """A server elsewhere: it has the address and the pepper, and none of the old files."""
    pepper = (source.data / "pepper.key").read_bytes().hex()
    return Server(folder / "new", env={"GATEPOST_DATABASE_URL": url, "GATEPOST_PEPPER": pepper})


def test_every_answer_stays_the_same(
    source: Source, url: str, client: httpx2.Client, tmp_path: Path
) -> None:
    report = moved(source.data, url)
    rows = {one["name"]: one["rows"] for one in report["tables"]}
    assert rows["events"] == EVENTS + 6
    assert rows["idempotency"] == source.query("SELECT count(*) FROM idempotency")[0][0] - 1
    assert len(source.answers) >= QUESTIONS
    with on_postgres(source, url, tmp_path) as server:
        answers = mixture.ask(source.mixture, client, server.address)
        assert list(answers) == list(source.answers)
        for question, answer in answers.items():
            assert answer == source.answers[question], question
        repeats_are_known(source.mixture, client, server.address)
        what_arrives_comes_after_what_is_there(source, client, server.address)


def repeats_are_known(mixed: Mixture, client: httpx2.Client, address: str) -> None:
    wire, once = mixed.wire(client, address, "bound"), mixed.once
    again = wire.create(once.body, once=once.key)
    assert (again.status_code, again.headers["X-Idempotent-Replay"]) == (201, "true")
    assert again.json()["data"] == json.loads(once.answer)["data"]
    assert wire.create(once.body | {"title": "?"}, once=once.key).status_code == 409
    first = wire.create({"channelName": "payments", "title": "?", "eventId": "own-0"})
    stored = wire.get("/v1/events?q=Paid+0").json()["data"]["events"]
    assert [first.json()["data"]["id"]] == [one["id"] for one in stored]


def what_arrives_comes_after_what_is_there(
    source: Source, client: httpx2.Client, address: str
) -> None:
    wire = source.mixture.wire(client, address, "bound")
    ((last,),) = source.query("SELECT max(seq) FROM events")
    wire.created({"channelName": "payments", "title": "The newest"})
    ((place, event),) = mixture.stream(wire, mixture.stream_id(last), count=1)
    assert event["title"] == "The newest"
    assert place > mixture.stream_id(last)


def test_it_says_what_it_did(source: Source, url: str) -> None:
    done = move(source.data, url)
    assert done.returncode == 0
    assert re.search(rf"^events +{EVENTS + 6} ", done.stdout, re.MULTILINE)
    for word in ("Copying", "Indexing", "Comparing", "100%", "GATEPOST_PEPPER", "pepper.key"):
        assert word in done.stderr
    assert (source.data / "pepper.key").read_bytes().hex() not in done.stdout + done.stderr
    again = move(source.data, url)
    assert (again.returncode, again.stdout) == (0, "")
    assert "already" in again.stderr
    assert moved(source.data, url)["tables"] == []


# Cut off


@contextmanager
def gate(url: str, table: str, when: str) -> Iterator[psycopg.Connection]:
    """Rows of a table for which something holds wait for the end of the block."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"SELECT pg_advisory_lock({GATE})")
        database.execute(
            "CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$"
        )
        database.execute(
            f"CREATE TRIGGER gate BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW"
            f" WHEN ({when}) EXECUTE FUNCTION wait_at_gate()"
        )
        yield database
        database.execute(f"SELECT pg_advisory_unlock({GATE})")
        database.execute("DROP FUNCTION wait_at_gate CASCADE")


def kill_at(data: Path, url: str, table: str, when: str) -> int:
    """Begin a move, and kill it where a certain row comes by; the events copied by then."""
    waiting = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event = 'advisory'"
    )
    with gate(url, table, when) as database:
        with Path(os.devnull).open("wb") as out:
            moving = command(data, url, "--json")
            process = Program(moving, env=environment(), out=out, err=out)
        try:
            wait_for(lambda: database.execute(waiting).fetchall(), f"the gate at {table}", 60)
        finally:
            process.kill()
            process.wait()
        copied = "SELECT rows FROM data_moves WHERE name = 'events'"
        return int(database.execute(copied).fetchall()[0][0])


def migrate(url: str, folder: Path) -> None:
    Server(folder / "migrating", env={"GATEPOST_DATABASE_URL": url}).cli("migrate")


def shape(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as database:
        tables = "SELECT tablename, '' FROM pg_tables WHERE schemaname = 'public'"
        indexes = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        found = database.execute(f"{tables} UNION ALL {indexes} ORDER BY 1, 2".encode())
        return list(found.fetchall())


def test_a_move_goes_on_wherever_it_was_killed(source: Source, url: str, tmp_path: Path) -> None:
    uncut = postgres().create_database()
    whole = moved(source.data, uncut)
    migrate(url, tmp_path)
    assert kill_at(source.data, url, "events", f"NEW.seq > {CHUNK}") == CHUNK
    assert kill_at(source.data, url, "event_index", "NEW.seq > 3000") == EVENTS + 6
    assert kill_at(source.data, url, "installation", "NEW.name = 'move ended'") == EVENTS + 6
    assert moved(source.data, url)["tables"] == whole["tables"]
    assert shape(url) == shape(uncut)


CHANGES = {
    "events": "UPDATE events SET title = title || '!' WHERE seq = 42",
    "keys": "UPDATE keys SET enabled = NOT enabled WHERE name LIKE 'renamed%'",
    "plans": "INSERT INTO plans VALUES ('more', '{}', 0)",
}
BACK = (
    "UPDATE events SET title = rtrim(title, '!') WHERE seq = 42",
    CHANGES["keys"],
    "DELETE FROM plans WHERE name = 'more'",
)


def test_a_copy_that_differs_is_noticed(source: Source, url: str, tmp_path: Path) -> None:
    migrate(url, tmp_path)
    kill_at(source.data, url, "event_index", "NEW.seq > 3000")
    with psycopg.connect(url, autocommit=True) as database:
        for change in CHANGES.values():
            database.execute(change.encode())
        said = refused(source.data, url)
        for change in BACK:
            database.execute(change.encode())
    assert set(re.findall(r"(\w+) \([\d,]+ rows against", said)) == set(CHANGES)
    assert moved(source.data, url)["tables"]


# Refused


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one account."""
    server = Server(tmp_path_factory.mktemp("small") / "data")
    server.cli("key", "create", "first")
    return server.data


def test_what_is_served_is_not_moved(url: str, tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        assert f"is served already, by process {server.pid}" in refused(server.data, url)
    assert moved(server.data, url)["tables"]


def test_an_older_schema_is_not_moved(small: Path, url: str, tmp_path: Path) -> None:
    older = Path(shutil.copytree(small, tmp_path / "older"))
    query(older, "UPDATE alembic_version SET version_num = '0001'")
    assert "is at version 0001 of the schema" in refused(older, url)


def test_another_pepper_is_not_moved(source: Source, small: Path, url: str, tmp_path: Path) -> None:
    wrong = "a pepper that none of these keys was made with"
    assert "is not what" in refused(small, url, GATEPOST_PEPPER=wrong)
    assert "this is not the pepper" in refused(source.data, url, GATEPOST_PEPPER=wrong)
    lost = Path(shutil.copytree(small, tmp_path / "lost"))
    (lost / "pepper.key").write_bytes(b"short")
    assert "pepper.key must hold exactly 32 bytes" in refused(lost, url)
    (lost / "pepper.key").unlink()
    assert "set GATEPOST_PEPPER" in refused(lost, url)
    assert moved(lost, url, GATEPOST_PEPPER=(small / "pepper.key").read_bytes().hex())


def test_nothing_is_moved_onto_other_data(
    source: Source, small: Path, url: str, tmp_path: Path
) -> None:
    moved(small, url)
    with psycopg.connect(url) as database:
        names = database.execute("SELECT name FROM installation ORDER BY name").fetchall()
    assert ("pepper",) in names  # which nobody had noted in the source
    assert "holds the data of another installation" in refused(source.data, url)
    used = postgres().create_database()
    other = Server(tmp_path / "other", env={"GATEPOST_DATABASE_URL": used})
    other.cli("migrate")
    with other:
        assert "holds data already (accounts, audit" in refused(small, used)
    assert "holds data already (accounts, audit" in refused(small, used)
    begun = postgres().create_database()
    migrate(begun, tmp_path)
    with psycopg.connect(begun, autocommit=True) as database:
        database.execute("INSERT INTO installation VALUES ('pepper', 'another')")
        assert "was made for another pepper" in refused(source.data, begun)
        database.execute("DELETE FROM installation WHERE name = 'pepper'")
    kill_at(source.data, begun, "events", f"NEW.seq > {CHUNK}")
    assert "holds the data of another installation" in refused(small, begun)


def test_a_database_that_is_served_is_left_alone(source: Source, url: str, tmp_path: Path) -> None:
    migrate(url, tmp_path)
    worker = on_postgres(source, url, tmp_path)
    worker.role = "worker"
    with worker:
        assert "is being served: stop its processes first" in refused(source.data, url)
    assert moved(source.data, url)["tables"]


def test_half_an_installation_is_not_served(source: Source, url: str, tmp_path: Path) -> None:
    migrate(url, tmp_path)
    kill_at(source.data, url, "events", f"NEW.seq > {CHUNK}")
    for role in ("serve", "worker"):
        said = on_postgres(source, url, tmp_path).command(role, "--port", "0")
        assert (said.returncode, "a move into it is not finished" in said.stderr) == (1, True)
    assert moved(source.data, url)["tables"]


def test_addresses_are_checked_and_never_shown(small: Path, tmp_path: Path) -> None:
    unreachable = f"postgresql://gatepost:{PASSWORD}@127.0.0.1:1/gatepost"
    said = refused(small, unreachable)
    assert "gatepost:***@127.0.0.1:1/gatepost" in said
    for where, target in ((tmp_path / "nowhere", unreachable), (small, f"mysql://{PASSWORD}@a/b")):
        assert PASSWORD not in refused(where, target)
    wrong_way = ["data", "move", "--from", unreachable, "--to", f"sqlite:///{small}"]
    swapped = run(wrong_way, env=environment())
    assert (swapped.returncode, PASSWORD in swapped.stdout + swapped.stderr) == (2, False)
    assert "--from must be sqlite:///" in swapped.stderr


def test_both_addresses_may_come_from_the_settings(small: Path, url: str) -> None:
    settings = environment(GATEPOST_DATA=str(small), GATEPOST_DATABASE_URL=url)
    done = run(["data", "move", "--json"], env=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["tables"]
