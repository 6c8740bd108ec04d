"""The real program, from outside: started on its own data folder, asked, stopped and killed.

A test that needs a server gets a process, an address and keys; only accounts and keys are made
within the test's own process.
"""

import contextlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
import psycopg

from tests import plain, prepared
from tests.backends import Backend
from tests.inside import Inside
from tests.program import Program, run, started
from tests.waiting import wait_for

START_S = 30.0
STOP_S = 30.0
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
        self._process: subprocess.Popen[bytes] | Program | None = None
        self._opened: tuple[int, Inside] | None = None

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
        if "GATEPOST_DATABASE_URL" not in self.env and not self.anew:
            prepared.lay(self.data)
        self.starts += 1
        self.logs.mkdir(parents=True, exist_ok=True)
        with self._log("out").open("wb") as out, self._log("err").open("wb") as err:
            command, process = self._serve_command(), started if self.anew else Program
            self._process = process(command, env=self.env, out=out, err=err)
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
        return run(args, env=self.env, anew=self.anew)

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
        return self._inside().make_account(unique("account"), plan or "default")

    def make_project(self, account: str) -> str:
        return self._inside().make_project(account, unique("project"))

    def make_aggregator(self, account: str) -> str:
        return self._inside().make_aggregator(account, unique("aggregator"))

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
        name, inside = unique("key"), self._inside()
        made = inside.make_key(
            account, project, name, limit=limit, scope=scope, key_format=key_format
        )
        return Key(*made)

    def make_tenant(
        self, *, plan: str | None = "unlimited", limit: str | None = AMPLE, scope: str = "full"
    ) -> Tenant:
        account = self.make_account(plan=plan)
        project = self.make_project(account)
        return Tenant(account, project, self.make_key(account, project, limit=limit, scope=scope))

    # Inside

    def _inside(self) -> Inside:
        """The way in, which each start opens anew: meanwhile the data may have been replaced."""
        if self._opened is None or self._opened[0] != self.starts:
            self._opened = self.starts, Inside.of(self.env)
        return self._opened[1]

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
        return [self.role, *where, *self.options, "--json"]

    @property
    def anew(self) -> bool:
        """Whether it is started rather than forked: a fork cannot take another loader."""
        return "LD_PRELOAD" in self.env

    def _log(self, stream: str) -> Path:
        return self.logs / f"serve-{self.starts}.{stream}"

    def _running(self) -> "subprocess.Popen[bytes] | Program":
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
            answer = plain.get(f"{self.address}/readyz", timeout=5)
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    def _refuse_if_ended(self) -> None:
        code = self._running().poll()
        if code is not None:
            raise AssertionError(f"gatepost serve ended with {code}\n{self.output()}")


def _clean_environment() -> dict[str, str]:
    """This process's environment without the settings of somebody's own Gatepost."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEPOST_")}
