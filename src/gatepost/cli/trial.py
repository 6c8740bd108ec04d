"""A trial: cycles of load, kill, restart and audit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gatepost.cli.accounting import Books, Client
from gatepost.cli.common import Failure

DATABASE = "gatepost.db"
START_S = 60.0
LOAD_S = (0.02, 0.4)
"""How long a server lives under load before it is killed: any moment between these."""
SPOT_CHECKS = 20
PROBLEMS_SHOWN = 20

STORED = """
SELECT json_extract(metadata, '$.mark'), 'event_' || lower(hex(id)) FROM events
UNION ALL
SELECT user_id, 'person_' || lower(hex(id)) FROM people
"""


class Report(msgspec.Struct, rename="camel", frozen=True):
    """What a trial found: numbers of requests, and of broken promises of each kind."""

    cycles: int
    acknowledged: int
    repeated: int
    lost: int
    doubled: int
    changed: int
    refused: int
    seconds: float
    start_seconds_median: float
    start_seconds_max: float
    problems: list[str]

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, by a server that had made some."""
        broken = self.lost or self.doubled or self.changed or self.refused
        return self.acknowledged > 0 and not broken


class Server:
    """`gatepost serve` on a scratch folder, started and killed again and again."""

    def __init__(self, data: Path, environ: Mapping[str, str]) -> None:
        """Nothing runs yet; `environ` is added to this process's own."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("GATEPOST_")}
        self._environ = own | {"GATEPOST_RATE_LIMIT": "off"} | dict(environ)
        self._log = data.with_name(data.name + ".log")
        self.data = data
        self.key = ""
        self.host, self.port = "127.0.0.1", 0
        self.starts: list[float] = []
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it serves; raises Failure when it does not."""
        began = time.perf_counter()
        options = ["serve", "--host", self.host, "--port", "0", "--json", "--data", str(self.data)]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gatepost", *options),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._environ,
                cwd=self.data.parent,
                start_new_session=True,
            )
        self._read(await self._first_line())
        self.starts.append(time.perf_counter() - began)

    async def kill(self) -> None:
        """SIGKILL; raises Failure when it had ended by itself before."""
        process = self._process
        if process is None:
            return
        self._process = None
        if process.returncode is None:
            process.kill()
        if await process.wait() >= 0:
            raise Failure(f"the server ended by itself with {process.returncode}: {self._tail()}")

    async def _first_line(self) -> bytes:
        assert self._process is not None  # noqa: S101 # it was started above
        assert self._process.stdout is not None  # noqa: S101 # it is a pipe
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S):
                if line := await self._process.stdout.readline():
                    return line
        raise Failure(f"the server did not start: {self._tail()}")

    def _read(self, line: bytes) -> None:
        printed = msgspec.json.decode(line)
        self.port = urlsplit(printed["address"]).port or 0
        self.key = printed["key"] or self.key

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-500:] if self._log.exists() else ""


class Trial:
    """Cycles of load, kill, restart and audit on one data folder."""

    def __init__(
        self,
        data: Path,
        connections: int,
        *,
        environ: Mapping[str, str] | None = None,
        crashed: Callable[[], None] = lambda: None,
        load_s: tuple[float, float] = LOAD_S,
    ) -> None:
        """`crashed` is called between a kill and the restart, to do to the folder what the
        trial is about; `environ` is added to the server's environment; `load_s` are the bounds
        of a life under load.
        """
        self.books = Books()
        self._server = Server(data, environ or {})
        self._connections = connections
        self._crashed = crashed
        self._load_s = load_s

    async def run(self, cycles: int, progress: Callable[[Books], None] | None = None) -> Report:
        """Go through the cycles, or stop at the first broken promise."""
        began = time.perf_counter()
        done = 0
        try:
            await self._server.start()
            while done < cycles and not self.books.problems:
                await self._cycle()
                done += 1
                if progress:
                    progress(self.books)
        finally:
            with contextlib.suppress(Failure):
                await self._server.kill()
        return self._report(done, time.perf_counter() - began)

    async def _cycle(self) -> None:
        await self._load_and_kill()
        self._crashed()
        await self._server.start()
        client = self._client()
        await client.settle_unanswered(self._connections)
        stored = await asyncio.to_thread(read_stored, self._server.data / DATABASE)
        self.books.audit(stored)
        await client.spot_check(SPOT_CHECKS)

    async def _load_and_kill(self) -> None:
        """Kill the server at a random moment after its first answer."""
        client = self._client()
        self.books.answered.clear()
        load = asyncio.gather(*(client.load() for _ in range(self._connections)))
        try:
            async with asyncio.timeout(START_S):
                await self.books.answered.wait()
            await asyncio.sleep(random.uniform(*self._load_s))  # noqa: S311 # no secret
        finally:
            await self._server.kill()
            await load

    def _client(self) -> Client:
        return Client(self.books, self._server.host, self._server.port, self._server.key)

    def _report(self, cycles: int, seconds: float) -> Report:
        starts = sorted(self._server.starts) or [0.0]
        problems = [f"{one.kind} {one.mark}: {one.detail}" for one in self.books.problems.values()]
        return Report(
            cycles=cycles,
            acknowledged=len(self.books.acknowledged),
            repeated=self.books.repeated,
            lost=self.books.count("lost"),
            doubled=self.books.count("doubled"),
            changed=self.books.count("changed"),
            refused=self.books.count("refused"),
            seconds=round(seconds, 1),
            start_seconds_median=round(starts[len(starts) // 2], 3),
            start_seconds_max=round(starts[-1], 3),
            problems=problems[:PROBLEMS_SHOWN],
        )


def read_stored(path: Path) -> dict[str, list[str]]:
    """Read which marks have which ids, from the file itself: nobody's memory can cover a loss."""
    stored: dict[str, list[str]] = {}
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with contextlib.closing(database):
        for mark, shown in database.execute(STORED):
            stored.setdefault(mark, []).append(shown)
    return stored
