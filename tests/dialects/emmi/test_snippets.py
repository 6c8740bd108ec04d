"""The snippets of the guide, in each language, run as they are written there."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dialects.emmi.wire import Account
from tests.docs import pages

PAGE = pages.ROOT / "docs" / "guides" / "move-from-emmi.md"
RUN_S = 110
PROGRAMS: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "sh": ("snippet.sh", lambda file: ["sh", str(file)]),
    "python": ("snippet.py", lambda file: [sys.executable, str(file)]),
    "js": ("snippet.mjs", lambda file: ["node", str(file)]),
}
"""By the language of a fence: its file, and its command."""
CALLED = {"sh": "shell", "python": "python", "js": "node"}


def snippets() -> dict[str, str]:
    """The guide's snippets by language."""
    found = (match.groups() for match in pages.FENCE.finditer(PAGE.read_text()))
    return {language: text for language, marks, text in found if "snippet" in marks.split()}


def run(
    language: str, account: Account, key: str, folder: Path
) -> "subprocess.CompletedProcess[str]":
    name, command = PROGRAMS[language]
    file = folder / name
    file.write_text(snippets()[language].replace(pages.SHOWN_ADDRESS, account.server.address))
    return subprocess.run(
        command(file),
        cwd=folder,
        env=os.environ | {"KEY": key},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def test_every_snippet_can_be_run() -> None:
    assert set(snippets()) == set(PROGRAMS)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_snippet_is_metered(language: str, account: Account, tmp_path: Path) -> None:
    for times in (1, 2):
        done = run(language, account, account.key.secret, tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert str(3 * times) in done.stdout
        (made,) = account.get("/customers")["data"]
        assert made["identifier"] == CALLED[language]
        assert account.used(made["id"]) == (times, 3 * times, 0)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_snippet_fails_without_a_key(language: str, account: Account, tmp_path: Path) -> None:
    done = run(language, account, "nonsense", tmp_path)
    assert done.returncode != 0
    assert account.get("/customers")["data"] == []
