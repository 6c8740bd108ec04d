"""The programs that the documents show are run as they stand there."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatepost_client import MintedKey, Quota
from gatepost_client.middleware import GateMiddleware
from tests.sdk.keeper import Keeper
from tests.sdk.site import Site

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "sdk" / "python" / "README.md"
GUIDE = ROOT / "docs" / "guides" / "gate-middleware.md"
PROGRAM = re.compile(r"^```python(?: by-hand)?\n# (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs(page: Path) -> dict[str, str]:
    return {match[1]: match[2] for match in PROGRAM.finditer(page.read_text())}


@pytest.fixture
def minted(keeper: Keeper) -> MintedKey:
    return keeper.key(scopes=["orders:*"], metadata={"plan": "gold"})


def environment(keeper: Keeper, minted: MintedKey) -> dict[str, str]:
    return {
        "GATE_URL": keeper.server.address,
        "GATE_KEY": keeper.api_key,
        "GATE_KEYS_KEY": keeper.tenant.key.secret,
        "USER_KEY": minted.secret,
    }


@pytest.mark.parametrize(("page", "last"), [(README, "for"), (GUIDE, "plan")])
def test_the_app_works(
    page: Path, last: str, keeper: Keeper, minted: MintedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(keeper, minted).items():
        monkeypatch.setenv(name, value)
    shown: dict[str, Any] = {}
    exec(compile(programs(page)["app.py"], page.name, "exec"), shown)  # noqa: S102 - our own page
    with Site(shown["app"]) as site:
        assert site.get("/orders/7").status_code == 401
        answer = site.get("/orders/7", minted.secret)
        health = site.get("/health")
    assert answer.status_code == 200
    assert set(answer.json()) == {"order", last}
    assert health.status_code == (200 if page is GUIDE else 404)


@pytest.mark.parametrize(
    ("page", "name", "pattern"),
    [
        (README, "mint.py", r"shop_\w+"),
        (README, "upstream.py", ""),
        (GUIDE, "worker.py", r"True None \d+"),
    ],
)
def test_the_other_programs_work(
    page: Path, name: str, pattern: str, keeper: Keeper, tmp_path: Path
) -> None:
    rich = keeper.key(scopes=["orders:*"], quota=Quota(100, "day"))
    (tmp_path / name).write_text(programs(page)[name])
    done = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=tmp_path,
        env=os.environ
        | environment(keeper, rich)
        | {"PYTHONPATH": str(ROOT / "sdk" / "python" / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(pattern, done.stdout.strip())


def test_every_option_is_in_the_table() -> None:
    options = set(inspect.signature(GateMiddleware).parameters) - {"app"}
    table = README.read_text().partition("## Options of the middleware")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(options)
