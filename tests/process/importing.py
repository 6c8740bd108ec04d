"""What the tests of `gatepost import` share: files, runs, and secrets as services make them."""

import csv
import io
import json
import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.server import Server, unique

MIXED = string.ascii_letters + string.digits


def drawn(length: int) -> str:
    """Letters of both cases and digits, all three at once."""
    while True:
        found = "".join(secrets.choice(MIXED) for _ in range(length))
        kinds = (str.isdigit, str.isupper, str.islower)
        if len(set(found)) > min(length, 62) * 0.6 and all(any(map(kind, found)) for kind in kinds):
            return found


def foreign(service: str) -> str:
    """A key as a service makes it."""
    made = {
        "emailit": f"secret_{drawn(32)}",
        "emailit-old": f"em_test_{drawn(32)}",
        "notifykit": f"nh_{secrets.token_hex(32)}",
        "eventicat": f"evk_{drawn(40)}",
        "emmi": f"emmi_sk_{drawn(64)}",
        "emitkit": f"emitkit_{drawn(32)}",
    }
    return made[service]


def table(rows: Sequence[Mapping[str, str]], delimiter: str = ",") -> str:
    """Rows as CSV."""
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Importer:
    """`gatepost import` on one account's behalf; each run gives the report, with its exit code."""

    def __init__(self, server: Server, folder: Path, account: str) -> None:
        self.server = server
        self.folder = folder
        self.account = account

    def file(self, content: str | bytes) -> Path:
        path = self.folder / unique("file")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def __call__(self, kind: str, content: str | bytes, *flags: str) -> dict[str, Any]:
        """Import a file; the exit code is right, and nothing is said to nobody."""
        mine = ("--account", self.account)
        done = self.server.command("import", kind, str(self.file(content)), *mine, *flags, "--json")
        assert done.returncode in {0, 1}, done.stderr
        assert done.stderr == ""
        report: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if report["refused"] else 0)
        results = [row["result"] for row in report[kind]]
        for result in ("created", "changed", "exists", "refused"):
            assert report[result] == results.count(result)
        return report

    def results(self, kind: str, content: str | bytes, *flags: str) -> list[str]:
        return [row["result"] for row in self(kind, content, *flags)[kind]]

    def fails(self, kind: str, content: str | bytes, *flags: str) -> str:
        """What is said of a file that is refused as a whole."""
        mine = ("--account", self.account)
        done = self.server.command("import", kind, str(self.file(content)), *mine, *flags)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr
        return done.stderr

    def rows_of(self, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
        """All that the account has in some tables."""
        raw = bytes.fromhex(self.account.removeprefix("account_"))
        return {
            name: sorted(
                self.server.query(f"SELECT * FROM {name} WHERE account_id = ?", raw), key=repr
            )
            for name in tables
        }


def lines(rows: Iterable[Any]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows)
