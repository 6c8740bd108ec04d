"""`gatepost operator`: people made, shown, changed and removed by whoever runs the service."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends import on_sqlite, postgres
from tests.program import run
from tests.server import Server


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of an installation that nothing was ever asked of."""
    fresh = Server(tmp_path / "data")
    with contextlib.closing(fresh.backend):
        yield fresh.env


def kept_in(places: list[Path]) -> Iterator[tuple[str, bytes]]:
    """All files and what is in them; PostgreSQL drops some meanwhile."""
    for path in (path for place in places for path in place.rglob("*")):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            yield str(path), path.read_bytes()


def test_people_are_made_shown_changed_and_removed(env: dict[str, str]) -> None:
    made = run(["operator", "add", "Ada@Example.com", "--role", "admin", "--name", "Ada"], env=env)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("http://127.0.0.1:8080/dashboard/open/")
    assert run(["operator", "add", "ada@example.com"], env=env).returncode == 1
    listed = run(["operator", "list"], env=env).stdout.split("\n")
    assert listed[1].split()[:4] == ["ada@example.com", "Ada", "Gatepost", "admin"]
    changed = run(["operator", "role", "ADA@example.com", "viewer"], env=env)
    assert changed.stdout == "ada@example.com is viewer of Gatepost\n"
    assert "viewer" in run(["operator", "list"], env=env).stdout
    assert run(["operator", "remove", "ada@example.com"], env=env).returncode == 0
    assert run(["operator", "list"], env=env).stdout.count("\n") == 1
    assert run(["operator", "link", "ada@example.com"], env=env).returncode == 2


def test_links_need_somebody_or_nobody(env: dict[str, str]) -> None:
    none = run(["operator", "link"], env=env)
    assert none.returncode == 1
    run(["project", "create", "first"], env=env)
    assert "/dashboard/open/" in run(["operator", "link"], env=env).stdout
    assert run(["operator", "add", "ada@example.com"], env=env).returncode == 0
    assert "There are operators already" in run(["operator", "link"], env=env).stderr


def test_no_secret_is_kept_as_it_is(tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        secret = server.cli("operator", "link")["link"].rpartition("/")[2]
        server.stop()
        places = [server.data] if on_sqlite() else [server.data, postgres().folder]
        kept = dict(kept_in(places))
        assert any(b"Gatepost" in content for content in kept.values())
        assert not [path for path, content in kept.items() if secret.encode() in content]
        assert secret not in server.output()
