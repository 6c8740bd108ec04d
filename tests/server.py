"""The real program, from outside: started on its own data folder, asked, stopped and killed.

A test that needs a server gets a process, an address and keys; only accounts and keys are made
within the test's own process.
"""

import contextlib
import io
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
import psycopg

from tests.backends import Backend
from tests.waiting import wait_for

PROGRAM = (sys.executable, "-m", "gatepost")
START_S = 30.0
STOP_S = 30.0
COMMAND_S = 60.0
AMPLE = "100000/60s"
"""A limit no test reaches; unlike `off` it still shows in the rate limit headers."""


def unique(prefix: str) -> str:
    """`prefix-` and 12 hex digits: a name no other test uses (already a normal channel name)."""
    return f"{prefix}-{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Key:
    id: str
    secret: str


@dataclass(frozen=True)
class Tenant:
    """An account of its own with one project and one key bound to that project."""

    account: str
    project: str
    key: Key


class Server:
    """`gatepost serve` on `data` and a free port; a context manager, and startable again.

    The second start of the same object keeps the data and takes a new port. Logs are kept beside
    the data folder, never in it.
    """

    def __init__(
        self, data: Path, *, env: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> None:
        self.data = data
        self.logs = data.with_name(data.name + "-logs")
        self.backend = Backend()
        own = {"GATEPOST_DATA": str(data)} | self.backend.environ
        self.env = _clean_environment() | own | dict(env or {})
        self.options = tuple(options)
        self.role = "serve"
        self.address = ""
        self.first_run_key: str | None = None
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        if self._process is not None:
            self.stop()
        self.backend.close()

    # Life

    def start(self) -> Self:
        if self._process is not None:
            raise AssertionError("this server runs already")
        if self.backend.must_migrate and not self.starts:
            self.cli("migrate")
        self.starts += 1
        self.logs.mkdir(parents=True, exist_ok=True)
        with self._log("out").open("wb") as out, self._log("err").open("wb") as err:
            self._process = subprocess.Popen(
                self._serve_command(), stdout=out, stderr=err, env=self.env, start_new_session=True
            )
        try:
            self._await_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, timeout_s: float = STOP_S) -> int:
        """SIGTERM; the exit code. A program that does not end in time is killed and fails."""
        self._running().send_signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def wait(self, timeout_s: float = STOP_S) -> int:
        """The exit code of a program that was told to end."""
        process = self._running()
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end {timeout_s} s after SIGTERM\n{self.output()}") from None
        self._process = None
        return code

    def kill(self) -> None:
        """SIGKILL: what a power cut looks like to the program (not to the page cache)."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        return self._running().pid

    def output(self) -> str:
        """All that any start of this server has written on stdout and stderr, so far."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')}"
            for path in sorted(self.logs.iterdir())
        )

    # Commands

    def command(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """One run of the command line on this server's data folder, whatever its exit code."""
        return subprocess.run(
            [*PROGRAM, *args],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def cli(self, *args: str) -> dict[str, Any]:
        """The JSON object a command prints with `--json`; fails on any exit code but 0."""
        done = self.command(*args, "--json")
        if done.returncode != 0:
            raise AssertionError(f"gatepost {' '.join(args)}: {done.returncode}\n{done.stderr}")
        printed = json.loads(done.stdout)
        if not isinstance(printed, dict):
            raise TypeError(f"gatepost {' '.join(args)}: no JSON object: {done.stdout!r}")
        return printed

    def make_account(self, *, plan: str | None = "unlimited") -> str:
        """The id of a new account; `plan=None` leaves the plan to the program."""
        options = () if plan is None else ("--plan", plan)
        return str(self._made("account", "create", unique("account"), *options)["id"])

    def make_project(self, account: str) -> str:
        return str(self._made("project", "create", unique("project"), "--account", account)["id"])

    def make_key(
        self,
        account: str,
        project: str | None,
        *,
        limit: str | None = AMPLE,
        scope: str = "full",
        key_format: str = "emitkit",
    ) -> Key:
        """A new key; `limit` is `N/SECONDSs` or `off`, None leaves it to the account's plan."""
        options = ["--account", account, "--scope", scope, "--format", key_format]
        options += [] if project is None else ["--project", project]
        options += [] if limit is None else ["--limit", limit]
        made = self._made("key", "create", unique("key"), *options)
        return Key(str(made["id"]), str(made["key"]))

    def make_tenant(
        self, *, plan: str | None = "unlimited", limit: str | None = AMPLE, scope: str = "full"
    ) -> Tenant:
        account = self.make_account(plan=plan)
        project = self.make_project(account)
        return Tenant(account, project, self.make_key(account, project, limit=limit, scope=scope))

    # Inside

    def _made(self, *args: str) -> dict[str, Any]:
        """As `cli`, but within this process: to start the program takes longer than many a test."""
        from gatepost.cli import app

        out = io.StringIO()
        with _ONE_AT_A_TIME, _environment(self.env), contextlib.redirect_stdout(out):
            app([*args, "--json"])
        return dict(json.loads(out.getvalue()))

    def query(self, text: str, *params: object) -> list[tuple[Any, ...]]:
        """What the database answers to SQL of a test's own; parameters are marked by `?`."""
        url = self.env.get("GATEPOST_DATABASE_URL")
        if url is None:
            with contextlib.closing(sqlite3.connect(self.data / "gatepost.db", timeout=30)) as file:
                found = file.execute(text, params).fetchall()
                file.commit()
                return found
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(text.replace("?", "%s"), params)
            return cursor.fetchall() if cursor.description else []

    def _serve_command(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", "0", "--data", str(self.data)]
        return [*PROGRAM, self.role, *where, *self.options, "--json"]

    def _log(self, stream: str) -> Path:
        return self.logs / f"serve-{self.starts}.{stream}"

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise AssertionError("this server does not run")
        return self._process

    def _await_ready(self) -> None:
        printed = wait_for(self._first_line, "the line that names the address", START_S)
        self.address = str(printed["address"]).rstrip("/")
        self.first_run_key = printed.get("key") or self.first_run_key
        wait_for(self._is_ready, f"{self.address}/readyz", START_S)

    def _first_line(self) -> dict[str, Any] | None:
        self._refuse_if_ended()
        line, newline, _rest = self._log("out").read_text().partition("\n")
        return dict(json.loads(line)) if newline else None

    def _is_ready(self) -> bool:
        self._refuse_if_ended()
        try:
            answer = httpx2.get(f"{self.address}/readyz", timeout=5, trust_env=False)
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    def _refuse_if_ended(self) -> None:
        code = self._running().poll()
        if code is not None:
            raise AssertionError(f"gatepost serve ended with {code}\n{self.output()}")


_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _clean_environment() -> dict[str, str]:
    """This process's environment without the settings of somebody's own Gatepost."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}
